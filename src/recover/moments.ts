import type { RuleLookup } from '../channels/couplings.ts';
import { present } from '../errors.ts';
import { append, asFloat32 } from '../ir/append.ts';
import { intAttribute, intsAttribute } from '../ir/attributes.ts';
import { dataTypeNumber } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import type { Layer } from '../ops/rule.ts';
import type { LayerMatrix } from './layer-matrix.ts';

/** Names of outputs that hold sums over all positions of a batch; see `Moments`. Sums that are not taken have none. */
export type MomentNames = Partial<Readonly<Record<keyof Moments, string>>>;

/**
 * Sums over positions (samples, and places in an image or a sequence) of what a layer reads, x [groups · features], and of
 * what its output lacks, e [rows]. Groups are kept apart.
 */
export interface Moments {
  /** Number of positions, as one number. */
  readonly count: Float64Array;
  /** Σ x [groups · features]. */
  readonly sum: Float64Array;
  /** Σ x·xᵀ [groups, features, features]. */
  readonly gram: Float64Array;
  /** Σ x·eᵀ [groups, features, rows / groups]. */
  readonly cross: Float64Array;
  /** Σ e and Σ e² [rows]. */
  readonly errorSum: Float64Array;
  readonly errorSquares: Float64Array;
  /** Σ t and Σ t² of what the output should be [rows]. */
  readonly targetSum: Float64Array;
  readonly targetSquares: Float64Array;
}

/** Sums over positions of the channels that a layer reads, x, and of those that it read in the whole model, z; groups apart. */
export interface ChannelMoments {
  readonly count: Float64Array;
  /** Σ x [groups · channels]. */
  readonly sum: Float64Array;
  /** Σ x·xᵀ [groups, channels, channels]. */
  readonly gram: Float64Array;
  /** Σ z [groups · channels of the whole]. */
  readonly wholeSum: Float64Array;
  /** Σ x·zᵀ [groups, channels, channels of the whole]. */
  readonly wholeCross: Float64Array;
}

/** Names of outputs that hold those. */
export type ChannelNames = Readonly<Record<keyof ChannelMoments, string>>;

/** What is known of the numbers that a constant is multiplied with: how many positions, and Σ x·xᵀ of each group. */
export type SecondMoments = Pick<Moments, 'count' | 'gram'>;

/** Since these operator sets the axes of ReduceSum, and those of Squeeze, are inputs. Source: ONNX's changelog of operators. */
const AXES_AS_INPUT = 13;

/** Positions per feature that are enough for second moments. */
const MOST_PER_FEATURE = 100;
/** Steps from position to position. */
const STEPS = [2, 3, 5, 7, 11, 13, 17, 23, 31, 43, 61, 83, 113, 151];
/** Since this operator set Slice takes steps. Source: ONNX's changelog of operators. */
const STEPS_AS_INPUT = 10;

/** What a layer reads, in a graph of its own. */
export interface Reading {
  readonly node: Node;
  readonly layer: Layer;
  readonly matrix: LayerMatrix;
}

/**
 * Whether what the rows of a layer multiply can be laid out: it can where they read one position, or where the operator's rule
 * says how.
 */
export function hasPatches({ node, layer }: Reading, ruleOf: RuleLookup): boolean {
  return ruleOf(node).patches !== undefined || (layer.weight.tensor?.dims.length ?? 0) <= 2;
}

/** Adds nodes to a graph that sum over all axes but one. */
export class MomentBuilder {
  readonly #graph: Graph;
  readonly #ruleOf: RuleLookup;
  readonly #samples: number;

  /** @param samples that the sums will be taken over */
  constructor(graph: Graph, ruleOf: RuleLookup, samples: number) {
    this.#graph = graph;
    this.#ruleOf = ruleOf;
    this.#samples = samples;
  }

