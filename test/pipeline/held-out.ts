import type { PruneHooks, PruneOptions, Report, TestData } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { createRandom, normals } from '../support/random.ts';
import { prune } from '../support/shared-runtime.ts';
import { freshFolder } from './folder.ts';

/** Samples of standard normal numbers for inputs of such dims, the samples left out; `bend` makes others of them. */
export function normalData(
  count: number,
  seed: number,
  inputs: Readonly<Record<string, readonly number[]>>,
  bend: (value: number) => number = (value) => value,
): TestData {
  const feeds = Object.entries(inputs).map(([name, dims]) => {
    const data = normals(
      dims.reduce((product, dim) => product * dim, count),
      seed,
    ).map(bend);
    return [name, { type: 'float32', dims: [count, ...dims], data }] as const;
  });
  return { count, feeds: new Map(feeds), labels: undefined };
}

/** Sentences of six of the eleven words of the language model. */
export function sentences(count: number, seed: number): TestData {
  const random = createRandom(seed);
  const data = BigInt64Array.from({ length: count * 6 }, () => BigInt(random.below(11)));
  return { count, feeds: new Map([['ids', { type: 'int64', dims: [count, 6], data }]]), labels: undefined };
}

/** What a run learns from, and what it is judged by. */
export interface Lessons {
  readonly calibration?: TestData | undefined;
  readonly heldOut: TestData;
}

/** What became of a model. */
export interface Lesson {
  readonly report: Report;
  readonly output: string;
  /** ‖result − original‖ / ‖original‖ of each output, on the data that were held out. */
  readonly errors: readonly number[];
  /** The largest of them. */
  readonly error: number;
  /** Part of the labels that the result gets right. */
  readonly accuracy: number;
}

/** Prunes a model, or a file, and judges it on data that were held out. */
export async function learn(
  model: ModelBuilder | string,
  options: PruneOptions,
  { calibration, heldOut }: Lessons,
): Promise<Lesson> {
  const folder = freshFolder();
  const input = model instanceof ModelBuilder ? folder.write('m.onnx', model.bytes()) : model;
  const output = options.output ?? folder.path('small.onnx');
  const hooks: PruneHooks = {
    testData: async () => heldOut,
    ...(calibration && { calibration: async () => ({ ...calibration, labels: undefined }) }),
  };
  const report = await prune(input, { bench: false, output, force: true, ...options }, hooks);
  const { outputs = [], accuracy, samples = 1 } = report.fidelity ?? {};
  const errors = outputs.map(({ relativeL2 }) => relativeL2 ?? Number.NaN);
  return { report, output, errors, error: Math.max(...errors), accuracy: (accuracy?.hitsB ?? Number.NaN) / samples };
}
