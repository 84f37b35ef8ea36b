import {
  type Attributes,
  type Dims,
  ModelBuilder,
  type ModelOptions,
  type WeightOptions,
} from '../../support/build.ts';
import type { ElementType } from '../../support/build-tensor.ts';

/** Builds nets of nodes that bear names: the output of `name` is `name_y`. */
export class NamedNet extends ModelBuilder {
  /** What all names begin with, so that several nets have room in one model. */
  prefix = '';
  /** The operator set of the model. */
  readonly opset: number;

  constructor(options: ModelOptions = {}) {
    const { opset = 17 } = options;
    super({ irVersion: opset > 20 ? 10 : 8, opset, ...options });
    this.opset = opset;
  }

  override input(name: string, dtype: ElementType = 'float32', dims?: Dims): string {
    return super.input(this.prefix + name, dtype, dims);
  }

  override weight(name: string, dims: readonly number[], options: WeightOptions = {}): string {
    return super.weight(this.prefix + name, dims, options);
  }

  /** Adds a node of one output. */
  named(opType: string, wish: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const name = this.prefix + wish;
    return this.node(opType, inputs, attributes, { name, outputs: [`${name}_y`] });
  }

  /** A convolution with padding that keeps the sides, and a bias unless there is to be none. */
  conv(name: string, x: string, dims: readonly number[], attributes: Attributes = {}, bias = true): string {
    const kernel = dims.slice(2);
    const around = kernel.map((length) => Math.floor(length / 2));
    const pads = 'auto_pad' in attributes || 'pads' in attributes ? {} : { pads: [...around, ...around] };
    const inputs = [x, this.weight(`${name}_w`, dims), ...(bias ? [this.vector(`${name}_b`, dims[0] ?? 1)] : [])];
    return this.named('Conv', name, inputs, { ...pads, ...attributes });
  }

  /** A list of integers. */
  integers(name: string, values: readonly number[]): string {
    return this.constant(this.prefix + name, 'int64', [values.length], values);
  }

  /** A single number. */
  scalar(name: string, value: number): string {
    return this.constant(this.prefix + name, this.elementType, [], [value]);
  }

  /** An image of 8 channels and 6 × 6 positions. */
  image(name = 'x', batch: number | string = 'N'): string {
    return this.input(name, this.elementType, [batch, 8, 6, 6]);
  }

  /** An operator that has its axes as an input. */
  overAxes(opType: string, name: string, x: string, axes: readonly number[]): string {
    return this.named(opType, name, [x, this.integers(`${name}_axes`, axes)]);
  }

  /** Gives values out, of any shape. */
  give(...values: readonly string[]): this {
    for (const value of values) this.output(value, this.elementType);
    return this;
  }
}
