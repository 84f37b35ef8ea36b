import { int, intAttribute, intsAttribute, string } from '../ir/attributes.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { axis, input, output } from './coupling.ts';
import type { InnerProduct } from './rule.ts';

/** Since this operator set Slice has bounds as inputs. Source: ONNX's changelog of operators. */
const BOUNDS_AS_INPUT = 10;

/**
 * What W and R of a recurrent operator are multiplied with: at each step W with the inputs, which both directions share, and
 * R with the states that the step before left, the states before the first step included. GRU multiplies the R of its new
 * gate with a part of the states only, unless `linear_before_reset` is set; here it is all of them. Steps beyond
 * `sequence_lens` count as others do: Y is zero there.
 * Source: ONNX operators RNN, GRU and LSTM.
 * @returns none where sizes are unknown, or the batch comes first, which no kernel of the runtime takes
 */
export function recurrentProducts(node: Node): InnerProduct[] {
  const [x, w, r] = [input(node, 0), input(node, 1), input(node, 2)];
  const [directions, inputs, hidden] = [lengthOf(axis(w, 0)), lengthOf(axis(w, 2)), lengthOf(axis(r, 2))];
  if (directions === undefined || inputs === undefined || hidden === undefined) return [];
  if (int(node, 'layout', 0) !== 0) return [];
  return [
    {
      weight: w,
      groups: 1,
      columns: (graph, twinOf) => new Layout(graph).flat(twinOf(x), [2, 0, 1], inputs),
    },
    {
      weight: r,
      groups: directions,
      columns: (graph, twinOf) => {
        const layout = new Layout(graph);
        const states = statesBefore(layout, node, { directions, hidden }, twinOf);
        return layout.flat(states, [1, 3, 0, 2], directions * hidden);
      },
    },
  ];
}

/** The states that each step starts from, [steps, directions, batch, hidden]; of nodes that do not give Y too. */
function statesBefore(
  layout: Layout,
  node: Node,
  { directions, hidden }: { readonly directions: number; readonly hidden: number },
  twinOf: (value: Value) => Value,
): Value {
  const y = layout.add({
    opType: node.opType,
    domain: node.domain,
    inputs: node.inputs.map((value) => value && twinOf(value)),
    attributes: [...node.attributes.values()].map(({ proto }) => proto),
  });
  const initial = node.inputs[5];
  const parts = Array.from({ length: directions }, (_, direction) => {
    const own = layout.slice(y, 1, direction, direction + 1);
    const first =
      initial === undefined
        ? layout.zerosLike(layout.slice(own, 0, 0, 1))
        : layout.reshape(layout.slice(twinOf(initial), 0, direction, direction + 1), [1, 1, -1, hidden]);
    const isBackward = direction === 1 || string(node, 'direction', 'forward') === 'reverse';
    return isBackward
      ? layout.join([layout.slice(own, 0, 1, Number.MAX_SAFE_INTEGER), first], 0)
      : layout.join([first, layout.slice(own, 0, 0, -1)], 0);
  });
  return layout.join(parts, 1);
}

/** Adds nodes that arrange elements to a graph. */
class Layout {
  readonly #graph: Graph;

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  add(spec: NodeSpec): Value {
    const name = this.#graph.uniqueName('laid_out');
    return output(this.#graph.addNode({ ...spec, name }, [name]));
  }

  /** Positions from `from` on and below `to` along an axis. */
  slice(value: Value, dim: number, from: number, to: number): Value {
    const bounds = { starts: from, ends: to, axes: dim };
    if ((this.#graph.scope.opsets.get('') ?? 1) >= BOUNDS_AS_INPUT)
      return this.add({ opType: 'Slice', inputs: [value, ...Object.values(bounds).map((each) => this.#list([each]))] });
    const attributes = Object.entries(bounds).map(([name, each]) => intsAttribute(name, [each]));
    return this.add({ opType: 'Slice', inputs: [value], attributes });
  }

  /** Zeros in the shape of a value of finite numbers. */
  zerosLike(value: Value): Value {
    return this.add({ opType: 'Sub', inputs: [value, value] });
  }

  join(parts: readonly Value[], dim: number): Value {
    return this.add({ opType: 'Concat', inputs: parts, attributes: [intAttribute('axis', dim)] });
  }

  reshape(value: Value, dims: readonly number[]): Value {
    return this.add({ opType: 'Reshape', inputs: [value, this.#list(dims)] });
  }

  /** [length, the rest] of a value whose axes come in another order. */
  flat(value: Value, order: readonly number[], length: number): Value {
    const ordered = this.add({ opType: 'Transpose', inputs: [value], attributes: [intsAttribute('perm', order)] });
    return this.reshape(ordered, [length, -1]);
  }

  #list(numbers: readonly number[]): Value {
    return this.#graph.addInitializer('list', Tensor.ofIntegers(numbers));
  }
}
