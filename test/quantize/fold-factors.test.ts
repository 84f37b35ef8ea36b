import { afterAll, describe, expect, test } from 'vitest';
import { float } from '../../src/ir/attributes.ts';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel } from '../../src/ir/model.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { foldFactors } from '../../src/quantize/fold-factors.ts';
import { RuntimeChild, run } from '../../src/runtime/index.ts';
import { expectAlike, inputsOf, normalised } from '../support/model-parts.ts';
import { NamedNet } from './static/nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Folds, expects the outputs to stay, and gives what Gemm multiplies by then. */
async function fold(make: (net: NamedNet) => string, net = new NamedNet()): Promise<readonly [number, number, number]> {
  net.give(make(net));
  const model = await normalised(net.bytes(), child);
  const feeds = inputsOf(model, 5);
  const before = await run(child, encodeModel(exportModel(model)), feeds);
  const folded = foldFactors(model.graph, ruleOf);
  checkGraph(model.graph);
  const after = await run(child, encodeModel(exportModel(model)), feeds);
  for (const [name, tensor] of Object.entries(before)) expectAlike(after[name], tensor, name, 1e-5);
  const gemm = [...model.graph.nodes].find(({ opType }) => opType === 'Gemm');
  return [folded, gemm ? float(gemm, 'alpha', 1) : Number.NaN, gemm ? float(gemm, 'beta', 1) : Number.NaN];
}

const FACTORS = { alpha: { float: 0.5 }, beta: { float: -2 } };

describe('factors of Gemm', { timeout: 30_000 }, () => {
  test.each([[8], [1, 8], [1], [4, 1], [4, 8]])('become part of its constants, with a bias of %j', async (...bias) => {
    const made = await fold((n) => {
      const inputs = [n.input('x', 'float32', [4, 16]), n.weight('w', [16, 8]), n.weight('b', bias.flat())];
      return n.named('Gemm', 'g', inputs, FACTORS);
    });
    expect(made).toEqual([1, 1, 1]);
  });

  test('become part of its weight where it has no bias', async () => {
    const made = await fold((n) =>
      n.named('Gemm', 'g', [n.input('x', 'float32', [4, 16]), n.weight('w', [8, 16])], { ...FACTORS, transB: 1 }),
    );
    expect(made).toEqual([1, 1, 1]);
  });

  test('stay where others read the weight', async () => {
    const made = await fold((n) => {
      const w = n.weight('w', [16, 16]);
      const g = n.named('Gemm', 'g', [n.input('x', 'float32', [4, 16]), w, n.vector('b', 16)], FACTORS);
      return n.named('MatMul', 'm', [g, w]);
    });
    expect(made).toEqual([0, 0.5, -2]);
  });

  test('stay where the bias is computed, or all may be given at run time', async () => {
    const computed = (n: NamedNet): string => {
      const bias = n.named('Softplus', 'soft', [n.input('given', 'float32', [8])]);
      return n.named('Gemm', 'g', [n.input('x', 'float32', [4, 16]), n.weight('w', [16, 8]), bias], FACTORS);
    };
    expect(await fold(computed)).toEqual([0, 0.5, -2]);
    const given = (n: NamedNet): string =>
      n.named('Gemm', 'g', [n.input('x', 'float32', [4, 16]), n.weight('w', [16, 8]), n.vector('b', 8)], FACTORS);
    expect(await fold(given, new NamedNet({ initializersAsInputs: true, irVersion: 3 }))).toEqual([0, 0.5, -2]);
  });
});
