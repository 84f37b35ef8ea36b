import { ModelBuilder } from '../support/build.ts';
import { found, testCases } from './cases.ts';

/** A weight of rank two or more behind the operators that exporters put between an initializer and its layer. */
type Wrap = (b: ModelBuilder, name: string, dims: readonly number[]) => string;

/** Two convolutions and a dense layer, their weights wrapped. */
function net(wrap: Wrap, activation: (b: ModelBuilder, x: string) => string = (_, x) => x): ModelBuilder {
  const b = new ModelBuilder({ seed: 11, opset: 13 });
  const x = activation(b, b.input('x', 'float32', ['N', 3, 8, 8]));
  const conv = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const first = b.node('Relu', [b.node('Conv', [x, wrap(b, 'first', [8, 3, 3, 3]), b.vector('bias', 8)], conv)]);
  const second = b.node('Relu', [b.node('Conv', [activation(b, first), wrap(b, 'second', [6, 8, 3, 3])], conv)]);
  const pooled = b.node('Flatten', [b.node('GlobalAveragePool', [activation(b, second)])]);
  b.output(b.node('Gemm', [pooled, wrap(b, 'third', [5, 6])], { transB: 1 }), 'float32', ['N', 5]);
  return b;
}

/** int8 data, and scales that differ per channel along axis 0. */
const dequantized: Wrap = (b, name, dims) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: size }, (_, i) => ((i * 37) % 255) - 127);
  const scales = Array.from({ length: dims[0] ?? 1 }, (_, i) => 0.001 * (1 + (i % 3)));
  const zeros = scales.map(() => 0);
  return b.node(
    'DequantizeLinear',
    [
      b.constant(name, 'int8', dims, values),
      b.constant(`${name}_scale`, 'float32', [scales.length], scales),
      b.constant(`${name}_zero`, 'int8', [zeros.length], zeros),
    ],
    { axis: 0 },
  );
};

/** What a quantizer puts behind an activation. */
const quantized = (b: ModelBuilder, x: string): string => {
  const scale = b.constant(`${x}_scale`, 'float32', [], [0.02]);
  const zero = b.constant(`${x}_zero`, 'uint8', [], [128]);
  return b.node('DequantizeLinear', [b.node('QuantizeLinear', [x, scale, zero]), scale, zero]);
};

/** Large enough that folding leaves it alone. */
const large: Wrap = (b, name, dims) => b.weight(name, dims, { dtype: 'float16' });

testCases('weights behind operators that hand them on', {
  'int8 weights with scales per channel': found(net(dequantized), 'first 8', 'second 6'),
  'int8 weights and activations': found(net(dequantized, quantized), 'first 8', 'second 6'),
  'float16 weights behind a Cast': found(
    net((b, name, dims) => b.node('Cast', [large(b, name, dims)], { to: 1 })),
    'first 8',
    'second 6',
  ),
  'a tied weight behind a Transpose': found(tied(), 'table 96'),
});

/** An embedding whose transpose gives the scores, as language models tie them; too large to be folded. */
function tied(): ModelBuilder {
  const b = new ModelBuilder({ seed: 12, opset: 13 });
  const ids = b.input('ids', 'int64', ['N', 4]);
  const table = b.weight('table', [50, 96]);
  const x = b.node('Relu', [b.node('Gather', [table, ids])]);
  b.output(b.node('MatMul', [x, b.node('Transpose', [table], { perm: [1, 0] })]), 'float32', ['N', 4, 50]);
  return b;
}
