import { found, testCases } from './cases.ts';
import { QuantizedBuilder, type WeightForm } from './quantized-nets.ts';

const microsoft = { domain: 'com.microsoft' };

/**
 * tokens [N, 6, 5] → MatMul "first" [5, 8] → QuantizeLinear → QAttention of 4 heads of 3 "packed" [8, 36] → MatMul
 * "last".
 */
function attention(weights: WeightForm, past = false): QuantizedBuilder {
  const b = new QuantizedBuilder({ weights });
  const made = b.node('MatMul', [b.input('tokens', 'float32', ['N', 6, 5]), b.weight('first', [5, 8], { fanIn: 5 })]);
  const grid = b.grid(0.03);
  const x = b.quantize(made, grid);
  const [weight, weightScale, weightZero] = b.quantized('packed', [8, 36], 1);
  const inputs = [x, weight, b.vector('packed_bias', 36), grid.scale, weightScale, '', grid.zero, weightZero];
  if (past) inputs.push(b.input('past', 'float32', [2, 'N', 4, 2, 3]));
  const [y = '', present = ''] = b.nodes('QAttention', inputs, past ? 2 : 1, { num_heads: 4 }, microsoft);
  if (past) b.output(present, 'float32', [2, 'N', 4, 8, 3]);
  b.output(b.node('MatMul', [y, b.weight('last', [12, 4], { fanIn: 12 })]), 'float32');
  return b;
}

testCases('QAttention', {
  'loses inputs and heads': found(attention({ type: 'int8', perChannel: true }), 'first 8', 'packed 4'),
  'with one scale': found(attention({ type: 'int8', perChannel: false }), 'first 8', 'packed 4'),
  'with zero points per column': found(attention({ type: 'uint8', perChannel: true }), 'first 8', 'packed 4'),
  // The state is an input and an output of the graph, and it has the heads.
  'with a state keeps its heads': found(attention({ type: 'int8', perChannel: true }, true), 'first 8'),
});
