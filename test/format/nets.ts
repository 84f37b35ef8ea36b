import { type Attributes, ModelBuilder, type ModelOptions, type NodeOptions } from '../support/build.ts';

/** The oldest and the newest operator set that this package and onnxruntime 1.30 read. */
export const OLDEST = 7;
export const NEWEST = 26;

/**
 * The IR version that came with each operator set. Source: onnx, docs/Versioning.md, "Released Versions", up to ONNX 1.20.
 */
export function irVersionOf(opset: number): number {
  const steps = [
    [25, 13],
    [24, 12],
    [23, 11],
    [21, 10],
    [19, 9],
    [15, 8],
    [12, 7],
    [11, 6],
    [10, 5],
    [9, 4],
  ] as const;
  return steps.find(([since]) => opset >= since)?.[1] ?? 3;
}

/** Versions of the format and of operators that a net is written in. */
export interface Versions {
  readonly opset: number;
  readonly irVersion: number;
}

/** Builds nets in the words of one operator set. */
class Writer {
  readonly b: ModelBuilder;
  readonly opset: number;

  constructor({ opset, irVersion }: Versions, options: ModelOptions = {}) {
    this.opset = opset;
    // Before IR version 4 every initializer had to be an input.
    this.b = new ModelBuilder({ seed: 11, ...options, opset, irVersion, initializersAsInputs: irVersion < 4 });
  }

  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, options: NodeOptions = {}): string {
    return this.b.node(opType, inputs, attributes, options);
  }

  ints(name: string, values: readonly number[]): string {
    return this.b.constant(name, 'int64', [values.length], values);
  }

  /** A node whose integers were an attribute up to an operator set, and are an input since. */
  withInts(opType: string, data: string, name: string, values: readonly number[], since: number): string {
    return this.opset < since
      ? this.node(opType, [data], { [name]: values })
      : this.node(opType, [data, this.ints(`${data}.${name}`, values)]);
  }

  clip(data: string): string {
    if (this.opset < 11) return this.node('Clip', [data], { min: { float: 0 }, max: { float: 6 } });
    const bound = (name: string, value: number): string => this.b.constant(`${data}.${name}`, 'float32', [], [value]);
    return this.node('Clip', [data, bound('min', 0), bound('max', 6)]);
  }

  pad(data: string): string {
    const pads = [0, 0, 1, 1, 0, 0, 1, 1];
    return this.opset < 11
      ? this.node('Pad', [data], { pads, mode: 'constant', value: { float: 0 } })
      : this.node('Pad', [data, this.ints(`${data}.pads`, pads)]);
  }

  upsample(data: string): string {
    const scales = [1, 1, 2, 2];
    if (this.opset < 9) return this.node('Upsample', [data], { scales: { floats: scales }, mode: 'nearest' });
    const input = this.b.constant(`${data}.scales`, 'float32', [4], scales);
    if (this.opset < 10) return this.node('Upsample', [data, input], { mode: 'nearest' });
    if (this.opset < 11) return this.node('Resize', [data, input], { mode: 'nearest' });
    const roi = this.opset < 13 ? this.b.constant(`${data}.roi`, 'float32', [0], []) : '';
    return this.node('Resize', [data, roi, input], { mode: 'nearest' });
  }

  slice(data: string, start: number, end: number, axis: number): string {
    if (this.opset < 10) return this.node('Slice', [data], { starts: [start], ends: [end], axes: [axis] });
    const [from, to, along] = [
      this.ints(`${data}.start`, [start]),
      this.ints(`${data}.end`, [end]),
      this.ints(`${data}.axis`, [axis]),
    ];
    return this.node('Slice', [data, from, to, along]);
  }

  halves(data: string, length: number, axis: number): [string, string] {
    const sizes = [length / 2, length / 2];
    const attributes: Attributes =
      this.opset < 13 ? { axis, split: sizes } : this.opset < 18 ? { axis } : { axis, num_outputs: 2 };
    const [a = '', b = ''] = this.b.nodes('Split', [data], 2, attributes);
    return [a, b];
  }

  gemm(data: string, name: string, dims: readonly number[]): string {
    const weights = [this.b.weight(`${name}.weight`, dims), this.b.vector(`${name}.bias`, dims[0] ?? 0)];
    return this.node('Gemm', [data, ...weights], { transB: 1 }, { name });
  }

  product(data: string, name: string, dims: readonly number[]): string {
    return this.node('MatMul', [data, this.b.weight(`${name}.weight`, dims, { fanIn: dims[0] ?? 1 })], {}, { name });
  }

  conv(data: string, name: string, dims: readonly number[], pad: number): string {
    const weights = [this.b.weight(`${name}.weight`, dims), this.b.vector(`${name}.bias`, dims[0] ?? 0)];
    return this.node('Conv', [data, ...weights], { pads: [pad, pad, pad, pad] }, { name });
  }

  declare(value: string, dims: readonly (number | string)[]): string {
    return this.b.valueInfo(value, this.b.elementType, dims);
  }
}

