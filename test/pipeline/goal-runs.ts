import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { loadTestData } from '../../cli/test-data.ts';
import {
  type InputSpec,
  OnnxPruneError,
  type PruneHooks,
  type PruneOptions,
  type Report,
  type TestData,
} from '../../src/index.ts';
import { prune } from '../support/shared-runtime.ts';
import { fixture, freshFolder } from './folder.ts';

/** Options of a run that neither proves nor times anything. */
export const quick = { verify: false, bench: false } as const;

/** Some of the digits, with or without their labels. */
export function digits(
  from: number,
  to: number,
  labelled: boolean,
): (inputs: readonly InputSpec[]) => Promise<TestData> {
  return async (inputs) => {
    const { feeds, labels } = await loadTestData(fixture('mnist-test.npz'), inputs);
    const part = <T extends { dims: readonly number[]; data: { length: number } }>(tensor: T): T => {
      const size = tensor.data.length / (tensor.dims[0] ?? 1);
      const { data } = tensor;
      if (!ArrayBuffer.isView(data) || !('subarray' in data) || typeof data.subarray !== 'function')
        return expect.fail('digits are numbers');
      return { ...tensor, dims: [to - from, ...tensor.dims.slice(1)], data: data.subarray(from * size, to * size) };
    };
    return {
      count: to - from,
      feeds: new Map([...feeds].map(([name, tensor]) => [name, part(tensor)])),
      labels: labelled ? labels && part(labels) : undefined,
    };
  };
}

/** Learns from some digits. */
export const LEARN: PruneHooks = { calibration: digits(0, 256, false) };
/** Judges by the labels of others. */
export const JUDGE: PruneHooks = { testData: digits(500, 1000, true) };

/**
 * Runs, and runs again with the amount that was found: both must write the same file, unless the goal is shared out by what it
 * counts, as an amount is not.
 */
export async function found(name: string, options: PruneOptions, hooks: PruneHooks = {}): Promise<Report> {
  const folder = freshFolder();
  const suffix = options.gzip ? '.gz' : '';
  // Models name the files that their weights are in, so that these go by one name.
  const [first, second] = [`${folder.path('m.onnx')}${suffix}`, `${folder.path('elsewhere/m.onnx')}${suffix}`];
  const report = await prune(fixture(name), { ...quick, ...options, output: first }, hooks);
  const { target: _target, maxDrop: _drop, ...given } = options;
  const { sought } = report.goal ?? {};
  const amount = sought?.of === 'weights' ? { unstructured: sought.amount } : { structured: sought?.amount };
  await prune(fixture(name), { ...quick, ...given, ...amount, output: second }, hooks);
  expect(sought?.found).toBe(true);
  const isShared = options.scope === 'global' && /^(params|macs)=/.test(options.target ?? '');
  if (!isShared) expect(readFileSync(first).equals(readFileSync(second))).toBe(true);
  return report;
}

/** What a run that must fail says. */
export async function failure(work: Promise<unknown>): Promise<OnnxPruneError> {
  const error: unknown = await work.then(
    () => expect.fail('it should have failed'),
    (thrown: unknown) => thrown,
  );
  return error instanceof OnnxPruneError ? error : expect.fail(String(error));
}
