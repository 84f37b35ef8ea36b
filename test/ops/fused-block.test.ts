import { ModelBuilder } from '../support/build.ts';
import { DIMENSIONS, fused, fusedMany, MICROSOFT } from './attention-nets.ts';
import { found, testCases } from './cases.ts';

const CHANNELS = 12;
const HEADS = 4;
const KEY_HEADS = 2;
const SIZE = 32;

/** A decoder-only language model of two layers, in the operators that onnxruntime's builders of such models write. */
function languageModel(): ModelBuilder {
  const b = new ModelBuilder(MICROSOFT);
  const ids = b.input('ids', 'int64', [2, 6]);
  const product = (x: string, name: string, from: number, to: number): string =>
    b.node('MatMul', [x, b.weight(name, [from, to], { fanIn: from })]);
  const gain = (name: string): string => b.weight(name, [CHANNELS], { mean: 1, std: 0.3 });
  const angles = ['cos', 'sin'].map((name) => b.weight(name, [8, SIZE / 2], { std: 1 }));
  const counts = [b.constant('last_positions', 'int32', [2], [5, 5]), b.constant('total', 'int32', [1], [6])];
  let residual = b.node('Gather', [b.weight('embedding', [9, CHANNELS], { std: 1 }), ids], { axis: 0 });
  let normed = b.node('SimplifiedLayerNormalization', [residual, gain('gain')], { epsilon: { float: 1e-6 } });
  const addAndNorm = (branch: string, name: string): void => {
    const inputs = [residual, branch, gain(name)];
    const sums = fusedMany(b, 'SkipSimplifiedLayerNormalization', inputs, 4, { epsilon: { float: 1e-6 } });
    [normed = '', , , residual = ''] = sums;
  };
  for (const layer of [1, 2]) {
    const [q, k, v] = [
      product(normed, `q${layer}`, CHANNELS, HEADS * SIZE),
      product(normed, `k${layer}`, CHANNELS, KEY_HEADS * SIZE),
      product(normed, `v${layer}`, CHANNELS, KEY_HEADS * SIZE),
    ];
    const inputs = [q ?? '', k ?? '', v ?? '', '', '', ...counts, ...angles];
    const attributes = { num_heads: HEADS, kv_num_heads: KEY_HEADS, do_rotary: 1 };
    const [attended = ''] = fusedMany(b, 'GroupQueryAttention', inputs, 3, attributes);
    addAndNorm(product(attended, `o${layer}`, HEADS * SIZE, CHANNELS), `gain_${layer}a`);
    const gate = fused(b, 'QuickGelu', [product(normed, `gate${layer}`, CHANNELS, 10)], { alpha: { float: 1 } });
    const wide = b.node('Mul', [gate, product(normed, `up${layer}`, CHANNELS, 10)]);
    addAndNorm(product(wide, `down${layer}`, 10, CHANNELS), `gain_${layer}b`);
  }
  b.output(product(normed, 'head', CHANNELS, 9), 'float32');
  return b;
}

testCases('a language model of fused operators', {
  'loses channels of the residual, heads and hidden features': found(
    languageModel(),
    'embedding 12',
    'q1 2',
    'gate1 10',
    'q2 2',
    'gate2 10',
  ),
  // One table of angles serves both layers, so that they lose the same pairs.
  'loses pairs of dimensions instead of heads': {
    ...found(languageModel(), 'embedding 12', 'q1 2', 'gate1 10', 'gate2 10'),
    options: DIMENSIONS,
  },
});
