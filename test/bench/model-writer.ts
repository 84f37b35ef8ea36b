import {
  AttributeType,
  DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../../src/onnx/messages.ts';

type Attributes = Readonly<Record<string, number | readonly number[]>>;

/**
 * Makes big models out of the project's own messages. The test builder draws every weight as a careful normal number
 * and encodes with a copy of all data; here only speed counts, and the file is streamed.
 */
export class ModelWriter {
  readonly #nodes: NodeProto[] = [];
  readonly #initializers: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #span: number | undefined;
  #state = 1;
  #named = 0;

  /** @param span largest absolute weight of all layers; by default each layer keeps activations near 1 */
  constructor(span?: number) {
    this.#span = span;
  }

  input(name: string, dims: readonly (number | string)[]): string {
    this.#inputs.push(info(name, dims));
    return name;
  }

  output(name: string, dims: readonly (number | string)[]): void {
    this.#outputs.push(info(name, dims));
  }

  /**
   * A weight of uniform numbers.
   * @param summed how many of them are summed up for one output; by default all that share a place of the first axis
   */
  weight(dims: readonly number[], summed?: number): string {
    const count = dims.reduce((product, dim) => product * dim, 1);
    const span = this.#span ?? Math.sqrt(6 / (summed ?? Math.max(1, count) / (dims[0] ?? 1)));
    const data = new Float32Array(count);
    let state = this.#state;
    for (let i = 0; i < count; i++) {
      // xorshift32
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      data[i] = (state / 2 ** 31) * span;
    }
    this.#state = state;
    return this.#add(dims, data);
  }

  /** A vector of one number. */
  vector(length: number, value: number, dims: readonly number[] = [length]): string {
    return this.#add(dims, new Float32Array(length).fill(value));
  }

  /** A number without axes. */
  scalar(value: number): string {
    return this.#add([], Float32Array.of(value));
  }

  /** A list of integers, as shapes are. */
  integers(values: readonly number[]): string {
    const name = this.#name('integers');
    const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    this.#initializers.push({ name, dims: [values.length], dataType: DataType.INT64, rawData });
    return name;
  }

  /** A node with one output; attributes are integers or lists of them. */
  node(opType: string, input: readonly string[], attributes: Attributes = {}): string {
    const [output = ''] = this.nodeWith(opType, input, 1, attributes);
    return output;
  }

  /** A node with so many outputs. @returns their names */
  nodeWith(opType: string, input: readonly string[], outputs: number, attributes: Attributes): string[] {
    const name = this.#name(opType);
    const output = Array.from({ length: outputs }, (_, i) => (i === 0 ? `${name}_out` : `${name}_out_${i}`));
    const attribute = Object.entries(attributes).map(([key, value]) =>
      typeof value === 'number'
        ? { name: key, type: AttributeType.INT, i: value }
        : { name: key, type: AttributeType.INTS, ints: [...value] },
    );
    this.#nodes.push({ name, opType, input: [...input], output, attribute });
    return output;
  }

  /** 'same' convolution with a bias. */
  conv(x: string, from: number, to: number, kernel = 3, stride = 1): string {
    const weights = [this.weight([to, from, kernel, kernel]), this.vector(to, 0.01)];
    const side = kernel >> 1;
    return this.node('Conv', [x, ...weights], {
      kernel_shape: [kernel, kernel],
      pads: [side, side, side, side],
      strides: [stride, stride],
    });
  }

  /** 'same' convolution of each channel by itself, with a bias. */
  depthwise(x: string, channels: number, kernel: number, stride: number): string {
    const weights = [this.weight([channels, 1, kernel, kernel]), this.vector(channels, 0.01)];
    const side = kernel >> 1;
    return this.node('Conv', [x, ...weights], {
      kernel_shape: [kernel, kernel],
      pads: [side, side, side, side],
      strides: [stride, stride],
      group: channels,
    });
  }

  /** Fully connected layer. */
  gemm(x: string, from: number, to: number): string {
    return this.node('Gemm', [x, this.weight([to, from]), this.vector(to, 0.01)], { transB: 1 });
  }

  relu(x: string): string {
    return this.node('Relu', [x]);
  }

  /** How many nodes there are. */
  get size(): number {
    return this.#nodes.length;
  }

  model(): ModelProto {
    return {
      irVersion: 8,
      producerName: 'onnx-prune benchmark',
      opsetImport: [{ domain: '', version: 17 }],
      graph: {
        name: 'main',
        node: this.#nodes,
        initializer: this.#initializers,
        input: this.#inputs,
        output: this.#outputs,
      },
    };
  }

  #add(dims: readonly number[], data: Float32Array): string {
    const name = this.#name('weight');
    this.#initializers.push({ name, dims: [...dims], dataType: DataType.FLOAT, rawData: new Uint8Array(data.buffer) });
    return name;
  }

  #name(stem: string): string {
    return `${stem}_${this.#named++}`;
  }
}

function info(name: string, dims: readonly (number | string)[]): ValueInfoProto {
  const dim = dims.map((length) => (typeof length === 'number' ? { dimValue: length } : { dimParam: length }));
  return { name, type: { tensorType: { elemType: DataType.FLOAT, shape: { dim } } } };
}
