import { describe, expect, it } from 'vitest';
import type { PruneOptions, TestData } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { createRandom } from '../support/random.ts';
import { prune } from '../support/shared-runtime.ts';
import { mixedNet } from '../support/weight-nets.ts';
import { fixture, freshFolder } from './folder.ts';
import { normalData } from './held-out.ts';
import { decoded, type Int8Run, quantize, type StoredIntegers } from './int8-runs.ts';

const patient = { timeout: 60_000 };
const images = (count: number, seed = 5): TestData => normalData(count, seed, { x: [4, 6, 6] });
const PAIR = 128;

/** Whether products of any two codes of a row with bytes fit into 16 bits together. */
function fits({ dims, codes }: StoredIntegers): boolean {
  // Rows of a convolution lie along its first axis, and so do those of the product that reads its weight transposed.
  const axis = dims.length > 2 || String(dims) === '12,8' ? 0 : 1;
  const inner = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const length = dims[axis] ?? 1;
  return Array.from({ length }, (_, row) => {
    const own = codes.filter((_, i) => Math.floor(i / inner) % length === row).sort();
    const [low = 0, lower = 0] = own;
    const [high = 0, higher = 0] = own.slice(-2);
    return high + higher <= PAIR && low + lower >= -PAIR;
  }).every(Boolean);
}

describe('weights that run on any CPU', patient, () => {
  const run = (options: PruneOptions): Promise<Int8Run> =>
    quantize(mixedNet(), { bench: false, ...options }, { calibration: images(48) });

  it.each(['static', 'dynamic'])('keep to sums that 16 bits hold, %s', async (int8) => {
    for (const rounding of ['nearest', 'gptq']) {
      const { report, quantization, output } = await run({ int8, rounding, portable: true });
      expect(quantization).toMatchObject({ portable: true, overflowing: 0 });
      expect([...decoded(output).weights.values()].every(fits)).toBe(true);
      expect(report.notes.join('\n')).not.toContain('VNNI');
      expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.08);
    }
  });

  it.each(['static', 'dynamic'])('are said to exceed them where they may, %s', async (int8) => {
    const { report, quantization, output } = await run({ int8, portable: false, verify: false });
    expect(quantization.portable).toBe(false);
    const overflowing = [...decoded(output).weights.values()].filter((weight) => !fits(weight));
    expect(quantization.overflowing).toBe(overflowing.length);
    expect(overflowing.length).toBeGreaterThan(0);
    expect(report.notes.join('\n')).toContain(
      `sums of products may overflow in ${overflowing.length} of ${quantization.layers.length} layers`,
    );
  });
});

describe('channels of unlike ranges', patient, () => {
  /** x [N, 4, 6, 6] → Conv, of which two channels are 64 times as large → Relu → Conv that makes up for it → y. */
  function unevenNet(): ModelBuilder {
    const b = new ModelBuilder();
    const random = createRandom(9);
    const draw = (count: number, factor: (i: number) => number): number[] =>
      Array.from({ length: count }, (_, i) => 0.3 * random.normal() * factor(i));
    const scale = (channel: number): number => (channel % 4 === 0 ? 64 : 1);
    const x = b.input('x', 'float32', ['N', 4, 6, 6]);
    const first = b.constant(
      'first.weight',
      'float32',
      [8, 4, 3, 3],
      draw(288, (i) => scale(Math.floor(i / 36))),
    );
    const bias = b.constant('first.bias', 'float32', [8], draw(8, scale));
    const second = b.constant(
      'second.weight',
      'float32',
      [6, 8, 1, 1],
      draw(48, (i) => 1 / scale(i % 8)),
    );
    const hidden = b.node(
      'Relu',
      [b.node('Conv', [x, first, bias], {}, { name: 'first' })],
      {},
      { outputs: ['hidden'] },
    );
    b.output(b.node('Conv', [hidden, second], {}, { name: 'second', outputs: ['y'] }), 'float32', ['N', 6, 4, 4]);
    return b;
  }
  const run = async (options: PruneOptions): Promise<Int8Run & { readonly error: number }> => {
    const done = await quantize(
      unevenNet(),
      { rounding: 'nearest', ...options },
      { calibration: images(48), testData: images(48, 6) },
    );
    return { ...done, error: done.report.fidelity?.outputs[0]?.relativeL2 ?? Number.NaN };
  };

  it('are made alike, unless that is not wanted', async () => {
    const [even, uneven] = [await run({}), await run({ equalize: false })];
    expect(uneven.quantization.equalized).toEqual([]);
    expect(even.quantization.equalized).toEqual([expect.objectContaining({ value: 'hidden', channels: 8 })]);
    expect(even.error).toBeLessThan(0.02);
    expect(uneven.error).toBeGreaterThan(5 * even.error);
    expect(even.report.proof?.passed).toBe(true);
  });

  it('may have been mended on data before', async () => {
    const options = { structured: '25%', align: 'none' } as const;
    const [even, float] = [
      await run(options),
      await quantize(
        unevenNet(),
        { ...options, int8: 'weights', float: ['*'] },
        { calibration: images(48), testData: images(48, 6) },
      ),
    ];
    expect(even.quantization.equalized).toHaveLength(1);
    const lost = float.report.fidelity?.outputs[0]?.relativeL2 ?? Number.NaN;
    expect(even.error).toBeLessThan(lost + 0.02);
  });
});

it('batch normalizations become part of layers', patient, async () => {
  const report = await prune(
    fixture('structural/residual.onnx'),
    { int8: true, bench: false, output: freshFolder().path('o.onnx') },
    {
      calibration: async () => normalData(64, 5, { image: [3, 8, 8] }),
      testData: async () => normalData(32, 6, { image: [3, 8, 8] }),
    },
  );
  expect(report.quantization?.folded).toBeGreaterThan(0);
  expect(report.quantization?.fusion?.overruled).toEqual([]);
  expect(report.proof?.passed).toBe(true);
  expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.06);
});
