import { present } from '../errors.ts';
import { append } from '../ir/append.ts';
import { intAttribute } from '../ir/attributes.ts';
import { dataTypeNumber } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { sizeOf, Tensor } from '../ir/tensor.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { packBlocks, transposeCodes } from '../numeric/pack-codes.ts';
import { output } from './coupling.ts';
import type { BlockFormat, RoundedForm, RoundedMatrix, WeightMatrix } from './rounded-form.ts';
import type { SharedValues } from './shared-values.ts';

/** y = gain · data · weightᵀ + addend · its gain, where the data's last axis is summed over. */
export interface ConstantProduct {
  readonly data: Value;
  readonly weight: WeightMatrix;
  readonly gain: number;
  /** What is added, float32, broadcast over the product. */
  readonly addend?: { readonly value: Value; readonly gain: number } | undefined;
}

/** Since this operator set there is DynamicQuantizeLinear. Source: ONNX's changelog of operators. */
const DYNAMIC_SINCE = 11;
/** Since this operator set Add broadcasts as numpy does. Source: as above. */
const BROADCAST_SINCE = 7;
/** Most columns for which no sum of products of uint8 and int8 leaves int32: 2³¹ / (255 · 128). */
const MOST_COLUMNS = Math.floor(2 ** 31 / (255 * 128));
/** The data are rounded too, in blocks: without it onnxruntime unpacks the weights, which takes longer than floats do. */
const INT8_DATA = 4;
/** A scale for zeros, normal when multiplied with that of data, too. */
const FAINT = 2 ** -60;

/**
 * The product of integers, the data rounded by the range that they have:
 * DynamicQuantizeLinear, MatMulInteger, Cast, times the product of the scales, plus the addend. Nodes that read the same data
 * share the first. onnxruntime makes one DynamicQuantizeMatMul of all five where nobody shares, else one MatMulIntegerToFloat
 * of the last four, at all operator sets, where the addend is a constant vector over columns of its own
 * (dynamic_quantize_matmul_fusion.cc, matmul_integer_to_float.cc).
 * @returns why not, where sums could overflow
 */
export function dynamicProduct(node: Node, product: ConstantProduct): RoundedForm | string {
  const { data, weight, gain } = product;
  const { rows, columns } = weight;
  if (columns > MOST_COLUMNS) return `its sums of ${columns} products could leave the range of int32`;
  const apply: RoundedForm['apply'] = (graph, [rounded], shared) => {
    const { codes, scales } = present(rounded, 'the rounded weight');
    const write = new ProductWriter(graph, node, product);
    const first = shared.of(graph, data, 'rounded as it comes', () => roundData(graph, data));
    const [integers, scale, zeroPoint] = present(first.producer, 'what rounds the data').outputs;
    const matrix = columnMatrix(graph, weight, codes, shared);
    const factors = shared.of(graph, scales, `times ${gain}`, () => scaleVector(graph, weight, scales, gain));
    const sums = write.step('sums', { opType: 'MatMulInteger', inputs: [integers, matrix, zeroPoint] }, 'int32');
    const attributes = [intAttribute('to', dataTypeNumber('float32'))];
    const real = write.step('real', { opType: 'Cast', inputs: [sums], attributes }, 'float32');
    const scaled = append(graph, write.name('scale'), { opType: 'Mul', inputs: [scale, factors] });
    graph.setType(scaled, { type: 'float32', dims: [rows] });
    write.product({ opType: 'Mul', inputs: [real, scaled] });
  };
  return { since: DYNAMIC_SINCE, weights: [weight], apply };
}

/**
 * The product with the weight in blocks of 4 or 8 bits each, in com.microsoft.MatMulNBits; onnxruntime takes the addend in.
 * Source: onnxruntime ContribOperators.md, com.microsoft.MatMulNBits.
 */
export function blockedProduct(node: Node, product: ConstantProduct, format: BlockFormat): RoundedForm {
  const { data, weight, gain } = product;
  const { rows, columns } = weight;
  const blocks = Math.ceil(columns / format.size);
  const apply: RoundedForm['apply'] = (graph, [rounded], shared) => {
    const { codes, scales } = present(rounded, 'the rounded weight');
    const write = new ProductWriter(graph, node, product);
    const packed = shared.of(graph, codes, `blocks of ${format.size}, ${format.bits} bits`, () => {
      const dims = [rows, blocks, (format.size * format.bits) / 8];
      const tensor = Tensor.of('uint8', dims, packBlocks(codes, rows, columns, format));
      return graph.addInitializer(`${weight.weight.name}_int${format.bits}`, tensor);
    });
    const factors = shared.of(graph, scales, `blocks times ${gain}`, () =>
      scaleVector(graph, weight, faintWhereZero(codes, scales, weight, format.size), gain, [rows, blocks]),
    );
    const numbers = { K: columns, N: rows, bits: format.bits, block_size: format.size, accuracy_level: INT8_DATA };
    const attributes = Object.entries(numbers).map(([name, value]) => intAttribute(name, value));
    const inputs = [data, packed, factors];
    write.product({ opType: 'MatMulNBits', domain: 'com.microsoft', inputs, attributes });
  };
  return { since: BROADCAST_SINCE, imports: { domain: 'com.microsoft', version: 1 }, weights: [weight], apply };
}

/** Writes the nodes that take a product's place. */
class ProductWriter {
  readonly #graph: Graph;
  readonly #stem: string;
  readonly #name: string;
  readonly #out: Value;
  readonly #addend: Value | undefined;

