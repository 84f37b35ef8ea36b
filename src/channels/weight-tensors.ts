import { holdsWeights, isFloat } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, type Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Axis, Value } from '../ir/value.ts';
import { type Coupling, isAxis } from '../ops/rule.ts';
import { couplingsOf, type NodeCoupling, type RuleLookup } from './couplings.ts';
import { type ConstantUse, type Roles, rolesOf } from './roles.ts';

/**
 * What a constant is to the nodes that read it: a `weight` is summed with; an `embedding` is looked up, by some of its
 * readers at least; `other` where nothing is known but that it is none of these.
 */
export type WeightKind = 'weight' | 'embedding' | 'bias' | 'normalization' | 'other';

/** A constant that may lose single elements, and how it lies in its layer. */
export interface WeightTensor {
  /** Its number among these tensors of the graph. */
  readonly index: number;
  /** The initializers that hold it, in the file's order; its name is that of the first. */
  readonly name: string;
  readonly values: readonly Value[];
  readonly tensor: Tensor;
  /** The nodes that read it, in executable order; those that only convert or transpose it are passed over. */
  readonly nodes: readonly Node[];
  readonly kind: WeightKind;
  /** The axis of the layer's outputs. */
  readonly rows: number | undefined;
  /** The axis that the layer sums over; undefined where there is none, or not one alone. */
  readonly columns: number | undefined;
  /** Equal parts of the summed axis that are summed by themselves. */
  readonly groups: number;
  /** Whether every row reads one channel, as in a depthwise convolution. */
  readonly isDepthwise: boolean;
}

/**
 * The constants of a graph and of the graphs inside it that are weights of layers, of whatever type, and all others of
 * floating-point numbers that a node with a rule reads, in the file's order; one for each tensor, however many
 * initializers share it. Constants of one element are no weights.
 */
export function weightTensorsOf(graph: Graph, ruleOf: RuleLookup): WeightTensor[] {
  const reader = new WeightReader(graph, ruleOf);
  const byTensor = new Map<Tensor, Value[]>();
  for (const value of initializersIn(graph)) {
    const { tensor } = value;
    if (tensor === undefined) continue;
    const values = byTensor.get(tensor);
    if (values === undefined) byTensor.set(tensor, [value]);
    else values.push(value);
  }
  return [...byTensor]
    .flatMap(([tensor, values]) => reader.read(tensor, values) ?? [])
    .map((weight, index) => ({ ...weight, index }));
}

class WeightReader {
  readonly #ruleOf: RuleLookup;
  readonly #couplings: ReadonlyMap<Node, Coupling>;
  readonly #roles: Roles;
  /** Values that say how others are to be read. */
  readonly #parameters = new Set<Value>();
  readonly #tables = new Set<Value>();

  constructor(graph: Graph, ruleOf: RuleLookup) {
    this.#ruleOf = ruleOf;
    const couplings = couplingsOf(graph, ruleOf).map(withAllReadings);
    this.#couplings = new Map(couplings.map(({ node, coupling }) => [node, coupling]));
    this.#roles = rolesOf(couplings);
    for (const { coupling } of couplings) this.#note(coupling);
  }

