import { ModelBuilder, type ModelOptions } from './build.ts';
import { createRandom } from './random.ts';

/** A weight of `mixedNet`: its dims, and the axis along which its layer sums. */
export const MIXED: Readonly<Record<string, { readonly dims: readonly number[]; readonly summed: number }>> = {
  'conv.weight': { dims: [8, 4, 3, 3], summed: 1 },
  'gemm.weight': { dims: [12, 8], summed: 1 },
  'plain.weight': { dims: [12, 16], summed: 0 },
  'matmul.weight': { dims: [16, 4], summed: 0 },
};

/**
 * x [N, 4, 6, 6] → Conv → Relu → mean over the image → Gemm with transB → Relu → Gemm → Relu → MatMul → y [N, 4]. Weights are multiples of
 * `grid`, so that many are equally large; without it hardly any two are.
 */
export function mixedNet(options: ModelOptions & { readonly grid?: number } = {}): ModelBuilder {
  const { grid, ...rest } = options;
  const b = new ModelBuilder(rest);
  const random = createRandom(options.seed ?? 1);
  const weight = (name: string): string => {
    const { dims = [] } = MIXED[name] ?? {};
    const count = dims.reduce((product, dim) => product * dim, 1);
    const draw = (): number => {
      const value = random.normal();
      return grid === undefined ? value : Math.round(value / grid) * grid;
    };
    return b.constant(name, b.elementType, dims, Float64Array.from({ length: count }, draw));
  };
  const x = b.input('x', 'float32', ['N', 4, 6, 6]);
  const image = b.node('Relu', [
    b.node('Conv', [x, weight('conv.weight'), b.vector('conv.bias', 8)], { pads: [1, 1, 1, 1] }, { name: 'conv' }),
  ]);
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [image])]);
  const gemm = [flat, weight('gemm.weight'), b.vector('gemm.bias', 12)];
  const first = b.node('Relu', [b.node('Gemm', gemm, { transB: 1 }, { name: 'gemm' })]);
  const plain = [first, weight('plain.weight'), b.vector('plain.bias', 16)];
  const second = b.node('Relu', [b.node('Gemm', plain, {}, { name: 'plain' })]);
  const last = b.node('MatMul', [second, weight('matmul.weight')], {}, { name: 'matmul', outputs: ['y'] });
  b.output(last, 'float32', ['N', 4]);
  return b;
}

/** Why each hidden channel of `plantedNet` may leave. */
export const PLANTED: Readonly<Record<string, readonly number[]>> = {
  zero: [0],
  constant: [1],
  duplicate: [3],
  unread: [5],
};

/**
 * x [N, 6] → Gemm → Relu → two Gemms with the same weights, stored twice → y [N, 4]. Of 12 hidden channels 0 is zero, 1 is always 2, 3 is
 * twice channel 2, and nobody reads 5.
 */
export function plantedNet(): ModelBuilder {
  const b = new ModelBuilder();
  const random = createRandom(7);
  const draw = (count: number): number[] => Array.from({ length: count }, () => random.normal());
  const first = draw(12 * 6);
  const bias = draw(12);
  first.fill(0, 0, 2 * 6);
  bias.splice(0, 2, -1, 2);
  for (let i = 0; i < 6; i++) first[3 * 6 + i] = 2 * (first[2 * 6 + i] as number);
  bias[3] = 2 * (bias[2] as number);
  const second = draw(4 * 12);
  for (let row = 0; row < 4; row++) second[row * 12 + 5] = 0;
  const x = b.input('x', 'float32', ['N', 6]);
  const weights = [
    b.constant('first.weight', 'float32', [12, 6], first),
    b.constant('first.bias', 'float32', [12], bias),
  ];
  const hidden = b.node('Relu', [b.node('Gemm', [x, ...weights], { transB: 1 }, { name: 'first' })]);
  const [left = '', right = ''] = ['second.weight', 'twice.weight'].map((name) =>
    b.node('Gemm', [hidden, b.constant(name, 'float32', [4, 12], second)], { transB: 1 }, { name: `read ${name}` }),
  );
  b.output(b.node('Add', [left, b.node('Tanh', [right])], {}, { outputs: ['y'] }), 'float32', ['N', 4]);
  return b;
}

/** x [6, 2, 8] → LSTM, of which only the last hidden state is read → Gemm → y. */
export function lastStateNet(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [6, 2, 8]);
  const weights = [b.weight('lstm.w', [1, 24, 8], { fanIn: 8 }), b.weight('lstm.r', [1, 24, 6], { fanIn: 6 })];
  const outputs = ['every state', 'last state', 'last cell'];
  b.nodes('LSTM', [x, ...weights], 3, { hidden_size: 6 }, { name: 'lstm', outputs });
  const state = b.node('Squeeze', ['last state', b.constant('axes', 'int64', [1], [0])]);
  const gemm = [state, b.weight('head.weight', [4, 6]), b.vector('head.bias', 4)];
  b.output(b.node('Gemm', gemm, { transB: 1 }, { name: 'head', outputs: ['y'] }), 'float32', [2, 4]);
  return b;
}
