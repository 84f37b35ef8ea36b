import { afterAll, describe, expect, test } from 'vitest';
import { labelOf } from '../../src/ir/node.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { dynamicSites } from '../../src/quantize/dynamic.ts';
import { integerKinds, type KindContext } from '../../src/quantize/kinds.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { normalised } from '../support/model-parts.ts';
import { NamedNet } from './static/nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const NO_DATA = { float: 'ranges of what it reads come from data, and none were given (--calibration)' };

async function kinds(
  make: (net: NamedNet) => string,
  { mode = 'auto', calibrated = true }: Partial<KindContext> = {},
): Promise<Record<string, unknown>> {
  const n = new NamedNet();
  n.give(make(n));
  const { graph } = await normalised(n.bytes(), child);
  const dynamic = new Set(dynamicSites(graph, ruleOf).sites.map(({ node }) => node));
  return Object.fromEntries(
    [...integerKinds(graph, ruleOf, { mode, calibrated, dynamic })].map(([node, kind]) => [labelOf(node), kind]),
  );
}

/** A convolution, then a product; which of them multiplies more, `columns` decides. */
const mixed =
  (columns: number) =>
  (n: NamedNet): string => {
    const flat = n.named('Flatten', 'flat', [n.conv('conv', n.image('x', 1), [8, 8, 1, 1])]);
    return n.named('Gemm', 'gemm', [flat, n.weight('w', [288, columns])]);
  };

const products = (n: NamedNet): string => {
  const x = n.named('Tanh', 'tanh', [
    n.named('MatMul', 'a', [n.input('x', 'float32', ['N', 16]), n.weight('aw', [16, 16])]),
  ]);
  return n.named('MatMul', 'b', [x, n.weight('bw', [16, 16])]);
};

describe('where nobody says how', { timeout: 30_000 }, () => {
  test('products round their data as they come', async () => {
    expect(await kinds(products)).toEqual({ a: 'dynamic', b: 'dynamic' });
    expect(await kinds(products, { calibrated: false })).toEqual({ a: 'dynamic', b: 'dynamic' });
  });

  // The convolution multiplies 8 · 8 · 36 = 2304 times.
  test('they do not where most multiplications need ranges in advance', async () => {
    expect(await kinds(mixed(4))).toEqual({ conv: 'static', gemm: 'static' });
  });

  test('they do where most multiplications are theirs', async () => {
    expect(await kinds(mixed(16))).toEqual({ conv: 'static', gemm: 'dynamic' });
  });

  test('without data, convolutions stay in float', async () => {
    expect(await kinds(mixed(4), { calibrated: false })).toEqual({ conv: NO_DATA, gemm: 'dynamic' });
  });

  test('what has no ranges in advance rounds its data as they come all the same', async () => {
    const made = await kinds((n) => {
      const rows = n.named('Reshape', 'rows', [
        n.conv('conv', n.image('x', 1), [8, 8, 3, 3]),
        n.integers('shape', [8, 1, 36]),
      ]);
      const weights = [n.weight('w', [1, 16, 36]), n.weight('r', [1, 16, 4])];
      return n.named('LSTM', 'lstm', [rows, ...weights], { hidden_size: 4 });
    });
    expect(made).toEqual({ conv: 'static', lstm: 'dynamic' });
  });
});

test.each(['static', 'dynamic', 'weights'] as const)(
  'all are asked for %s where that is said',
  { timeout: 30_000 },
  async (mode) => {
    expect(await kinds(mixed(4), { mode })).toEqual({ conv: mode, gemm: mode });
  },
);