/** x [N, 3, 8, 8] → convolutions with a norm, a residual, a concatenation, pooling, padding and resizing → y [N, 5]. */
export function imageNet(versions: Versions, options: ModelOptions = {}): ModelBuilder {
  const w = new Writer(versions, options);
  const { b } = w;
  const x = b.input('x', 'float32', ['N', 3, 8, 8]);
  const norm = ['scale', 'bias', 'mean', 'var'].map((name) => b.vector(`bn.${name}`, 8, { positive: name === 'var' }));
  const first = w.node('BatchNormalization', [w.conv(x, 'first', [8, 3, 3, 3], 1), ...norm], {
    epsilon: { float: 1e-5 },
  });
  const small = w.declare(w.node('MaxPool', [w.clip(first)], { kernel_shape: [2, 2], strides: [2, 2] }), [
    'N',
    8,
    4,
    4,
  ]);
  const sum = w.node('Add', [small, w.node('Relu', [w.conv(small, 'inner', [8, 8, 3, 3], 1)])]);
  const joined = w.declare(w.node('Concat', [sum, w.conv(small, 'side', [4, 8, 1, 1], 0)], { axis: 1 }), [
    'N',
    12,
    4,
    4,
  ]);
  const wide = w.node('Relu', [w.conv(w.pad(w.upsample(joined)), 'wide', [16, 12, 3, 3], 0)]);
  const pooled = w.node('GlobalAveragePool', [
    w.node('AveragePool', [wide], { kernel_shape: [2, 2], strides: [2, 2] }),
  ]);
  const flat = w.node('Reshape', [pooled, w.ints('flat', [0, -1])]);
  const hidden = w.declare(w.node('Relu', [w.gemm(flat, 'hidden', [16, 16])]), ['N', 16]);
  b.output(w.node('Softmax', [w.gemm(hidden, 'head', [5, 16])], { axis: 1 }, { outputs: ['y'] }), 'float32', ['N', 5]);
  return b;
}

/** x [N, 6, 8] → products with a gate, a norm, moves of axes, an LSTM, and attention where there is such an operator → y [N, 4]. */
export function sequenceNet(versions: Versions, options: ModelOptions = {}): ModelBuilder {
  const w = new Writer(versions, options);
  const { b, opset } = w;
  const x = b.input('x', 'float32', ['N', 6, 8]);
  const wide = w.node('Add', [w.product(x, 'wide', [8, 16]), b.vector('wide.bias', 16)]);
  const [left, right] = w.halves(wide, 16, 2);
  const gated = w.declare(w.node('Mul', [w.node('Sigmoid', [left]), right]), ['N', 6, 8]);
  const normed =
    opset >= 17
      ? w.node('LayerNormalization', [gated, b.vector('ln.scale', 8, { mean: 1 }), b.vector('ln.bias', 8)])
      : gated;
  const active = w.product(normed, 'up', [8, 12]);
  const moved = w.node('Transpose', [opset >= 20 ? w.node('Gelu', [active]) : w.node('Tanh', [active])], {
    perm: [1, 0, 2],
  });
  const square = w.withInts('Squeeze', w.withInts('Unsqueeze', moved, 'axes', [0], 13), 'axes', [0], 13);
  const lstm = [b.weight('lstm.w', [1, 24, 12], { fanIn: 12 }), b.weight('lstm.r', [1, 24, 6], { fanIn: 6 })];
  const [, last = ''] = b.nodes('LSTM', [square, ...lstm], 2, { hidden_size: 6 });
  const state = w.withInts('Squeeze', last, 'axes', [0], 13);
  const mean = w.withInts('ReduceMean', w.slice(normed, 1, 5, 1), 'axes', [1], 18);
  const parts = [state, w.withInts('Squeeze', mean, 'axes', [1], 13)];
  if (opset >= 23) {
    const [q, k, v] = ['q', 'k', 'v'].map((name) => w.product(normed, name, [8, 8]));
    const looked = w.node('Attention', [q ?? '', k ?? '', v ?? ''], { q_num_heads: 2, kv_num_heads: 2 });
    const rms = w.node('RMSNormalization', [looked, b.vector('rms.scale', 8, { mean: 1 })]);
    parts.push(w.withInts('Squeeze', w.withInts('ReduceMean', rms, 'axes', [1], 18), 'axes', [1], 13));
  }
  const all = w.node('Concat', parts, { axis: 1 });
  const hidden = w.node('Relu', [w.gemm(all, 'mix', [12, opset >= 23 ? 22 : 14])]);
  b.output(
    w.node(
      'Gemm',
      [hidden, b.weight('out.weight', [4, 12]), b.vector('out.bias', 4)],
      { transB: 1 },
      { name: 'out', outputs: ['y'] },
    ),
    'float32',
    ['N', 4],
  );
  return b;
}
