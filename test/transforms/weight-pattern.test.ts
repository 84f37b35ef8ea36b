import { describe, expect, test } from 'vitest';
import { featureNet, imageNet } from '../ops/nets.ts';
import { ModelBuilder } from '../support/build.ts';
import { prune, reasonsOf, zerosIn, zerosOf } from './pruned-weights.ts';

describe('a pattern', { timeout: 60_000 }, () => {
  /** Most non-zeros in a run of four along an axis. */
  function most(values: readonly number[], dims: readonly number[], axis: number): number {
    const inner = dims.slice(axis + 1).reduce((product, each) => product * each, 1);
    const size = dims[axis] ?? 1;
    const filled = new Map<string, number>();
    values.forEach((value, flat) => {
      const [outer, at, k] = [Math.floor(flat / (inner * size)), Math.floor(flat / inner) % size, flat % inner];
      const run = `${outer} ${Math.floor(at / 4)} ${k}`;
      filled.set(run, (filled.get(run) ?? 0) + (value === 0 ? 0 : 1));
    });
    return Math.max(...filled.values());
  }

  test('holds along the axis that Conv, Gemm and MatMul sum over', async () => {
    const shapes: Record<string, [dims: number[], axis: number]> = {
      conv: [[6, 8, 3, 3], 1],
      grouped: [[4, 8, 1, 1], 1],
      turned: [[12, 4], 1],
      plain: [[12, 8], 0],
      last: [[8, 4], 0],
    };
    const b = new ModelBuilder();
    const weight = (name: string): string => b.weight(name, shapes[name]?.[0] ?? []);
    const conv = b.node('Conv', [b.input('image', 'float32', ['N', 8, 3, 3]), weight('conv')]);
    b.output(conv, 'float32');
    b.output(b.node('Conv', [b.input('wide', 'float32', ['N', 16, 1, 1]), weight('grouped')], { group: 2 }), 'float32');
    const turned = b.node('Gemm', [b.input('rows', 'float32', ['N', 4]), weight('turned')], { transB: 1 });
    const plain = b.node('Gemm', [turned, weight('plain')]);
    b.output(b.node('MatMul', [plain, weight('last')]), 'float32');
    const outcome = await prune(b, { how: { kind: 'pattern', keep: 2, of: 4 } });
    expect(Object.keys(zerosOf(outcome)).sort()).toEqual(Object.keys(shapes).sort());
    for (const [name, [dims, axis]] of Object.entries(shapes)) {
      expect(most(outcome.before[name] ?? [], dims, axis), name).toBe(4);
      expect(most(outcome.after[name] ?? [], dims, axis), name).toBe(2);
      expect(zerosIn(outcome.after[name])).toBe((outcome.before[name]?.length ?? 0) / 2);
    }
    expect(outcome.report.sparsity).toBe(0.5);
  });

  test('says of every weight that it does not fit why it stays', async () => {
    const net = imageNet(
      (b, x) => {
        const depthwise = b.node('Conv', [x, b.weight('depthwise', [8, 1, 3, 3])], { group: 8, pads: [1, 1, 1, 1] });
        return b.node('ConvTranspose', [depthwise, b.weight('up', [8, 4, 1, 1])], { group: 4 });
      },
      { read: 16 },
    );
    const outcome = await prune(net, { how: { kind: 'pattern', keep: 2, of: 4 } });
    expect(zerosOf(outcome)).toEqual({ last: 32 });
    expect(reasonsOf(outcome)).toEqual({
      first: 'its summed axis has length 3, which is not a multiple of 4',
      depthwise: 'its layer has 1 input per group',
      up: 'its summed axis has length 2 in each group, which is not a multiple of 4',
      first_bias: 'it is a bias (--include takes it)',
      last_bias: 'it is a bias (--include takes it)',
    });
  });

  test('that fits no weight is refused with an example', async () => {
    const net = featureNet((_, x) => x, { channels: 6 });
    await expect(prune(net, { how: { kind: 'pattern', keep: 2, of: 4 } })).rejects.toMatchObject({
      code: 'unsupported',
      subject: 'first',
      message: expect.stringMatching(
        /^The pattern 2:4 fits no weight of the model: weight "first" of node ".+", for one, stays whole because its summed axis has length 5, which is not a multiple of 4; give/,
      ),
    });
  });
});
