import { OnnxPruneError } from './errors.ts';
import type { PruneHooks, PruneOptions } from './options/prune-options.ts';
import { checkTolerance, parseAmounts, type SensitivityOptions } from './options/study-options.ts';
import type { SensitivityReport, SensitivityRow, StudyPoint } from './report/study.ts';
import { dropOf } from './report/study-quality.ts';
import type { Job } from './study/job.ts';
import { layerYardstick } from './study/quality.ts';
import { recipeBase } from './study/recipe-base.ts';
import { groupsOf, type Subject, weightsOf } from './study/rows.ts';
import { Study } from './study/study.ts';
import { MOST_MODELS, suggest } from './study/suggest.ts';
import { sharedOptions } from './study/ways.ts';

/** Where nobody says how much. */
const AMOUNTS = '25,50,75';

/**
 * Prunes each group of channels of a model alone by several amounts, or each weight with `unstructured`, and measures what that
 * costs: which layers are fragile, and which bear a lot. Models are pruned and judged in several processes at a time. Writes nothing but the journal of finished points,
 * by which the same study goes on after a stop.
 *
 * After H. Li et al., Pruning Filters for Efficient ConvNets (2017), section 3.2, for channels, and S. Han et al., Learning both Weights
 * and Connections (2015), section 4, for weights.
 *
 * @throws OnnxPruneError as `prune` does for what holds for all groups; a run that fails by itself is a point with a `problem`
 */
export async function sensitivity(
  input: string,
  options: SensitivityOptions = {},
  hooks: PruneHooks = {},
): Promise<SensitivityReport> {
  const { tolerance: wanted, suggest: isAsked, ...rest } = options;
  const tolerance = checkTolerance(wanted);
  const { of, amounts } = amountsOf(options);
  const base = recipeBase(of, rest, hooks.calibration !== undefined);
  const jobOf = ({ name }: Subject, amount: number): Job => ({
    of,
    amount,
    ...(of === 'weights' && { weight: name }),
    // What leaves without a trace would hide what a group's own channels cost.
    options: { ...sharedOptions(of, rest), ...base, lossless: false, layers: [{ match: name, amount }] },
  });
  const sample = jobOf({ name: '*', nodes: [], size: 0, unit: 1, part: null }, amounts[0] ?? 0);
  // Timing each of many models says little that a sweep does not say better.
  const setting = { input, options: { ...rest, bench: false }, hooks, kind: 'sensitivity' } as const;
  return Study.with(setting, [sample], async (study) => {
    const wishes = { exclude: options.exclude ?? [], only: options.only ?? [] };
    const subjects = of === 'channels' ? groupsOf(study.graph, wishes) : weightsOf(study.graph, wishes);
    const jobs = subjects.flatMap((subject) => amounts.map((amount) => jobOf(subject, amount)));
    const points = await study.run('sensitivity', jobs);
    const by = layerYardstick(study, tolerance);
    const dropAt = ({ figures }: StudyPoint): number | null =>
      figures === null ? null : dropOf(study.original.quality, figures.quality, by);
    const holds = (point: StudyPoint): boolean => isWithin(dropAt(point), tolerance);
    const rows = subjects
      .map((subject, index): SensitivityRow => {
        const own = points.slice(index * amounts.length, (index + 1) * amounts.length);
        const broken = own.findIndex((point) => !holds(point));
        const borne = own.slice(0, broken === -1 ? undefined : broken);
        return { ...subject, points: own, bears: borne.at(-1)?.amount ?? 0 };
      })
      .sort((a, b) => a.bears - b.bears || worst(b, dropAt) - worst(a, dropAt));
    const measure = (recipes: readonly PruneOptions[], tried: number): Promise<StudyPoint[]> =>
      study.run(
        'suggest',
        recipes.map((recipe): Job => {
          const whole = subjects.reduce((sum, { size }) => sum + size, 0);
          const gone = (recipe.layers ?? []).reduce(
            (sum, { match, amount }) => sum + Number(amount) * (subjects.find(({ name }) => name === match)?.size ?? 0),
            0,
          );
          return { of, amount: gone / whole, options: { ...sharedOptions(of, rest), ...recipe } };
        }),
        { done: tried, total: MOST_MODELS },
      );
    const suggestion = isAsked
      ? await suggest({ study: { rows, original: study.original, of }, base, measure, holds })
      : null;
    if (isAsked && suggestion === null)
      study.notes.push('Nothing could be removed by any of the amounts, so there is no recipe to suggest.');
    return { kind: 'sensitivity', ...study.frame(), of, by, amounts, tolerance, rows, suggestion };
  });
}

function amountsOf({ structured, unstructured }: SensitivityOptions): Pick<SensitivityReport, 'of' | 'amounts'> {
  if (structured !== undefined && unstructured !== undefined)
    throw new OnnxPruneError(
      'bad-option',
      '--unstructured',
      'A study of sensitivity is about channels or about weights, but both --structured and --unstructured were given; run it twice, once with each.',
    );
  const of = unstructured === undefined ? 'channels' : 'weights';
  const [option, found] =
    of === 'channels' ? ['--structured', structured ?? AMOUNTS] : ['--unstructured', unstructured ?? AMOUNTS];
  // Nothing is learnt of a group that stays as it is.
  const amounts = parseAmounts(option, found).filter((amount) => amount > 0);
  if (amounts.length > 0) return { of, amounts };
  throw new OnnxPruneError(
    'bad-option',
    option,
    `${option} names no amount above 0%, so nothing would be pruned; give some such as "25,50,75".`,
  );
}

/** Digits that say something: 1 − 0.99 is 0.01. */
function isWithin(drop: number | null, tolerance: number): boolean {
  return drop !== null && Number(drop.toPrecision(12)) <= tolerance;
}

/** The largest drop of a row; what failed counts as all. */
function worst({ points }: SensitivityRow, dropAt: (point: StudyPoint) => number | null): number {
  return Math.max(...points.map((point) => dropAt(point) ?? 1));
}
