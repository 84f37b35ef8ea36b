import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { PruneOptions, Report } from '../../src/index.ts';
import { importModel } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import type { Tensor } from '../../src/ir/tensor.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { normalData } from '../pipeline/held-out.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const PLAIN = [0.5, -1, 0.25, 1, -0.75, 0.1];
const MODES = ['dynamic', 'weights', 'static'] as const;

/** x [N, 6] → Gemm → y [N, 3]; the second of three rows of its weight is odd. */
async function quantize(
  odd: readonly number[],
  int8: (typeof MODES)[number],
): Promise<{ report: Report; tensors: ReadonlyMap<string, Tensor> }> {
  const b = new ModelBuilder();
  const weight = b.constant('w', 'float32', [3, 6], [...PLAIN, ...odd, ...PLAIN]);
  const gemm = [b.input('x', 'float32', ['N', 6]), weight, b.vector('b', 3)];
  b.output(b.node('Gemm', gemm, { transB: 1 }, { name: 'gemm', outputs: ['y'] }), 'float32', ['N', 3]);
  const folder = freshFolder();
  const output = folder.path('out.onnx');
  const options: PruneOptions = { int8, rounding: 'nearest', bench: false, output };
  const calibration = async () => normalData(8, 3, { x: [6] });
  const hooks = int8 === 'static' ? { calibration } : {};
  const report = await pruneIn(child, folder.write('in.onnx', b.bytes()), options, hooks);
  const { graph } = importModel(decodeModel(readFileSync(output)));
  const tensors = initializersIn(graph).flatMap(({ name, tensor }) =>
    tensor === undefined ? [] : [[name, tensor] as const],
  );
  return { report, tensors: new Map(tensors) };
}

describe('weights on 8 bits', { timeout: 60_000 }, () => {
  test.each(MODES)('of a channel that is zero are zero, and leave the others alone (%s)', async (mode) => {
    const [{ report, tensors }, plain] = [await quantize(Array<number>(6).fill(0), mode), await quantize(PLAIN, mode)];
    expect(report.quantization?.layers).toHaveLength(1);
    expect(report.proof?.passed).toBe(true);
    const scaleOf = (from: ReadonlyMap<string, Tensor>): number[] => [...(from.get('w_scale')?.floats() ?? [])];
    const [odd, all] = [scaleOf(tensors), scaleOf(plain.tensors)];
    expect(odd).toHaveLength(3);
    expect([odd[0], odd[2]]).toEqual([all[0], all[2]]);
    expect(odd.every((scale) => scale > 0 && Number.isFinite(scale))).toBe(true);
  });

  test.each(MODES)('of numbers near the smallest have a scale that is a normal number (%s)', async (mode) => {
    for (const peak of [1e-38, 2 ** -149]) {
      const { report, tensors } = await quantize([peak, -peak, 0, 0, peak, 0], mode);
      expect(report.quantization?.layers).toHaveLength(1);
      for (const scale of tensors.get('w_scale')?.floats() ?? expect.fail('there is no scale'))
        expect(scale).toBeGreaterThanOrEqual(2 ** -126);
    }
  });

  test.each(MODES)('stay floats, bit for bit, where some are infinite or NaN (%s)', async (mode) => {
    for (const [odd, count] of [
      [[Number.POSITIVE_INFINITY, 1, 2, 3, 4, 5], '1 NaN or infinite number,'],
      [[Number.NaN, 1, Number.NEGATIVE_INFINITY, 3, 4, 5], '2 NaN or infinite numbers,'],
    ] as const) {
      const { report, tensors } = await quantize(odd, mode);
      expect(report.quantization?.layers).toEqual([]);
      expect(report.quantization?.floats).toMatchObject([{ node: 'gemm', reason: expect.stringContaining(count) }]);
      expect([...(tensors.get('w')?.floats() ?? [])]).toEqual([...Float32Array.from([...PLAIN, ...odd, ...PLAIN])]);
    }
  });
});
