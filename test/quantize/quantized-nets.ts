import { type Attributes, ModelBuilder } from '../support/build.ts';

/** Scale of activations in these nets, unless one says otherwise. */
export const X_SCALE = 0.05;
/** The same of weights. */
export const W_SCALE = 0.01;

/** How a value is quantized. */
export interface Levels {
  readonly scale?: number;
  readonly zeroPoint?: number;
  readonly type?: 'uint8' | 'int8';
}

/**
 * Builds models in the form that quantizing gives them: activations as uint8 with one scale, weights as int8 with a scale per
 * output channel, biases as int32 with the product of both.
 */
export class QuantizedNet extends ModelBuilder {
  #made = 0;

  #scalars(scale: number, zeroPoint: number, type: 'uint8' | 'int8'): readonly [string, string] {
    const at = this.#made++;
    return [this.constant(`scale${at}`, 'float32', [], [scale]), this.constant(`zero${at}`, type, [], [zeroPoint])];
  }

  /** A QuantizeLinear node and a DequantizeLinear node behind a value. */
  levels(value: string, { scale = X_SCALE, zeroPoint = 128, type = 'uint8' }: Levels = {}): string {
    const [s, z] = this.#scalars(scale, zeroPoint, type);
    const integers = this.node('QuantizeLinear', [value, s, z], {}, { outputs: [`${value}_integers`] });
    return this.node('DequantizeLinear', [integers, s, z], {}, { outputs: [`${value}_levels`] });
  }

  /** An input of the model, quantized. */
  quantizedInput(name: string, dims: readonly number[], levels: Levels = {}): string {
    return this.levels(this.input(name, 'float32', dims), levels);
  }

  /** An int8 weight with a scale for each position along an axis. */
  integerWeight(name: string, dims: readonly number[], axis = 0): string {
    const count = dims[axis] ?? 1;
    const size = dims.reduce((product, dim) => product * dim, 1);
    const values = Array.from({ length: size }, (_, at) => Math.round(100 * Math.sin(at + 1)));
    const integers = this.constant(`${name}_integers`, 'int8', dims, values);
    const scale = this.constant(
      `${name}_scale`,
      'float32',
      [count],
      Array.from({ length: count }, () => W_SCALE),
    );
    const zero = this.constant(
      `${name}_zero`,
      'int8',
      [count],
      Array.from({ length: count }, () => 0),
    );
    return this.node('DequantizeLinear', [integers, scale, zero], { axis }, { outputs: [name] });
  }

  /** An int32 bias. */
  integerBias(name: string, length: number, scale: number = X_SCALE * W_SCALE): string {
    const values = Array.from({ length }, (_, at) => Math.round(900 * Math.sin(at + 1)));
    const integers = this.constant(`${name}_integers`, 'int32', [length], values);
    const scales = this.constant(
      `${name}_scale`,
      'float32',
      [length],
      Array.from({ length }, () => scale),
    );
    return this.node('DequantizeLinear', [integers, scales], { axis: 0 }, { outputs: [name] });
  }

  /** A 3×3 convolution from 8 channels to 8. */
  conv(name: string, x: string, bias?: string): string {
    const inputs = [x, this.integerWeight(`${name}_w`, [8, 8, 3, 3]), bias ?? this.integerBias(`${name}_b`, 8)];
    return this.named('Conv', name, inputs, { pads: [1, 1, 1, 1] });
  }

  /** A node with a name, whose output is `<name>_y`. */
  named(opType: string, name: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return this.node(opType, inputs, attributes, { name, outputs: [`${name}_y`] });
  }
}

/** The dims of the images in these nets. */
export const IMAGE: readonly number[] = [1, 8, 6, 6];
