import { OnnxPruneError } from './errors.ts';
import type { PruneHooks } from './options/prune-options.ts';
import { parseAmounts, type SweepOptions } from './options/study-options.ts';
import type { SweepReport, SweepSeries } from './report/study.ts';
import type { Job } from './study/job.ts';
import { Study } from './study/study.ts';
import { combinations, sharedOptions } from './study/ways.ts';

/** Where nobody says how much. */
const AMOUNTS = '0:90:10';

/** A line of a sweep before it is measured. */
interface Plan extends Omit<SweepSeries, 'points'> {
  readonly jobs: readonly Job[];
}

/**
 * Prunes a model by many amounts, channels and weights apart, in one or several ways, and measures what each costs and gains.
 * Models are pruned and judged in several processes at a time; speed is measured in turn with the original while these rest. Writes
 * nothing but the journal of finished points, by which the same sweep goes on after a stop.
 *
 * @throws OnnxPruneError as `prune` does for what holds for all amounts, and where all fail; an amount that fails by itself is a point
 *   with a `problem`
 *
 * @example
 * const report = await sweep('model.onnx', { structured: '0:90:10', unstructured: '0,50,90' });
 */
export async function sweep(input: string, options: SweepOptions = {}, hooks: PruneHooks = {}): Promise<SweepReport> {
  const plans = plansOf(options);
  const jobs = plans.flatMap((plan) => plan.jobs);
  return Study.with({ input, options, hooks, kind: 'sweep' }, jobs, async (study) => {
    const points = await study.run('sweep', jobs);
    study.refuseAllFailed(points);
    let at = 0;
    const series = plans.map(({ jobs: { length }, ...rest }): SweepSeries => {
      at += length;
      return { ...rest, points: points.slice(at - length, at) };
    });
    const distributions = await study.distributions();
    return { kind: 'sweep', ...study.frame(), series, distributions, threads: study.threads };
  });
}

/** The lines of a sweep. @throws OnnxPruneError `bad-option` */
function plansOf(options: SweepOptions): Plan[] {
  const { structured, unstructured } = options;
  const wanted =
    structured === undefined && unstructured === undefined ? { structured: AMOUNTS } : { structured, unstructured };
  const plans = [
    ...lines('channels', '--structured', wanted.structured, options),
    ...lines('weights', '--unstructured', wanted.unstructured, options),
  ];
  const ignored = (['weightCriterion', 'weightScope'] as const).find(
    (way) => options[way] !== undefined && wanted.unstructured === undefined,
  );
  if (ignored !== undefined)
    throw new OnnxPruneError(
      'bad-option',
      ignored,
      `${ignored === 'weightScope' ? '--weight-scope' : '--weight-criterion'} is about weights, and no weights become zero; give their amounts with --unstructured, such as 0:90:10.`,
    );
  return plans;
}

function lines(
  of: Plan['of'],
  option: '--structured' | '--unstructured',
  found: SweepOptions['structured'],
  options: SweepOptions,
): Plan[] {
  if (found === undefined) return [];
  const amounts = parseAmounts(option, found);
  const shared = sharedOptions(of, options);
  const { all, several } = combinations(of, options);
  return all.map((choices) => {
    const told = Object.fromEntries(several.map((way) => [way, String(choices[way])]));
    return {
      of,
      choices: told,
      name: [of, ...Object.values(told)].join(', '),
      jobs: amounts.map((amount) => ({
        amount,
        of,
        options: { ...shared, ...choices, [of === 'channels' ? 'structured' : 'unstructured']: amount },
      })),
    };
  });
}
