import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel, type Model } from '../../src/ir/model.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { foldAffine } from '../../src/quantize/fold-affine.ts';
import { RuntimeChild, run } from '../../src/runtime/index.ts';
import { expectAlike, inputsOf, normalised } from '../support/model-parts.ts';
import { NamedNet } from './static/nets.ts';
import { operatorCounts } from './static/quantized.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const C = [8, 8, 3, 3];

/** Batch normalization of 8 channels. */
function normalization(n: NamedNet, name: string, x: string): string {
  const [gain, offset, mean] = ['gain', 'offset', 'mean'].map((each) => n.vector(`${name}_${each}`, 8, { std: 1 }));
  const variance = n.vector(`${name}_variance`, 8, { positive: true });
  return n.named('BatchNormalization', name, [x, gain ?? '', offset ?? '', mean ?? '', variance]);
}

interface Folded {
  readonly folded: number;
  readonly model: Model;
  readonly operators: Readonly<Record<string, number>>;
}

/** Folds, and expects the outputs to stay. */
async function fold(
  make: (net: NamedNet) => string | readonly string[],
  net = new NamedNet(),
  tolerance = 1e-5,
): Promise<Folded> {
  net.give(...[make(net)].flat());
  const model = await normalised(net.bytes(), child);
  const feeds = inputsOf(model, 5);
  const before = await run(child, encodeModel(exportModel(model)), feeds);
  const folded = foldAffine(model.graph, ruleOf);
  checkGraph(model.graph);
  const after = await run(child, encodeModel(exportModel(model)), feeds);
  expect(Object.keys(after)).toEqual(Object.keys(before));
  for (const [name, tensor] of Object.entries(before)) expectAlike(after[name], tensor, name, tolerance);
  return { folded, model, operators: operatorCounts(model) };
}

describe('batch normalization', { timeout: 30_000 }, () => {
  test.each([true, false])('becomes part of a convolution, which has a bias: %s', async (bias) => {
    const { folded, operators, model } = await fold((n) => normalization(n, 'bn', n.conv('a', n.image(), C, {}, bias)));
    expect({ folded, operators }).toEqual({ folded: 1, operators: { Conv: 1 } });
    // Nothing of it is left behind.
    expect([...model.graph.initializers].map(({ name }) => name).sort()).toEqual(
      bias ? ['a_b', 'a_w'] : ['a_bias', 'a_w'],
    );
  });

  test('becomes part of grouped and depthwise convolutions, one after the other', async () => {
    const { folded, operators } = await fold((n) => {
      const a = normalization(n, 'bn1', n.conv('a', n.image(), [8, 4, 3, 3], { group: 2 }));
      return normalization(n, 'bn2', n.conv('b', n.named('Relu', 'r', [a]), [8, 1, 3, 3], { group: 8 }, false));
    });
    expect({ folded, operators }).toEqual({ folded: 2, operators: { Conv: 2, Relu: 1 } });
  });

  test('becomes part of a transposed convolution', async () => {
    const { folded, operators } = await fold((n) =>
      normalization(n, 'bn', n.named('ConvTranspose', 'a', [n.image(), n.weight('w', [8, 8, 2, 2]), n.vector('b', 8)])),
    );
    expect({ folded, operators }).toEqual({ folded: 1, operators: { ConvTranspose: 1 } });
  });

  test.each([
    { attributes: {}, dims: [16, 8], bias: [8] },
    { attributes: { transB: 1 }, dims: [8, 16], bias: [1, 8] },
    { attributes: { alpha: { float: 0.5 }, beta: { float: 2 } }, dims: [16, 8], bias: [8] },
    { attributes: {}, dims: [16, 8], bias: [1] },
    { attributes: { alpha: { float: 0.5 } }, dims: [16, 8], bias: undefined },
  ])('becomes part of Gemm: $attributes, bias $bias', async ({ attributes, dims, bias }) => {
    const { folded, operators } = await fold((n) => {
      const inputs = [n.input('x', 'float32', ['N', 16]), n.weight('w', dims), ...(bias ? [n.weight('b', bias)] : [])];
      return normalization(n, 'bn', n.named('Gemm', 'g', inputs, attributes));
    });
    expect({ folded, operators }).toEqual({ folded: 1, operators: { Gemm: 1 } });
  });

  test('keeps the names of outputs', async () => {
    const { model } = await fold((n) => normalization(n, 'bn', n.conv('a', n.image(), C)));
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['bn_y']);
  });

  test('in half precision stays within what that holds', async () => {
    const { folded } = await fold(
      (n) => normalization(n, 'bn', n.conv('a', n.image(), C)),
      new NamedNet({ dtype: 'float16' }),
      1e-4,
    );
    expect(folded).toBe(1);
  });
});

describe('batch normalization stays', { timeout: 30_000 }, () => {
  test('behind a layer that others read', async () => {
    const { folded } = await fold((n) => {
      const a = n.conv('a', n.image(), C);
      return [normalization(n, 'bn', a), n.named('Tanh', 'tanh', [a])];
    });
    expect(folded).toBe(0);
  });

  test('behind a layer whose output the model gives out', async () => {
    const { folded } = await fold((n) => {
      const a = n.conv('a', n.image(), C);
      return [a, normalization(n, 'bn', a)];
    });
    expect(folded).toBe(0);
  });

  test('behind layers that share a weight', async () => {
    const { folded } = await fold((n) => {
      const w = n.weight('w', C);
      const [a, b] = ['a', 'b'].map((name) =>
        n.named('Conv', name, [n.input(`x${name}`, 'float32', ['N', 8, 6, 6]), w]),
      );
      return [normalization(n, 'bn', a ?? ''), b ?? ''];
    });
    expect(folded).toBe(0);
  });

  test('behind a layer that reads one weight twice', async () => {
    const { folded } = await fold((n) => {
      const w = n.weight('w', [8, 8]);
      const x = n.input('x', 'float32', [8, 8]);
      return normalization(n, 'bn', n.named('Gemm', 'g', [x, w, w]));
    });
    expect(folded).toBe(0);
  });

  test('behind a weight that may be given at run time', async () => {
    const { folded } = await fold(
      (n) => normalization(n, 'bn', n.conv('a', n.image(), C)),
      new NamedNet({ initializersAsInputs: true, irVersion: 4 }),
    );
    expect(folded).toBe(0);
  });

  test('behind a bias that is computed', async () => {
    const { folded } = await fold((n) => {
      const bias = n.named('Softplus', 'soft', [n.input('given', 'float32', [8])]);
      return normalization(n, 'bn', n.named('Conv', 'a', [n.image(), n.weight('w', C), bias]));
    });
    expect(folded).toBe(0);
  });

  test('where something stands between', async () => {
    const { folded } = await fold((n) => normalization(n, 'bn', n.named('Relu', 'r', [n.conv('a', n.image(), C)])));
    expect(folded).toBe(0);
  });
});

test('a bias that others share stays theirs', { timeout: 30_000 }, async () => {
  const { folded } = await fold((n) => {
    const bias = n.vector('b', 8);
    const make = (name: string): string => n.named('Conv', name, [n.image(`x${name}`), n.weight(`${name}_w`, C), bias]);
    return [normalization(n, 'bn', make('a')), make('b')];
  });
  expect(folded).toBe(1);
});
