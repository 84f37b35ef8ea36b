import type { PruneOptions } from '../options/prune-options.ts';
import type { SensitivityRow, StudyPoint, Suggestion } from '../report/study.ts';

/** Halvings of the scale; five tell it to 3%. */
const TRIES = 5;

/** Models that are made at most: one by what all bear alone, and one for each halving. */
export const MOST_MODELS: number = TRIES + 1;

/** What a recipe is made of. */
export interface SuggestionInput {
  readonly rows: readonly SensitivityRow[];
  /** What else the recipe says, such as the criterion that was studied. */
  readonly base: PruneOptions;
  /** Prunes a model by a recipe. @param tried how many there were before */
  readonly measure: (recipe: PruneOptions, tried: number) => Promise<StudyPoint | undefined>;
  /** Whether a model keeps to the tolerance. */
  readonly holds: (point: StudyPoint) => boolean;
}

/**
 * A recipe of what each group or weight bears alone. Errors add up, so that what all bear together is less: amounts are scaled by one
 * factor, found by bisection, until the model keeps to the tolerance. Null where none bears anything.
 */
export async function suggest({ rows, base, measure, holds }: SuggestionInput): Promise<Suggestion | null> {
  const borne = rows.filter(({ bears }) => bears > 0);
  if (borne.length === 0) return null;
  const recipeAt = (scale: number): PruneOptions => ({
    ...base,
    layers: borne.map(({ name, bears }) => ({ match: name, amount: Number((bears * scale).toFixed(4)) })),
  });
  let found: Suggestion | null = null;
  let [low, high] = [0, 1];
  for (let tried = 0; tried <= TRIES; tried++) {
    const scale = tried === 0 ? 1 : (low + high) / 2;
    const recipe = recipeAt(scale);
    const point = await measure(recipe, tried);
    if (point === undefined) return found;
    const isHeld = holds(point);
    // One that holds is taken in place of any before, since scales that hold only grow.
    if (isHeld || found === null || !found.holds) found = { recipe: { ...recipe }, scale, point, holds: isHeld };
    if (isHeld) low = scale;
    else high = scale;
    if (isHeld && tried === 0) return found;
  }
  return found;
}
