import { expect, test } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { freshFolder } from './folder.ts';

/** Half precision inside and single precision outside, as exporters for language models make it. */
function halfInside(): Uint8Array {
  const b = new ModelBuilder({ dtype: 'float16', domains: { 'com.microsoft': 1 } });
  const x = b.node('Cast', [b.input('x', 'float32', ['N', 5, 12])], { to: 10 });
  const stream = b.node('MatMul', [x, b.weight('first', [12, 16], { fanIn: 12 })]);
  const normal = b.node(
    'SkipSimplifiedLayerNormalization',
    [stream, b.node('MatMul', [x, b.weight('other', [12, 16], { fanIn: 12 })]), b.vector('scale', 16, { mean: 1 })],
    { epsilon: { float: 1e-5 } },
    { domain: 'com.microsoft' },
  );
  const y = b.node('MatMul', [normal, b.weight('last', [16, 7], { fanIn: 16 })]);
  b.output(b.node('Cast', [y], { to: 1 }, { outputs: ['y'] }), 'float32', ['N', 5, 7]);
  return b.bytes();
}

test('a model of half precision inside is judged as one', async () => {
  const path = freshFolder().write('half.onnx', halfInside());
  const { proof, pruning } = await prune(path, { structured: 0.5, bench: false, align: 'none' });
  expect(pruning.groups.map(({ before, after }) => [before, after])).toEqual([[16, 8]]);
  expect(proof).toMatchObject({ passed: true });
  expect(proof?.cut[0]).toMatchObject({ type: 'float32', limit: 2e-2, reason: 'rounding of float16 sums' });
});