  /** Takes the node away. */
  constructor(graph: Graph, node: Node, { weight, addend }: ConstantProduct) {
    this.#graph = graph;
    this.#out = output(node);
    this.#name = node.name;
    this.#stem = node.name || this.#out.name;
    graph.takeOutputs(node);
    this.#addend = addend && this.#scaled(addend.value, addend.gain, weight.rows);
  }

  /** A name close to the node's. */
  name(what: string): string {
    return `${this.#stem}_${what}`;
  }

  /** Adds a node whose output has the shape of the product. */
  step(what: string, spec: NodeSpec, type: 'float32' | 'int32'): Value {
    const value = append(this.#graph, this.name(what), spec);
    const dims = dimsOf(this.#out);
    this.#graph.setType(value, { type, ...(dims && { dims }) });
    return value;
  }

  /** Adds the node that makes the product; the addend is added behind. */
  product(spec: NodeSpec): void {
    if (this.#addend === undefined) this.#last(spec);
    else this.#last({ opType: 'Add', inputs: [this.step('product', spec, 'float32'), this.#addend] });
  }

  #last({ opType, domain = '', inputs, attributes = [] }: NodeSpec): void {
    const parts = attributes.map((proto) => ({ proto, graphs: [] }));
    this.#graph.insertNode({ opType, domain, name: this.#name }, inputs, [this.#out], parts);
  }

  /** What is added, times its gain: a vector over the columns where it is a constant that can be one, so that it is taken in. */
  #scaled(value: Value, gain: number, columns: number): Value {
    // Before IR version 4 constants are listed as inputs, too; later ones that are can be given others.
    const { scope, inputs } = this.#graph;
    const tensor = scope.initializersAreInputs || !inputs.includes(value) ? value.tensor : undefined;
    if (tensor === undefined) {
      if (gain === 1) return value;
      const factor = this.#graph.addInitializer(this.name('beta'), Tensor.ofFloats(Float32Array.of(gain), []));
      return append(this.#graph, this.name('addend'), { opType: 'Mul', inputs: [value, factor] });
    }
    const dims = isVector(value, columns) ? [columns] : tensor.dims;
    if (gain === 1 && tensor.size === sizeOf(dims) && tensor.dims.length === dims.length) return value;
    const numbers = tensor.floats();
    const scaled = Float32Array.from(
      { length: sizeOf(dims) },
      (_, i) => gain * (numbers[tensor.size === 1 ? 0 : i] as number),
    );
    return this.#graph.addInitializer(`${value.name}_vector`, Tensor.ofFloats(scaled, dims));
  }
}

/** Whether what is added is a number for each column, or a constant that can be written so. */
function isVector(value: Value, columns: number): boolean {
  const dims = dimsOf(value);
  if (value.tensor === undefined) return dims?.length === 1 && dims[0] === columns;
  return value.tensor.size === 1 || (value.tensor.size === columns && dims?.at(-1) === columns);
}

/** The first output of a DynamicQuantizeLinear: uint8, with its scale and zero point beside it. */
function roundData(graph: Graph, data: Value): Value {
  const name = graph.uniqueName(`${data.name}_round`);
  const names = ['uint8', 'scale', 'zero'].map((what) => graph.uniqueName(`${data.name}_${what}`));
  const { outputs } = graph.addNode({ opType: 'DynamicQuantizeLinear', name, inputs: [data] }, names);
  const dims = dimsOf(data);
  const types = [
    { type: 'uint8', ...(dims && { dims }) },
    { type: 'float32', dims: [] },
    { type: 'uint8', dims: [] },
  ] as const;
  outputs.forEach((value, i) => {
    if (value !== undefined) graph.setType(value, types[i]);
  });
  return present(outputs[0], `the output of "${name}"`);
}

/** Integers of a weight as int8 [columns, rows], one initializer for all that multiply them. */
function columnMatrix(
  graph: Graph,
  { weight, rows, columns }: WeightMatrix,
  codes: Int8Array,
  shared: SharedValues,
): Value {
  return shared.of(graph, codes, 'columns first', () => {
    const tensor = int8Tensor([columns, rows], transposeCodes(codes, rows, columns));
    return graph.addInitializer(`${weight.name}_int8`, tensor);
  });
}

/** Scales times a number. */
function scaleVector(
  graph: Graph,
  { weight, rows }: WeightMatrix,
  scales: RoundedMatrix['scales'],
  gain: number,
  dims: readonly number[] = [rows],
): Value {
  const tensor = Tensor.ofFloats(
    scales.map((scale) => gain * scale),
    dims,
  );
  return graph.addInitializer(`${weight.name}_scale`, tensor);
}

/**
 * Scales that are faint where all codes of a block are zero. MatMulNBits multiplies codes that have 2^(bits − 1) added, and
 * takes that off as a float; with a scale of 1, as zeros may have, what it misses by would be larger than elsewhere.
 */
function faintWhereZero(
  codes: Int8Array,
  scales: Float32Array,
  { columns }: WeightMatrix,
  size: number = columns,
): Float32Array {
  const blocks = Math.ceil(columns / size);
  return scales.map((scale, i) => {
    const from = Math.floor(i / blocks) * columns;
    const at = (i % blocks) * size;
    return codes.subarray(from + at, from + Math.min(columns, at + size)).some((code) => code !== 0) ? scale : FAINT;
  });
}

/** Integers as a tensor. */
export function int8Tensor(dims: readonly number[], codes: Int8Array): Tensor {
  return Tensor.of('int8', dims, new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength));
}