  /**
   * Adds the sums of what a layer reads.
   * @param data stands for the layer's data in this graph
   * @returns their names, and the numbers themselves, [features, positions] or, of several groups, [groups, features, positions]; undefined where the numbers cannot be laid out
   */
  addInput(reading: Reading, data: Value): { names: MomentNames; columns: Value } | undefined {
    const { node, layer, matrix } = reading;
    const { patches } = this.#ruleOf(node);
    const wide = asFloat32(this.#graph, data);
    const laidOut = patches === undefined ? wide : patches(node, wide, this.#graph);
    if (laidOut === undefined) return undefined;
    return this.#sumInput(this.#thinned(this.#flat(laidOut, layer, matrix.groups * matrix.features), reading), matrix);
  }

  /** Adds the sums of what a constant is multiplied with inside a node, with the names that `addInput` gives. */
  addProduct({ groups, features }: Pick<LayerMatrix, 'groups' | 'features'>, columns: Value): MomentNames {
    return this.#sumInput(asFloat32(this.#graph, columns), { groups, features }).names;
  }

  /** Adds the sums of the channels that a layer reads, whatever it does with them, with the names that `addInput` gives. */
  addChannels(reading: Reading, data: Value): { names: MomentNames; columns: Value } {
    const { layer, matrix } = reading;
    const features = matrix.features / matrix.kernel;
    const columns = this.#flat(asFloat32(this.#graph, data), layer, matrix.groups * features);
    return this.#sumInput(this.#thinned(columns, reading), { ...matrix, features });
  }

  /**
   * Adds the sums of the channels that a layer reads together with those that it read in the whole model.
   * @param whole stands for the layer's data in the whole model
   * @param channels of each group there
   */
  addWhole(reading: Reading, data: Value, whole: Value, channels: number): ChannelNames {
    const { layer, matrix } = reading;
    const { names, columns } = this.addChannels(reading, data);
    const all = this.#thinned(this.#flat(asFloat32(this.#graph, whole), layer, matrix.groups * channels), reading);
    const rows = this.#transposed(this.#grouped(all, matrix.groups, channels), matrix.groups);
    const cross = this.#add('whole', { opType: 'MatMul', inputs: [columns, rows] });
    return {
      count: present(names.count, 'the count'),
      sum: present(names.sum, 'the sums'),
      gram: present(names.gram, 'the products'),
      wholeSum: this.#sum(all),
      wholeCross: this.#give(cross),
    };
  }

  #sumInput(
    columns: Value,
    { groups, features }: Pick<LayerMatrix, 'groups' | 'features'>,
  ): { names: MomentNames; columns: Value } {
    const grouped = this.#grouped(columns, groups, features);
    const gram = this.#add('gram', { opType: 'MatMul', inputs: [grouped, this.#transposed(grouped, groups)] });
    return {
      names: { count: this.#count(columns), sum: this.#sum(columns), gram: this.#give(gram) },
      columns: grouped,
    };
  }

  /**
   * Adds the sums of what the output of a layer lacks.
   * @param columns what `addInput` gave, where what the layer reads counts
   * @param lacking e, in the shape of a value whose axis `dim` has the layer's output channels
   * @param wanted t, in the same shape
   */
  addError(
    reading: Reading,
    columns: Value | undefined,
    {
      lacking,
      wanted,
      like,
      dim,
    }: { readonly lacking: Value; readonly wanted: Value; readonly like: Value; readonly dim: number },
  ): MomentNames {
    const { rows, groups } = reading.matrix;
    const flat = (value: Value): Value =>
      this.#thinned(this.#flat(value, { data: { value: like, dim } }, rows), reading);
    const [error, target] = [flat(lacking), flat(wanted)];
    const names: MomentNames = {
      count: this.#count(error),
      errorSum: this.#sum(error),
      errorSquares: this.#sum(this.#add('square', { opType: 'Mul', inputs: [error, error] })),
      targetSum: this.#sum(target),
      targetSquares: this.#sum(this.#add('square', { opType: 'Mul', inputs: [target, target] })),
    };
    if (columns === undefined) return names;
    const grouped = this.#transposed(this.#grouped(error, groups, rows / groups), groups);
    return { ...names, cross: this.#give(this.#add('cross', { opType: 'MatMul', inputs: [columns, grouped] })) };
  }

  /** What one value lacks of another, as float32. */
  difference(wanted: Value, found: Value): { readonly lacking: Value; readonly wanted: Value } {
    const wide = asFloat32(this.#graph, wanted);
    return {
      lacking: this.#add('lacking', { opType: 'Sub', inputs: [wide, asFloat32(this.#graph, found)] }),
      wanted: wide,
    };
  }

  /** [length, positions] of a value in the shape of another, with that one's axis as the first. */
  #flat(value: Value, { data: { value: like, dim } }: Pick<Layer, 'data'>, length: number): Value {
    const rank = dimsOf(like)?.length ?? 0;
    const others = [...Array(rank).keys()].filter((each) => each !== dim);
    const first =
      dim === 0
        ? value
        : this.#add('first', {
            opType: 'Transpose',
            inputs: [value],
            attributes: [intsAttribute('perm', [dim, ...others])],
          });
    return this.#reshape(first, [length, -1]);
  }

  /**
   * Every n-th position, where there are far more of them than features: neighbours in an image say much the same, and the
   * products cost as much as the positions are many. The step is a prime, so that it meets every column of an image.
   */
  #thinned(columns: Value, { node, layer, matrix }: Reading): Value {
    const { value, dim } = layer.out;
    const places = (dimsOf(value) ?? []).reduce<number>(
      (count, length, at) => (at === 0 || at === dim || typeof length !== 'number' ? count : count * length),
      this.#samples,
    );
    const enough = MOST_PER_FEATURE * matrix.features;
    const step = STEPS.findLast((each) => each * enough <= places);
    if (step === undefined || node.opset < STEPS_AS_INPUT) return columns;
    const list = (number: number): Value => this.#graph.addInitializer('slice', Tensor.ofIntegers([number]));
    const inputs = [columns, list(0), list(Number.MAX_SAFE_INTEGER), list(1), list(step)];
    return this.#add('thinned', { opType: 'Slice', inputs });
  }

