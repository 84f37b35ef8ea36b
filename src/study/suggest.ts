import { allocate, leastCost } from '../budget/allocate.ts';
import type { PruneOptions } from '../options/prune-options.ts';
import type { StudyPoint, Suggestion } from '../report/study.ts';
import { type LossLevel, lossLevels, type Measured } from './loss-levels.ts';

/** Shares that are tried at a time; after the first round each leaves a third of what may still be the best. */
const FIRST = [1 / 3, 2 / 3, 1];
/** Rounds that follow, which tell the share to a part in 81. */
const ROUNDS = 3;

/** Parts of what may still be the best that are tried in each of them. */
const THIRDS = [1 / 3, 2 / 3];

/** Models that are made at most. */
export const MOST_MODELS: number = FIRST.length + ROUNDS * THIRDS.length;

/** What a recipe is made of. */
export interface SuggestionInput {
  readonly study: Measured;
  /** What else the recipe says, such as the criterion that was studied. */
  readonly base: PruneOptions;
  /** Prunes a model by each recipe. @param tried how many there were before */
  readonly measure: (recipes: readonly PruneOptions[], tried: number) => Promise<readonly StudyPoint[]>;
  /** Whether a model keeps to the tolerance. */
  readonly holds: (point: StudyPoint) => boolean;
}

/**
 * The recipe by which most leaves and all together still keep to the tolerance. Each share of the model that may leave is divided among the
 * groups so that the errors they were measured to make alone add up to the least; the largest share whose model, measured,
 * keeps to the tolerance is the answer. Null where nothing that was measured can leave.
 *
 * Source: Frantar and Alistarh, "SPDY: Accurate Pruning with Speedup Guarantees", 2022, for errors of layers that add up and the
 * programme that divides the budget; errors are measured here at the model's outputs, not at the layer's.
 */
export async function suggest({ study, base, measure, holds }: SuggestionInput): Promise<Suggestion | null> {
  const tables = lossLevels(study);
  if (tables.every((levels) => levels.length < 2)) return null;
  const recipeOf = (share: number): PruneOptions => ({ ...base, layers: layersOf(study, tables, share) });
  let found: Suggestion | undefined;
  let [low, high] = [0, 1];
  let models = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    const shares = round === 0 ? FIRST : THIRDS.map((part) => low + (high - low) * part);
    const tried = shares.map((share) => ({ share, recipe: recipeOf(share) }));
    const some = tried.filter(({ recipe }) => recipe.layers?.length !== 0);
    const points = await measure(
      some.map(({ recipe }) => recipe),
      models,
    );
    models += some.length;
    const outcomes = some.flatMap(({ share, recipe }, index): (Suggestion & { readonly share: number })[] => {
      const point = points[index];
      return point === undefined ? [] : [{ share, recipe: { ...recipe }, point, holds: holds(point) }];
    });
    // What leaves nothing keeps to everything.
    const empty = tried.filter(({ recipe }) => recipe.layers?.length === 0).map(({ share }) => share);
    const best = outcomes.findLast((each) => each.holds);
    low = Math.max(low, best?.share ?? 0, ...empty);
    const above = outcomes.find((each) => !each.holds && each.share > low);
    // Where nothing holds yet, the least is nearest to it.
    found = best ?? (found?.holds === true ? found : (outcomes[0] ?? found));
    if (low >= 1) break;
    high = above?.share ?? high;
  }
  return found === undefined ? null : { recipe: found.recipe, point: found.point, holds: found.holds };
}

/** What each group loses where a share of all that may leave does. */
function layersOf(
  { rows }: Measured,
  tables: readonly LossLevel[][],
  share: number,
): { match: string; amount: number }[] {
  const least = leastCost(tables);
  const whole = tables.length;
  const picked = allocate(tables, whole - share * (whole - least)) ?? [];
  return rows.flatMap(({ name }, index) => {
    const amount = tables[index]?.[picked[index] ?? 0]?.amount ?? 0;
    return amount > 0 ? [{ match: name, amount: Number(amount.toFixed(4)) }] : [];
  });
}
