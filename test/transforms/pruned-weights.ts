import { afterAll } from 'vitest';
import type { Graph } from '../../src/ir/graph.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { type PruneWeightsOptions, type PruneWeightsReport, pruneWeights } from '../../src/transforms/prune-weights.ts';
import { ModelBuilder } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';

// One runtime for all tests of a file, whose own copy of this module this is.
const child = new RuntimeChild();
afterAll(() => child.close());

/** A model as it is pruned. */
export async function read(b: ModelBuilder): Promise<Model> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, createEngine(child));
  return model;
}

/** Half of each weight by magnitude, in memory of its own. */
export const HALF: PruneWeightsOptions = {
  how: { kind: 'amount', amount: 0.5, scope: 'uniform' },
  criterion: 'magnitude',
  exclude: [],
  only: [],
  include: [],
  layers: [],
  seed: 1,
  memory: 'copy',
};

/** The elements of all initializers of floating-point numbers by name. */
export const numbersOf = (graph: Graph): Record<string, number[]> =>
  Object.fromEntries(
    initializersIn(graph).flatMap(({ name, tensor }) =>
      tensor === undefined || !tensor.type.includes('float') ? [] : [[name, [...tensor.floats()]]],
    ),
  );

/** How many numbers are zero. */
export const zerosIn = (values: readonly number[] | undefined): number =>
  (values ?? []).filter((value) => value === 0).length;

/** A pruned model, and the numbers in it before and after. */
export interface Outcome {
  readonly report: PruneWeightsReport;
  readonly model: Model;
  readonly before: Record<string, number[]>;
  readonly after: Record<string, number[]>;
}

/** Prunes half of each weight, unless the options say otherwise. */
export async function prune(from: ModelBuilder | Model, options: Partial<PruneWeightsOptions> = {}): Promise<Outcome> {
  const model = from instanceof ModelBuilder ? await read(from) : from;
  const before = numbersOf(model.graph);
  const report = await pruneWeights(model, { ...HALF, ...options });
  return { report, model, before, after: numbersOf(model.graph) };
}

/** Zeros of the initializers that took part. */
export const zerosOf = ({ report }: Outcome): Record<string, number> =>
  Object.fromEntries(report.layers.map(({ initializer, zerosAfter }) => [initializer, zerosAfter]));

/** Why initializers took no part. */
export const reasonsOf = ({ report }: Outcome): Record<string, string> =>
  Object.fromEntries(report.kept.flatMap(({ reason, layers }) => layers.map((each) => [each.initializer, reason])));

/** Products side by side whose weights, of one column each, hold these numbers. */
export function products(
  weights: Readonly<Record<string, readonly number[]>>,
  dtype: ElementType = 'float32',
): ModelBuilder {
  const b = new ModelBuilder();
  const sums = Object.entries(weights).map(([name, values]) => {
    const x = b.input(`${name}.x`, dtype, ['N', values.length]);
    return b.node('MatMul', [x, b.constant(name, dtype, [values.length, 1], values)], {}, { name: `${name}.product` });
  });
  for (const sum of sums) b.output(sum, dtype, ['N', 1]);
  return b;
}