  /** [groups, length, positions] of [groups · length, positions]; as it is where there is one group. */
  #grouped(columns: Value, groups: number, length: number): Value {
    return groups === 1 ? columns : this.#reshape(columns, [groups, length, -1]);
  }

  #transposed(columns: Value, groups: number): Value {
    const attributes = [intsAttribute('perm', groups === 1 ? [1, 0] : [0, 2, 1])];
    return this.#add('rows', { opType: 'Transpose', inputs: [columns], attributes });
  }

  #reshape(value: Value, dims: readonly number[]): Value {
    const shape = this.#graph.addInitializer('shape', Tensor.ofIntegers(dims));
    return this.#add('flat', { opType: 'Reshape', inputs: [value, shape] });
  }

  /** Over positions. */
  #sum(columns: Value): string {
    const keep = intAttribute('keepdims', 0);
    if ((this.#graph.scope.opsets.get('') ?? 1) < AXES_AS_INPUT)
      return this.#give(
        this.#add('sum', { opType: 'ReduceSum', inputs: [columns], attributes: [intsAttribute('axes', [1]), keep] }),
      );
    const axes = this.#graph.addInitializer('axes', Tensor.ofIntegers([1]));
    return this.#give(this.#add('sum', { opType: 'ReduceSum', inputs: [columns, axes], attributes: [keep] }));
  }

  #count(columns: Value): string {
    const shape = this.#add('shape', { opType: 'Shape', inputs: [columns] });
    const last = this.#graph.addInitializer('last', Tensor.ofIntegers([1]));
    const length = this.#add('length', { opType: 'Gather', inputs: [shape, last] });
    const attributes = [intAttribute('to', dataTypeNumber('float64'))];
    return this.#give(this.#add('count', { opType: 'Cast', inputs: [length], attributes }));
  }

  #give(value: Value): string {
    this.#graph.addOutput(value);
    return value.name;
  }

  #add(stem: string, spec: NodeSpec): Value {
    return append(this.#graph, `moments_${stem}`, spec);
  }
}
