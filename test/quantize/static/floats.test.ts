import { describe, expect, test } from 'vitest';
import { type Feeds, type HostTensor, runAll } from '../../../src/runtime/index.ts';
import { inputsOf } from '../../support/model-parts.ts';
import { NamedNet } from './nets.ts';
import { labelsOf, operatorCounts, outputScale, Quantizer } from './quantized.ts';

const quantizer = new Quantizer();
const OPSETS = [13, 17, 21];
const ONE = [8, 8, 1, 1];

/** The outputs of a model on data, with and without what the runtime makes of it. */
async function bothWays(bytes: Uint8Array, data: readonly Feeds[]): Promise<readonly [number[], number[]]> {
  const numbers = async (optimization: 'all' | 'disabled'): Promise<number[]> => {
    const batches = await runAll(quantizer.child, bytes, data, { optimization });
    return batches.flatMap((outputs) =>
      Object.values(outputs).flatMap(({ data }: HostTensor) => Array.from(data, Number)),
    );
  };
  return [await numbers('all'), await numbers('disabled')];
}

interface Case {
  readonly name: string;
  /** Between two convolutions. */
  readonly make: (net: NamedNet, x: string) => string;
  readonly float?: readonly string[];
  readonly reason: string;
  /** Of the node that stays. */
  readonly operator: string;
}

/** A weight that is far larger than all others: rounding them all to one scale would make zeros of the rest. */
function unevenWeight(net: NamedNet, name: string, dims: readonly number[]): string {
  const size = dims.reduce((product, dim) => product * dim, 1);
  return net.constant(
    name,
    'float32',
    dims,
    Array.from({ length: size }, (_, at) => (at === 0 ? 2000 : Math.sin(at))),
  );
}

const CASES: readonly Case[] = [
  {
    name: 'a convolution in groups of 4 channels',
    make: (n, x) =>
      n.named('Conv', 'stays', [x, unevenWeight(n, 'w', [8, 4, 3, 3]), n.vector('b', 8)], {
        group: 2,
        pads: [1, 1, 1, 1],
      }),
    reason: 'convolutions in groups of 4 channels are slower as integers',
    operator: 'Conv',
  },
  {
    name: 'a convolution that is to stay, with Relu behind it',
    make: (n, x) =>
      n.named('Relu', 'relu', [
        n.named('Conv', 'stays', [x, unevenWeight(n, 'w', [8, 8, 3, 3]), n.vector('b', 8)], { pads: [1, 1, 1, 1] }),
      ]),
    float: ['stays'],
    reason: '--float "stays" says so',
    operator: 'Conv',
  },
  {
    name: 'a transposed convolution',
    make: (n, x) => n.named('ConvTranspose', 'stays', [x, unevenWeight(n, 'w', [8, 8, 1, 1]), n.vector('b', 8)]),
    reason: 'the runtime has no integer kernel for ConvTranspose as it is',
    operator: 'ConvTranspose',
  },
];

/** What moves elements, and quantizers are moved over. */
const MOVERS: Readonly<Record<string, (n: NamedNet, x: string, name: string) => string>> = {
  MaxPool: (n, x, name) => n.named('MaxPool', name, [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  Transpose: (n, x, name) => n.named('Transpose', name, [x], { perm: [0, 1, 3, 2] }),
  Reshape: (n, x, name) => n.named('Reshape', name, [x, n.integers(`${name}_shape`, [0, 8, 4, 9])]),
  Relu: (n, x, name) => n.named('Relu', name, [x]),
};

/** A convolution that stays, with what moves elements before and behind it. */
const MOVED: readonly Case[] = [
  { before: [], behind: ['MaxPool'] },
  { before: [], behind: ['Transpose', 'Reshape'] },
  { before: [], behind: ['Relu', 'Transpose', 'MaxPool'] },
  { before: ['Transpose'], behind: [] },
  { before: ['MaxPool', 'Reshape'], behind: [] },
  { before: ['Transpose'], behind: ['Transpose'] },
].map(({ before, behind }) => ({
  name: `a convolution behind [${before.join()}] and before [${behind.join()}]`,
  make: (n, x) => {
    const moved = before.reduce((value, each, i) => MOVERS[each]?.(n, value, `before${i}`) ?? value, x);
    const inputs = [moved, unevenWeight(n, 'w', [8, 8, 3, 3]), n.vector('b', 8)];
    const stays = n.named('Conv', 'stays', inputs, { pads: [1, 1, 1, 1] });
    return behind.reduce((value, each, i) => MOVERS[each]?.(n, value, `behind${i}`) ?? value, stays);
  },
  float: ['stays'],
  reason: '--float "stays" says so',
  operator: 'Conv',
}));

const DEAD = Array.from({ length: 8 }, (_, channel) => (channel === 0 ? -1000 : 0.5));

describe.each(OPSETS)('operator set %i', { timeout: 60_000 }, (opset) => {
  test.each(opset === 17 ? [...CASES, ...MOVED] : CASES)(
    '$name stays in float between layers on integers, with its own weights',
    async (each) => {
      const n = new NamedNet({ opset });
      const a = n.named('Conv', 'first', [
        n.image(),
        n.weight('first_w', ONE),
        n.constant('first_b', 'float32', [8], DEAD),
      ]);
      const between = each.make(n, n.named('Relu', 'first_relu', [a]));
      n.give(n.conv('last', between, ONE));
      const { bytes, fusion, model, dense, optimised, report, data } = await quantizer.fuse(n, {
        float: each.float ?? [],
      });
      expect(report.floats).toEqual([{ node: 'stays', operator: each.operator, reason: each.reason }]);
      expect(fusion.overruled).toEqual([]);
      expect(operatorCounts(optimised)['QLinearConv']).toBe(2);
      const [found, plain] = await bothWays(bytes, [...data, inputsOf(dense, 99)]);
      const step = outputScale(model);
      found.forEach((number, i) => {
        if (!(Math.abs(number - (plain[i] as number)) <= 1.01 * step))
          expect.fail(`${number} and ${plain[i]}, step ${step}`);
      });
      expect(new Set(plain).size).toBeGreaterThan(10);
    },
  );
});

test.each(OPSETS)('means over windows stay in float, with operator set %i', { timeout: 60_000 }, async (opset) => {
  const n = new NamedNet({ opset });
  const pooled = n.named('AveragePool', 'pool', [n.conv('first', n.image(), ONE)], {
    kernel_shape: [3, 3],
    pads: [1, 1, 1, 1],
  });
  n.give(n.conv('last', pooled, ONE));
  const { optimised } = await quantizer.fuse(n);
  const { Transpose: _, ...found } = operatorCounts(optimised);
  expect(found).toMatchObject({ AveragePool: 1, QLinearConv: 2 });
  expect(found).not.toHaveProperty('QLinearAveragePool');
});

test('a bias that is added behind is no node of its own', { timeout: 60_000 }, async () => {
  const n = new NamedNet();
  const a = n.named('MatMul', 'a', [n.input('x', 'float32', [4, 16]), n.weight('aw', [16, 16])]);
  const relu = n.named('Relu', 'relu', [n.named('Add', 'add', [a, n.vector('ab', 16)])]);
  n.give(n.named('MatMul', 'b', [relu, n.weight('bw', [16, 8])]));
  const { model } = await quantizer.quantize(n);
  expect(labelsOf(model, 'LeakyRelu')).toEqual([]);
});
