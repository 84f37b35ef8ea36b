import { describe, expect, test } from 'vitest';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { type Case, free, held, testCases } from './cases.ts';
import { layerNorm, type NormForm, rmsNorm } from './decomposed-norms.ts';
import { imageNet, integers, tokenNet } from './nets.ts';

const rms = (form: NormForm, options: ModelOptions = {}): Case =>
  free(tokenNet((b, x) => b.node('Mul', [rmsNorm(b, x, form), b.vector('scale', 8, { mean: 1 })]), options));

/** tokens → MatMul "first" → norm with a large epsilon → MatMul "last", all in float16. */
function halved(form: NormForm): ModelBuilder {
  const b = new ModelBuilder({ dtype: 'float16' });
  const x = b.node('Cast', [b.input('tokens', 'float32', ['N', 6, 5])], { to: 10 });
  const made = b.node('MatMul', [x, b.weight('first', [5, 8], { fanIn: 5 })]);
  const normed = rmsNorm(b, made, { epsilon: 0.1, ...form });
  b.output(b.node('MatMul', [normed, b.weight('last', [8, 4], { fanIn: 8 })]), 'float16');
  return b;
}

testCases('a root of mean squares in single steps loses channels exactly', {
  'Pow and Div': rms({}),
  'Pow with an exponent of int64': rms({ square: 'int64' }),
  'Pow with an exponent of int32': rms({ square: 'int32' }),
  'Pow with a list of one exponent': rms({ square: 'list' }),
  'Mul of a value by itself': rms({ square: 'Mul' }),
  Reciprocal: rms({ divide: 'Reciprocal' }),
  'one divided by the root': rms({ divide: 'inverse' }),
  'axes as an input': rms({ input: true }, { opset: 18 }),
  'an epsilon that counts': rms({ epsilon: 0.5 }),
  'a positive axis': rms({ axes: [2] }),
  'in float16, Pow': free(halved({})),
  'in float16, Mul': free(halved({ square: 'Mul', divide: 'Reciprocal' })),
  'over channels and pixels': free(imageNet((b, x) => rmsNorm(b, x, { axes: [1, 2, 3] }))),
  'over pixels alone': free(imageNet((b, x) => rmsNorm(b, x, { axes: [2, 3] }))),
  'without the axis that was reduced': free(
    tokenNet((b, x) => {
      const variance = b.node('ReduceMean', [b.node('Mul', [x, x])], { axes: [-1], keepdims: 0 });
      return b.node('Div', [x, b.node('Sqrt', [b.node('Unsqueeze', [variance, integers(b, [2])])])]);
    }),
  ),
  'one after another': free(tokenNet((b, x) => rmsNorm(b, b.node('Sigmoid', [rmsNorm(b, x)]), { square: 'Mul' }))),
  'whose mean several read': free(
    tokenNet((b, x) => {
      const mean = b.node('ReduceMean', [b.node('Mul', [x, x])], { axes: [-1] });
      return b.node('Add', [b.node('Mul', [x, mean]), b.node('Div', [x, b.node('Sqrt', [mean])])]);
    }),
  ),
  'inside the branch of an If': free(
    tokenNet((b, x) => {
      const flag = b.node('Greater', [
        b.node('ReduceSum', [b.input('switch', 'float32', [1])], { keepdims: 0 }),
        b.constant('zero', 'float32', [], [0]),
      ]);
      const [yes, no] = [b.subgraph(), b.subgraph()];
      yes.output(rmsNorm(yes, x), 'float32');
      no.output(no.node('Neg', [x]), 'float32');
      return b.node('If', [flag], { then_branch: { graph: yes }, else_branch: { graph: no } });
    }),
  ),
});

const MEAN = /^ReduceMean divides by its length \(--allow-approximate includes it\)$/;

testCases('what is no such root holds channels', {
  'LayerNorm in single steps, Pow': held(
    tokenNet((b, x) => layerNorm(b, x)),
    MEAN,
  ),
  'LayerNorm in single steps, Mul': held(
    tokenNet((b, x) => layerNorm(b, x, { square: 'Mul', divide: 'Reciprocal' })),
    MEAN,
  ),
  'a mean of cubes': held(
    tokenNet((b, x) => {
      const cubes = b.node('Pow', [x, b.constant('three', 'float32', [], [3])]);
      return b.node('Add', [x, b.node('ReduceMean', [cubes], { axes: [-1] })]);
    }),
    MEAN,
  ),
  'a mean of products': held(
    tokenNet((b, x) => {
      const products = b.node('Mul', [x, b.node('Tanh', [x])]);
      return b.node('Add', [x, b.node('ReduceMean', [products], { axes: [-1] })]);
    }),
    MEAN,
  ),
  'a mean of squares with an exponent for each channel': held(
    tokenNet((b, x) => {
      const powers = b.node('Pow', [
        b.node('Abs', [x]),
        b.constant('powers', 'float32', [8], [2, 2, 2, 2, 1, 1, 1, 3]),
      ]);
      return b.node('Add', [x, b.node('ReduceMean', [powers], { axes: [-1] })]);
    }),
    MEAN,
  ),
  'a mean of squares that is given out': held(
    tokenNet((b, x) => {
      b.output(b.node('ReduceMean', [b.node('Mul', [x, x])], { axes: [-1] }, { outputs: ['power'] }), 'float32');
      return x;
    }),
    MEAN,
  ),
});

const cutEqualsMasked = useCutEqualsMasked();

describe('the mean of squares', () => {
  test('of the channels that stay counts for as much as it did of all', async () => {
    const { cutModel } = await cutEqualsMasked(
      tokenNet((b, x) => rmsNorm(b, x)),
      { amount: 0.25 },
    );
    const mean = [...cutModel.graph.nodes].find((node) => node.opType === 'ReduceMean')?.outputs[0];
    const [reader, ...others] = mean?.uses ?? [];
    expect([reader?.opType, others]).toEqual(['Mul', []]);
    expect(reader?.inputs[1]?.tensor?.floats()).toEqual(Float32Array.of(0.75));
  });

  test('stays as it is where nothing of it leaves', async () => {
    const { cutModel } = await cutEqualsMasked(imageNet((b, x) => rmsNorm(b, x, { axes: [2, 3] })));
    expect([...cutModel.graph.nodes].filter((node) => node.opType === 'Mul')).toEqual([]);
  });
});
