import { expect, test } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { found, testCases } from './cases.ts';

const cutEqualsMasked = useCutEqualsMasked();

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

/** The same, behind the operators that the runtime has of its own. */
const microsoft: Wrap = (b, name, dims) => {
  const scale = b.constant(`${name}_scale`, 'float32', [], [0.002]);
  const size = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: size }, (_, i) => ((i * 3701) % 60000) - 30000);
  return b.node('DequantizeLinear', [b.constant(name, 'int16', dims, values), scale], {}, { domain: 'com.microsoft' });
};

/** One scale, in a vector of length 1, as some quantizers write it. */
const inVectors: Wrap = (b, name, dims) => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: size }, (_, i) => 128 + (((i * 37) % 255) - 127));
  const scale = b.constant(`${name}_scale`, 'float32', [1], [0.002]);
  const zero = b.constant(`${name}_zero`, 'uint8', [1], [128]);
  return b.node('DequantizeLinear', [b.constant(name, 'uint8', dims, values), scale, zero]);
};

/** Two layers of eight channels that share the zero points of their weights, and biases in int32. */
function shared(): ModelBuilder {
  const b = new ModelBuilder({ opset: 13 });
  const zeros = b.constant('zeros', 'int8', [8], Array(8).fill(0));
  const layer = (x: string, name: string, inputs: number): string => {
    const values = Array.from({ length: 8 * inputs }, (_, i) => ((i * 37) % 255) - 127);
    const scale = b.constant(`${name}_scale`, 'float32', [8], Array(8).fill(0.01));
    const weight = b.node('DequantizeLinear', [b.constant(name, 'int8', [8, inputs, 1, 1], values), scale, zeros], {
      axis: 0,
    });
    const stored = b.constant(`${name}_bias`, 'int32', [8], [300, -200, 100, 50, 0, -70, 90, 10]);
    const unit = b.constant(`${name}_bias_scale`, 'float32', [8], Array(8).fill(0.001));
    return b.node('Conv', [x, weight, b.node('DequantizeLinear', [stored, unit], { axis: 0 })]);
  };
  const made = layer(b.node('Relu', [layer(b.input('x', 'float32', ['N', 3, 4, 4]), 'first', 3)]), 'second', 8);
  b.output(b.node('Conv', [made, b.weight('last', [4, 8, 1, 1])]), 'float32');
  return b;
}

testCases('weights behind operators that hand them on', {
  'int8 weights with scales per channel': found(net(dequantized), 'first 8', 'second 6'),
  'int8 weights and activations': found(net(dequantized, quantized), 'first 8', 'second 6'),
  "int16 weights behind the runtime's own operators": found(net(microsoft), 'first 8', 'second 6'),
  'one scale in a vector': found(net(inVectors), 'first 8', 'second 6'),
  'zero points shared by two layers, and biases in int32': found(shared(), 'first 8', 'second 8'),
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

test('biases in int32 stay integers behind their operators', async () => {
  const { cutModel } = await cutEqualsMasked(shared());
  const types = [...cutModel.graph.initializers].map(({ name, tensor }) => `${name} ${tensor?.type}`);
  expect(types).toContain('first_bias int32');
  expect(types).toContain('second_bias int32');
});
