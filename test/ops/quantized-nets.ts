import { type Attributes, ModelBuilder, type ModelOptions } from '../support/build.ts';
import { createRandom, type Random } from '../support/random.ts';

/** Integers that quantized tensors are written in. */
export type Narrow = 'uint8' | 'int8';

/** How the values of a quantized tensor stand for real numbers. */
export interface Grid {
  readonly scale: string;
  readonly zero: string;
}

/** Form of the weights of a net. */
export interface WeightForm {
  readonly type: Narrow;
  /** A scale, and a zero point, for each output channel. */
  readonly perChannel: boolean;
}

/** Part of a net of quantized values: from a value and its grid to the next. */
export type QuantizedMiddle = (b: QuantizedBuilder, x: string, grid: Grid) => readonly [y: string, grid: Grid];

/** Writes quantized constants and layers by hand, as quantizers to the operator form write them. */
export class QuantizedBuilder extends ModelBuilder {
  readonly activation: Narrow;
  readonly weights: WeightForm;
  readonly #random: Random;
  #count = 0;

  constructor(options: ModelOptions & { readonly activation?: Narrow; readonly weights?: WeightForm } = {}) {
    super({ opset: 13, domains: { 'com.microsoft': 1 }, ...options });
    this.activation = options.activation ?? 'uint8';
    this.weights = options.weights ?? { type: 'int8', perChannel: true };
    this.#random = createRandom(options.seed ?? 5);
  }

  /** A scale and a zero point far from 0, so that masking with 0 would show. */
  grid(scale = 0.05, zero: number = this.activation === 'uint8' ? 117 : -9): Grid {
    this.#count += 1;
    return {
      scale: this.constant(`scale_${this.#count}`, 'float32', [], [scale]),
      zero: this.constant(`zero_${this.#count}`, this.activation, [], [zero]),
    };
  }

  /** A weight with its scale and zero point; `axis` is the one that channels with parameters of their own lie along. */
  quantized(
    name: string,
    dims: readonly number[],
    axis = 0,
    { type, perChannel }: WeightForm = this.weights,
  ): readonly [weight: string, scale: string, zero: string] {
    const size = dims.reduce((product, dim) => product * dim, 1);
    const middle = type === 'uint8' ? 128 : 0;
    const values = Array.from({ length: size }, () => middle + Math.round(80 * (2 * this.#random.uniform() - 1)));
    const length = perChannel ? (dims[axis] ?? 1) : 1;
    const scales = Array.from({ length }, (_, i) => 0.004 * (1 + (i % 3)));
    // onnxruntime wants zero points of int8 weights to be equal over the channels.
    const zeros = scales.map((_, i) => (type === 'uint8' ? 125 + (i % 5) : 0));
    const own = perChannel ? [length] : [];
    return [
      this.constant(name, type, dims, values),
      this.constant(`${name}_scale`, 'float32', own, scales),
      this.constant(`${name}_zero`, type, own, zeros),
    ];
  }

  /** int32 numbers of about the size of a sum. */
  bias(name: string, length: number): string {
    return this.constant(
      name,
      'int32',
      [length],
      Array.from({ length }, () => Math.round(2000 * (2 * this.#random.uniform() - 1))),
    );
  }

  qLinearConv(
    x: string,
    from: Grid,
    name: string,
    dims: readonly number[],
    attributes: Attributes = {},
    { to = this.grid(), domain = '', bias = true }: { to?: Grid; domain?: string; bias?: boolean } = {},
  ): readonly [string, Grid] {
    const [weight, scale, zero] = this.quantized(name, dims);
    const inputs = [x, from.scale, from.zero, weight, scale, zero, to.scale, to.zero];
    if (bias) inputs.push(this.bias(`${name}_bias`, dims[0] ?? 1));
    return [this.node('QLinearConv', inputs, attributes, { domain }), to];
  }

  qLinearMatMul(x: string, from: Grid, name: string, dims: readonly number[]): readonly [string, Grid] {
    const to = this.grid(0.08);
    const parameters = this.quantized(name, dims, dims.length - 1);
    return [this.node('QLinearMatMul', [x, from.scale, from.zero, ...parameters, to.scale, to.zero]), to];
  }

  quantize(x: string, grid: Grid): string {
    return this.node('QuantizeLinear', [x, grid.scale, grid.zero]);
  }

  dequantize(x: string, grid: Grid): string {
    return this.node('DequantizeLinear', [x, grid.scale, grid.zero]);
  }
}

/** What a net of quantized values looks like. */
export interface QuantizedOptions {
  readonly channels?: number;
  readonly read?: number;
  readonly activation?: Narrow;
  readonly weights?: WeightForm;
  readonly seed?: number;
  /** Hands out the integers instead of real numbers. */
  readonly integers?: boolean;
}

/**
 * image [N, 3, 6, 6] → QuantizeLinear → QLinearConv "first" → the operators under test → QLinearConv "last" →
 * DequantizeLinear → y.
 */
export function quantizedImageNet(middle: QuantizedMiddle, options: QuantizedOptions = {}): QuantizedBuilder {
  const { channels = 8, read = channels, integers = false } = options;
  const b = new QuantizedBuilder(options);
  const image = b.grid(0.02);
  const x = b.quantize(b.input('image', 'float32', ['N', 3, 6, 6]), image);
  const [made, grid] = b.qLinearConv(x, image, 'first', [channels, 3, 3, 3], { pads: [1, 1, 1, 1] });
  const [y, last] = b.qLinearConv(...middle(b, made, grid), 'last', [4, read, 1, 1]);
  b.output(integers ? y : b.dequantize(y, last), integers ? b.activation : 'float32');
  return b;
}

/** rows [N, …, 5] → QuantizeLinear → QLinearMatMul "first" → the operators under test → QLinearMatMul "last" → y. */
export function quantizedRowNet(middle: QuantizedMiddle, options: QuantizedOptions = {}): QuantizedBuilder {
  const { channels = 8, read = channels } = options;
  const b = new QuantizedBuilder(options);
  const rows = b.grid(0.02);
  const x = b.quantize(b.input('rows', 'float32', ['N', 6, 5]), rows);
  const [made, grid] = b.qLinearMatMul(x, rows, 'first', [5, channels]);
  const [y, last] = b.qLinearMatMul(...middle(b, made, grid), 'last', [read, 4]);
  b.output(b.dequantize(y, last), 'float32');
  return b;
}

/** Nothing in between. */
export const straight: QuantizedMiddle = (_, x, grid) => [x, grid];