  #note(coupling: Coupling): void {
    for (const { scale, zeroPoint } of coupling.quantized ?? [])
      for (const each of [scale, zeroPoint]) if (each !== undefined) this.#parameters.add(each.value);
    for (const value of coupling.opaque ?? []) this.#parameters.add(value);
    // What a node that sums has for a table stands for a weight, and is none of its own.
    for (const table of coupling.tables ?? []) {
      if (coupling.contractions.length > 0) this.#parameters.add(table.value);
      else this.#tables.add(this.#sourceOf(table)?.value ?? table.value);
    }
  }

  /** Undefined for what is no weight, and of a type or size that no one would take for one. */
  read(tensor: Tensor, values: readonly Value[]): Omit<WeightTensor, 'index'> | undefined {
    const uses = values.flatMap((value) => this.#roles.uses.get(value) ?? []);
    const layers = uses.flatMap((use) => this.#axesAt(use, tensor) ?? []);
    const isWeight = layers.length > 0 && holdsWeights(tensor.type);
    const isKnown = uses.some(({ node }) => this.#ruleOf(node).opTypes.length > 0);
    if (tensor.size <= 1 || !(isWeight || (isFloat(tensor.type) && isKnown))) return undefined;
    const [layer] = layers;
    return {
      name: values[0]?.name ?? '',
      values,
      tensor,
      nodes: [...new Set(uses.map(({ node }) => node))],
      kind: this.#kindOf(values, uses, isWeight),
      rows: layer?.rows,
      // Layers that share a weight may sum over different axes of it, as one does that is used transposed.
      columns: layers.every(({ columns }) => columns === layer?.columns) ? layer?.columns : undefined,
      groups: Math.max(1, ...layers.map(({ groups }) => groups)),
      isDepthwise: layers.some(({ isDepthwise }) => isDepthwise),
    };
  }

  /** How a constant lies in the layer of one node that reads it; undefined where it is no weight there. */
  #axesAt(
    { value, node, roleOf }: ConstantUse,
    { dims }: Tensor,
  ): Pick<WeightTensor, 'rows' | 'columns' | 'groups' | 'isDepthwise'> | undefined {
    if (this.#parameters.has(value)) return undefined;
    const layer = this.#ruleOf(node).layer?.(node);
    const axisOf = (dim: number | undefined): number | undefined => {
      const source =
        layer === undefined || dim === undefined ? undefined : this.#sourceOf({ value: layer.weight, dim });
      return source?.value === value ? source.dim : undefined;
    };
    const rows = axisOf(layer?.rows);
    if (layer !== undefined && layer.columns === undefined && rows !== undefined)
      return { rows, columns: undefined, groups: 1, isDepthwise: true };
    const all = dims.map((_, dim) => dim);
    const columns = axisOf(layer?.columns);
    const summed = columns === undefined ? all.filter((dim) => roleOf(dim) === 'in') : [columns];
    if (summed.length === 0) return undefined;
    return {
      rows: rows ?? all.find((dim) => roleOf(dim) === 'out'),
      columns: summed.length === 1 ? summed[0] : undefined,
      groups: this.#groupsAt(node),
      isDepthwise: false,
    };
  }

  /** Equal parts of the axis that a node sums over whose sums stay apart, each along all positions of the weight's. */
  #groupsAt(node: Node): number {
    const { contractions = [], links = [] } = this.#couplings.get(node) ?? {};
    const isSummed = ({ value, dim }: Axis): boolean =>
      contractions.some((each) => node.inputs[each.input] === value && each.dim === dim);
    const groups = links.flatMap(({ a, b, map }) =>
      !isAxis(a) && isAxis(b) && isSummed(b) && map.kind === 'factor' ? [map.outer] : [],
    );
    return Math.max(1, ...groups);
  }

  #kindOf(values: readonly Value[], uses: readonly ConstantUse[], isWeight: boolean): WeightKind {
    if (values.some((value) => this.#tables.has(value))) return 'embedding';
    if (isWeight) return 'weight';
    const isAny = (holds: (use: ConstantUse, coupling: Coupling | undefined) => boolean): boolean =>
      uses.some((use) => holds(use, this.#couplings.get(use.node)));
    if (values.some((value) => this.#parameters.has(value))) return 'other';
    if (isAny(({ value, node }) => this.#ruleOf(node).layer?.(node)?.bias.value === value)) return 'bias';
    const normalizes = ({ gains = [], approximate = [], contractions }: Coupling): boolean =>
      contractions.length === 0 && gains.length + approximate.length > 0;
    return isAny((_, coupling) => coupling !== undefined && normalizes(coupling)) ? 'normalization' : 'other';
  }

  /** The axis of an initializer that an axis is, through nodes that only hand elements on. */
  #sourceOf({ value, dim }: Axis): Axis | undefined {
    if (value.tensor !== undefined) return { value, dim };
    const node = value.producer;
    if (node === undefined || this.#ruleOf(node).passesElements !== true) return undefined;
    for (const { a, b, map } of this.#couplings.get(node)?.links ?? []) {
      if (map.kind !== 'same' || !isAxis(a) || !isAxis(b)) continue;
      const [read, made] = a.value === value ? [b, a] : [a, b];
      if (made.value === value && made.dim === dim && read.value === node.inputs[0]) return this.#sourceOf(read);
    }
    return undefined;
  }
}

/** A node with all of its readings at once: whichever holds, the weight is summed with along the same axes. */
function withAllReadings({ node, coupling }: NodeCoupling): NodeCoupling {
  const readings = (coupling.choices ?? []).flat();
  return { node, coupling: { ...coupling, links: [...coupling.links, ...readings.flatMap(({ links }) => links)] } };
}
