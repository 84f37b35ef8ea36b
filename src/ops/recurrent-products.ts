import { present } from '../errors.ts';
import { append } from '../ir/append.ts';
import { int, intAttribute, intsAttribute, string } from '../ir/attributes.ts';
import { type DataType, dataTypeNumber } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { elementTypeOf, lengthOf, type Value } from '../ir/value.ts';
import { axis, input } from './coupling.ts';
import type { InnerProduct } from './rule.ts';

/** Since this operator set Slice has bounds as inputs. Source: ONNX's changelog of operators. */
const BOUNDS_AS_INPUT = 10;

/** Since this operator set there is Range, which counts steps. Source: ONNX's changelog of operators. */
const RANGES = 11;

/**
 * What W and R of a recurrent operator are multiplied with: at each step W with the inputs, which both directions share, and
 * R with the states that the step before left, the states before the first step included. Zeros beyond `sequence_lens`. GRU
 * multiplies the R of its new gate with a part of the states only, unless `linear_before_reset` is set; here it is all of them.
 * Source: ONNX operators RNN, GRU and LSTM.
 * @returns none where sizes are unknown, where the batch comes first, which no kernel of the runtime takes, and where
 * sequences have lengths of their own but the operator set cannot count steps
 */
export function recurrentProducts(node: Node): InnerProduct[] {
  const [w, r] = [input(node, 1), input(node, 2)];
  const [directions, hidden] = [lengthOf(axis(w, 0)), lengthOf(axis(r, 2))];
  if (directions === undefined || hidden === undefined || int(node, 'layout', 0) !== 0) return [];
  if (node.inputs[4] !== undefined && (node.graph.scope.opsets.get('') ?? 1) < RANGES) return [];
  return [
    { weight: w, groups: 1, columns: (...where) => new Recurrence(node, ...where).inputs() },
    { weight: r, groups: directions, columns: (...where) => new Recurrence(node, ...where).states(directions, hidden) },
  ];
}

/** Adds nodes that lay out what a recurrent node reads at each step, in a graph where other values stand for its inputs. */
class Recurrence {
  readonly #node: Node;
  readonly #graph: Graph;
  readonly #twins: readonly (Value | undefined)[];
  readonly #x: Value;

  constructor(node: Node, graph: Graph, twinOf: (value: Value) => Value) {
    this.#node = node;
    this.#graph = graph;
    this.#twins = node.inputs.map((value) => value && twinOf(value));
    this.#x = twinOf(input(node, 0));
  }

  /** [inputs, steps · batch]. */
  inputs(): Value {
    return this.#flat(this.#whileRunning(this.#x));
  }

  /** [directions · hidden, steps · batch]; of nodes that do not give Y too. */
  states(directions: number, hidden: number): Value {
    const { opType, domain, attributes } = this.#node;
    const protos = [...attributes.values()].map(({ proto }) => proto);
    const y = this.#add({ opType, domain, inputs: this.#twins, attributes: protos });
    const isReverse = string(this.#node, 'direction', 'forward') === 'reverse';
    const sides = Array.from({ length: directions }, (_, side) => {
      const own = this.#reshape(this.#slice(y, 1, side, side + 1), [0, -1, hidden]);
      const initial = this.#twins[5];
      const first = initial ? this.#slice(initial, 0, side, side + 1) : this.#zerosLike(this.#slice(own, 0, 0, 1));
      const before = isReverse || side === 1 ? this.#stepAfter(own, first) : this.#stepBefore(own, first);
      return this.#flat(this.#whileRunning(before));
    });
    return this.#join(sides);
  }

  /** What each step of [steps, batch, …] finds of the step before it, and the first of what was there from the start. */
  #stepBefore(value: Value, first: Value): Value {
    return this.#join([first, this.#slice(value, 0, 0, -1)]);
  }

  /** The same from the last step of each sequence on. */
  #stepAfter(value: Value, first: Value): Value {
    if (this.#twins[4] === undefined) return this.#join([this.#slice(value, 0, 1, Number.MAX_SAFE_INTEGER), first]);
    return this.#reversed(this.#stepBefore(this.#reversed(value), first));
  }
  /** Each sequence of [steps, batch, …] from its last step to its first; what lies beyond stays. */
  #reversed(value: Value): Value {
    const attributes = [intAttribute('time_axis', 0), intAttribute('batch_axis', 1)];
    return this.#add({ opType: 'ReverseSequence', inputs: [value, this.#lengths()], attributes });
  }

  /** [steps, batch, …] with zeros beyond the end of each sequence. */
  #whileRunning(value: Value): Value {
    if (this.#twins[4] === undefined) return value;
    const shape = this.#add({ opType: 'Shape', inputs: [this.#x] });
    const steps = this.#add({ opType: 'Gather', inputs: [shape, this.#integer(0)] });
    const range = this.#add({ opType: 'Range', inputs: [this.#integer(0), steps, this.#integer(1)] });
    const inputs = [this.#reshape(range, [-1, 1, 1]), this.#reshape(this.#lengths(), [1, -1, 1])];
    const isRunning = this.#add({ opType: 'Less', inputs });
    return this.#add({ opType: 'Mul', inputs: [value, this.#cast(isRunning, elementTypeOf(input(this.#node, 1)))] });
  }

  #lengths(): Value {
    return this.#cast(present(this.#twins[4], 'the lengths of sequences'), 'int64');
  }

  /** [length, steps · batch] of [steps, batch, length]. */
  #flat(value: Value): Value {
    const attributes = [intsAttribute('perm', [2, 0, 1])];
    const first = this.#add({ opType: 'Transpose', inputs: [value], attributes });
    return this.#add({ opType: 'Flatten', inputs: [first] });
  }

  /** Positions from `from` on and below `to` along an axis. */
  #slice(value: Value, dim: number, from: number, to: number): Value {
    const bounds = { starts: [from], ends: [to], axes: [dim] };
    if ((this.#graph.scope.opsets.get('') ?? 1) >= BOUNDS_AS_INPUT)
      return this.#add({ opType: 'Slice', inputs: [value, ...Object.values(bounds).map((each) => this.#list(each))] });
    const attributes = Object.entries(bounds).map(([name, each]) => intsAttribute(name, each));
    return this.#add({ opType: 'Slice', inputs: [value], attributes });
  }

  /** Zeros in the shape of a value of finite numbers. */
  #zerosLike(value: Value): Value {
    return this.#add({ opType: 'Sub', inputs: [value, value] });
  }

  #join(parts: readonly Value[]): Value {
    return this.#add({ opType: 'Concat', inputs: parts, attributes: [intAttribute('axis', 0)] });
  }

  #reshape(value: Value, dims: readonly number[]): Value {
    return this.#add({ opType: 'Reshape', inputs: [value, this.#list(dims)] });
  }

  #cast(value: Value, type: DataType): Value {
    return this.#add({ opType: 'Cast', inputs: [value], attributes: [intAttribute('to', dataTypeNumber(type))] });
  }

  #list(numbers: readonly number[]): Value {
    return this.#graph.addInitializer('list', Tensor.ofIntegers(numbers));
  }

  /** One integer without axes. */
  #integer(number: number): Value {
    return this.#graph.addInitializer('integer', Tensor.ofIntegers([number], []));
  }

  #add(spec: NodeSpec): Value {
    return append(this.#graph, 'laid_out', spec);
  }
}
