import { sparsitiesOf } from './budget/schedule.ts';
import type { CalibrationStages } from './calibrate/stages.ts';
import { present } from './errors.ts';
import { cloneModel, type Model } from './ir/model.ts';
import { graphsIn, initializersIn } from './ir/node.ts';
import { nonZerosOf } from './ir/non-zeros.ts';
import type { Tensor } from './ir/tensor.ts';
import type { Value } from './ir/value.ts';
import { ruleOf } from './ops/rules.ts';
import { Lineage } from './recover/lineage.ts';
import {
  type ByMagnitude,
  type OneShotMethod,
  type OneShotReport,
  type SparseLayer,
  type SparsePlan,
  sparsifyLayers,
} from './recover/one-shot.ts';
import { type SparseStops, sparseStopsOf, weightOf } from './recover/sparse-stops.ts';
import type { Stopwatch } from './stopwatch.ts';
import type { PrunedLayer } from './transforms/describe-weights.ts';
import { type PruneWeightsOptions, type PruneWeightsReport, pruneWeights } from './transforms/prune-weights.ts';

/** Why a weight's zeros are not chosen on data where nothing more is known. */
const UNSEEN = 'it is multiplied where no output of a layer can be looked at';

/** What choosing zeros on calibration data needs. */
export interface OneShotTools {
  readonly clock: Stopwatch;
  readonly stages: () => Promise<CalibrationStages>;
  /** How the model came to be what it is, where channels left it; its outputs are the target. */
  readonly lineage: Lineage | undefined;
}

/**
 * Makes weights of a model zero, in place, as many of each as `pruneWeights` would, but chosen on calibration data, and with the
 * weights that stay taking over; step by step where there is a schedule.
 */
export async function pruneWeightsOneShot(
  model: Model,
  options: PruneWeightsOptions,
  method: OneShotMethod,
  { clock, stages, lineage }: OneShotTools,
): Promise<PruneWeightsReport & { readonly oneShot: OneShotReport }> {
  const { how, schedule, ...rest } = options;
  const activations = await stages();
  const reference = lineage ?? new Lineage(cloneModel(model).model);
  const amounts = how.kind === 'amount' && schedule !== undefined ? sparsitiesOf(schedule, how.amount) : undefined;
  const whole = new Map([...model.graph.initializers].map((value) => [value, value.tensor] as const));
  let report: PruneWeightsReport | undefined;
  let layers: readonly SparseLayer[] = [];
  let byMagnitude: readonly ByMagnitude[] = [];
  for (const [step, amount] of (amounts ?? [undefined]).entries()) {
    const clone = cloneModel(model);
    const planned = await pruneWeights(clone.model, {
      ...rest,
      how: how.kind === 'amount' ? { ...how, amount: amount ?? how.amount } : how,
      memory: 'copy',
      again: rest.again === true || step > 0,
    });
    const plans = plansOf(planned, whole);
    byMagnitude = takeOver(model, clone.twinOf, sparseStopsOf(model, reference, ruleOf, plans));
    layers = await clock.time('choose zeros', (onProgress) =>
      sparsifyLayers(model, reference, plans, { activations, ruleOf, onProgress }, method),
    );
    report = {
      ...planned,
      layers: planned.layers.map((layer, i) => ({ ...layer, zerosBefore: (report?.layers[i] ?? layer).zerosBefore })),
    };
  }
  return {
    ...counted(present(report, 'the report of the last step'), model),
    how,
    ...(amounts !== undefined && { steps: amounts }),
    oneShot: { method, samples: activations.samples, layers, byMagnitude },
  };
}

/** How many elements of which initializers become zero. @param whole what all of them were at first */
function plansOf(
  { how, layers }: PruneWeightsReport,
  whole: ReadonlyMap<Value, Tensor | undefined>,
): Map<Value, SparsePlan> {
  const values = new Map([...whole.keys()].map((value) => [value.name, value] as const));
  return new Map(
    layers.flatMap(({ initializer, weights, zerosAfter }) => {
      const value = values.get(initializer);
      if (value === undefined) return [];
      // A recipe may give a weight an amount of its own.
      const follows = how.kind === 'pattern' && zerosAfter * how.of >= weights * (how.of - how.keep);
      const plan: SparsePlan = follows
        ? { kind: 'pattern', keep: how.keep, of: how.of, whole: whole.get(value) }
        : { kind: 'amount', zeros: zerosAfter, whole: whole.get(value) };
      return [[value, plan] as const];
    }),
  );
}

/** Gives weights the zeros that a copy of the model has, but those that are seen to otherwise. */
function takeOver(model: Model, twinOf: (value: Value) => Value, { stops, reasons }: SparseStops): ByMagnitude[] {
  const seen = new Set(stops.map(weightOf));
  const taken: ByMagnitude[] = [];
  for (const graph of graphsIn(model.graph)) {
    for (const value of graph.initializers) {
      const { tensor } = twinOf(value);
      if (tensor === undefined || tensor === value.tensor || seen.has(value)) continue;
      graph.setTensor(value, tensor);
      taken.push({ initializer: value.name, reason: reasons.get(value) ?? UNSEEN });
    }
  }
  return taken;
}

/** The report with the zeros that there are now. */
function counted(report: PruneWeightsReport, model: Model): PruneWeightsReport {
  const tensors = new Map(initializersIn(model.graph).map(({ name, tensor }) => [name, tensor] as const));
  const layers = report.layers.map((layer): PrunedLayer => {
    const tensor = tensors.get(layer.initializer);
    const zerosAfter = tensor === undefined ? layer.zerosAfter : tensor.size - nonZerosOf(tensor);
    return { ...layer, zerosAfter, sparsity: zerosAfter / layer.weights };
  });
  const zeros = layers.reduce((sum, { zerosAfter }) => sum + zerosAfter, 0);
  const before = layers.reduce((sum, { zerosBefore }) => sum + zerosBefore, 0);
  const sparsity = report.weights === 0 ? 0 : zeros / report.weights;
  return { ...report, layers, zeros, zeroed: zeros - before, sparsity };
}
