import { OnnxPruneError } from '../errors.ts';
import { freeNumber } from '../numeric/free-number.ts';
import type { AttributeProto, GraphProto, NodeProto, ValueInfoProto } from '../onnx/messages.ts';
import { executableOrder } from './executable-order.ts';
import { type Attribute, capturesOf, labelOf, type Node, subgraphsOf } from './node.ts';
import type { Tensor } from './tensor.ts';
import type { TensorStore } from './tensor-store.ts';
import type { TensorType, Value } from './value.ts';

class GraphValue implements Value {
  name: string;
  producer: GraphNode | undefined;
  tensor: Tensor | undefined;
  readonly uses = new Set<GraphNode>();
  type: TensorType | undefined;
  info: ValueInfoProto | undefined;

  constructor(name: string) {
    this.name = name;
  }
}

class GraphNode implements Node {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: (GraphValue | undefined)[];
  readonly outputs: (GraphValue | undefined)[] = [];
  readonly attributes = new Map<string, Attribute>();
  readonly graph: Graph;
  readonly proto: NodeProto;

  constructor(graph: Graph, proto: NodeProto, inputs: (GraphValue | undefined)[]) {
    this.graph = graph;
    this.proto = proto;
    this.name = proto.name ?? '';
    this.opType = proto.opType ?? '';
    this.domain = proto.domain === 'ai.onnx' ? '' : (proto.domain ?? '');
    this.inputs = inputs;
  }

  get opset(): number {
    return this.graph.scope.opsets.get(this.domain) ?? 1;
  }
}

/** What a graph and the graphs inside it share: the names taken, and the operator sets imported by the model. */
export interface Scope {
  readonly names: Set<string>;
  /** Replaced as a whole where it changes: clones share it. */
  opsets: ReadonlyMap<string, number>;
  /** Up to IR 3 every initializer must be listed as a graph input too. */
  readonly initializersAreInputs: boolean;
  /** Folder that external data are read from, those of constant nodes too; absent for a model that came from no file. */
  readonly directory?: string | undefined;
  /** Where the data of large tensors go that are not to stay in memory; absent where they may. */
  readonly store?: TensorStore | undefined;
}

/** What a new node is made of. */
export interface NodeSpec {
  readonly opType: string;
  readonly domain?: string;
  readonly name?: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes?: readonly AttributeProto[];
}

/**
 * Nodes, values and what connects them. The only code that changes a `Value` or a `Node`, and it keeps both ends of
 * every edge in step. Nodes need not stand in an executable order; `sorted` gives one.
 */
export class Graph {
  readonly name: string;
  /** What the file says of the graph apart from nodes, initializers, inputs and outputs. */
  readonly proto: GraphProto;
  readonly scope: Scope;
  readonly #nodes = new Set<GraphNode>();
  readonly #inputs: GraphValue[] = [];
  readonly #outputs: GraphValue[] = [];
  /** The same, to be asked whether they hold a value: there may be a hundred thousand of either. */
  readonly #inputSet = new Set<GraphValue>();
  readonly #timesGiven = new Map<GraphValue, number>();
  readonly #initializers = new Set<GraphValue>();
  readonly #values = new Set<GraphValue>();

  constructor(proto: GraphProto, scope: Scope) {
    this.name = proto.name ?? '';
    this.proto = proto;
    this.scope = scope;
  }

  get nodes(): ReadonlySet<Node> {
    return this.#nodes;
  }

  /** Graph inputs, initializers that the file also lists as inputs (IR 3) included. */
  get inputs(): readonly Value[] {
    return this.#inputs;
  }

  get outputs(): readonly Value[] {
    return this.#outputs;
  }

  get initializers(): ReadonlySet<Value> {
    return this.#initializers;
  }

  /** Every value that belongs to this graph (not those of subgraphs), in order of creation. */
  get values(): ReadonlySet<Value> {
    return this.#values;
  }

  /** Whether the value belongs to this very graph. */
  owns(value: Value): boolean {
    return value instanceof GraphValue && this.#values.has(value);
  }

  /** Whether the value is an output of this very graph. */
  isOutput(value: Value): boolean {
    return value instanceof GraphValue && this.#timesGiven.has(value);
  }

  /** A name nobody bears yet in the model, close to the wish. */
  uniqueName(wish: string): string {
    const { names } = this.scope;
    const name = names.has(wish) ? `${wish}_${freeNumber((i) => names.has(`${wish}_${i}`))}` : wish;
    names.add(name);
    return name;
  }

  /** A new value with this very name and nothing attached; `uniqueName` gives a free one. */
  addValue(name: string, type?: TensorType, info?: ValueInfoProto): Value {
    const value = new GraphValue(name);
    value.type = type;
    value.info = info;
    this.scope.names.add(name);
    this.#values.add(value);
    return value;
  }

  addInput(value: Value): void {
    const owned = this.#own(value);
    this.#inputs.push(owned);
    this.#inputSet.add(owned);
  }

  addOutput(value: Value): void {
    const owned = this.#own(value);
    this.#outputs.push(owned);
    this.#countGiven(owned, 1);
  }

  /** A new initializer under a free name close to the wish. */
  addInitializer(wish: string, tensor: Tensor): Value {
    const value = this.addValue(this.uniqueName(wish));
    this.setTensor(value, tensor);
    if (this.scope.initializersAreInputs) this.addInput(value);
    return value;
  }

  /** Gives a value its data, which makes it an initializer, or replaces them. */
  setTensor(value: Value, tensor: Tensor): void {
    const owned = this.#own(value);
    if (owned.producer !== undefined) throw this.#broken(owned, 'is produced by a node and cannot be an initializer');
    owned.tensor = this.scope.store?.keep(tensor) ?? tensor;
    owned.type = { type: tensor.type, dims: tensor.dims };
    this.#initializers.add(owned);
  }

  setType(value: Value, type: TensorType | undefined): void {
    this.#own(value).type = type;
  }

  /** Forgets what the file declares of a value; it is declared anew, by its type, where the file declares it. */
  forgetDeclaration(value: Value): void {
    this.#own(value).info = undefined;
  }

  /** A new node reading `spec.inputs`, with one new value for each output name that is given. */
  addNode(spec: NodeSpec, outputs: readonly (string | undefined)[]): Node {
    const proto: NodeProto = { opType: spec.opType, name: spec.name ?? '', domain: spec.domain ?? '' };
    const values = outputs.map((name) => (name === undefined ? undefined : this.addValue(name)));
    const attributes = (spec.attributes ?? []).map((attribute) => ({ proto: attribute, graphs: [] }));
    return this.insertNode(proto, spec.inputs, values, attributes);
  }

  /** Connects a node made from a message; its output values must be fresh ones of this graph. */
  insertNode(
    proto: NodeProto,
    inputs: readonly (Value | undefined)[],
    outputs: readonly (Value | undefined)[],
    attributes: readonly Attribute[],
  ): Node {
    const node = new GraphNode(this, proto, inputs.map(asGraphValue));
    for (const attribute of attributes) node.attributes.set(attribute.proto.name ?? '', attribute);
    for (const output of outputs) {
      if (output === undefined) {
        node.outputs.push(undefined);
        continue;
      }
      const owned = this.#own(output);
      if (owned.producer !== undefined || owned.tensor !== undefined || this.#inputSet.has(owned)) {
        throw this.#broken(owned, `is produced twice, the second time by node "${labelOf(node)}"`);
      }
      owned.producer = node;
      node.outputs.push(owned);
    }
    for (const input of node.inputs) input?.uses.add(node);
    this.#nodes.add(node);
    return node;
  }

  /** Replaces one input of a node; undefined leaves an optional input out. */
  setInput(node: Node, index: number, value: Value | undefined): void {
    const owned = this.#ownNode(node);
    const before = owned.inputs[index];
    while (owned.inputs.length < index) owned.inputs.push(undefined);
    owned.inputs[index] = asGraphValue(value);
    owned.inputs[index]?.uses.add(owned);
    if (before !== undefined && !owned.inputs.includes(before)) before.uses.delete(owned);
    while (owned.inputs.length > 0 && owned.inputs[owned.inputs.length - 1] === undefined) owned.inputs.pop();
  }

  /**
   * Makes the readers of one value, all or some, read another; graph outputs are excepted: those keep their value and its
   * name.
   */
  replaceUses(before: Value, after: Value, readers: Iterable<Node> = before.uses): void {
    for (const node of [...readers]) {
      node.inputs.forEach((input, index) => {
        if (input === before) node.graph.setInput(node, index, after);
      });
    }
  }

  /** Gives another value of this graph out wherever it gave this one out. For bodies only, whose outputs go by place and not by name. */
  replaceOutput(before: Value, after: Value): void {
    const owned = this.#own(after);
    this.#outputs.forEach((output, index) => {
      if (output !== before) return;
      this.#countGiven(output, -1);
      this.#countGiven(owned, 1);
      this.#outputs[index] = owned;
    });
  }

  /** Leaves an output of a node out that nobody reads. @throws OnnxPruneError `internal` if somebody does */
  dropOutput(node: Node, index: number): void {
    const owned = this.#ownNode(node);
    this.#forgetOutput(owned, index);
    owned.outputs[index] = undefined;
    while (owned.outputs.length > 1 && owned.outputs[owned.outputs.length - 1] === undefined) owned.outputs.pop();
  }

  /**
   * Takes an output of a node that nobody reads away, so that those behind it move up, together with the outputs of bodies
   * that it comes from.
   */
  spliceOutput(node: Node, index: number, sources: readonly { readonly body: Graph; readonly index: number }[]): void {
    const owned = this.#ownNode(node);
    this.#forgetOutput(owned, index);
    owned.outputs.splice(index, 1);
    for (const { body, index: place } of sources)
      for (const given of body.#outputs.splice(place, 1)) body.#countGiven(given, -1);
  }

  #countGiven(value: GraphValue, change: number): void {
    const times = (this.#timesGiven.get(value) ?? 0) + change;
    if (times > 0) this.#timesGiven.set(value, times);
    else this.#timesGiven.delete(value);
  }

  #forgetOutput(node: GraphNode, index: number): void {
    const output = node.outputs[index];
    if (output === undefined) return;
    if (output.uses.size > 0 || this.isOutput(output))
      throw this.#broken(output, 'is still read and cannot be left out');
    output.producer = undefined;
    this.#forget(output);
  }

  setAttribute(node: Node, attribute: AttributeProto): void {
    this.#ownNode(node).attributes.set(attribute.name ?? '', { proto: attribute, graphs: [] });
  }

  removeAttribute(node: Node, name: string): void {
    this.#ownNode(node).attributes.delete(name);
  }

  /** Removes a node and the values it produced. @throws OnnxPruneError `internal` if one of them is still read */
  removeNode(node: Node): void {
    const owned = this.#ownNode(node);
    for (const output of owned.outputs) {
      if (output !== undefined && (output.uses.size > 0 || this.isOutput(output))) {
        throw this.#broken(output, `is still read and its node "${labelOf(node)}" cannot be removed`);
      }
    }
    for (const body of subgraphsOf(owned)) body.disconnect();
    for (const input of owned.inputs) input?.uses.delete(owned);
    for (const output of owned.outputs) if (output !== undefined) this.#forget(output);
    this.#nodes.delete(owned);
  }

  /** Removes a node but leaves the values it produced, for other nodes to produce them right away. */
  takeOutputs(node: Node): readonly (Value | undefined)[] {
    const owned = this.#ownNode(node);
    for (const input of owned.inputs) input?.uses.delete(owned);
    for (const output of owned.outputs) if (output !== undefined) output.producer = undefined;
    this.#nodes.delete(owned);
    return owned.outputs;
  }

  /** Turns what a node produced into an initializer of the same name and removes the node. */
  replaceByInitializer(node: Node, tensor: Tensor): void {
    const owned = this.#ownNode(node);
    const output = owned.outputs[0];
    if (output === undefined || owned.outputs.length !== 1) {
      throw new OnnxPruneError('internal', labelOf(node), `Node "${labelOf(node)}" has not exactly one output.`);
    }
    for (const input of owned.inputs) input?.uses.delete(owned);
    output.producer = undefined;
    this.#nodes.delete(owned);
    this.setTensor(output, tensor);
    if (this.scope.initializersAreInputs) this.addInput(output);
  }

  /** Removes an initializer nobody reads, from the graph inputs too where the file lists it there. */
  removeInitializer(value: Value): void {
    const owned = this.#own(value);
    if (owned.uses.size > 0 || this.isOutput(owned)) throw this.#broken(owned, 'is still read and cannot be removed');
    if (this.#inputSet.delete(owned)) this.#inputs.splice(this.#inputs.indexOf(owned), 1);
    this.#forget(owned);
  }

  /** Takes the readers inside this graph, and those inside its bodies unless these live on elsewhere, off every value's list of uses. */
  disconnect(which: 'all' | 'own nodes' = 'all'): void {
    for (const node of this.#nodes) {
      for (const input of node.inputs) input?.uses.delete(node);
      if (which === 'all') for (const body of subgraphsOf(node)) body.disconnect();
    }
  }

  /**
   * The nodes in an executable order that keeps the present one wherever it is executable already.
   * @throws OnnxPruneError `bad-model` naming a node on a cycle
   */
  sorted(): Node[] {
    return executableOrder(this.#nodes, (node) => this.#sources(node));
  }

  #sources(node: Node): Node[] {
    const read = subgraphsOf(node).length === 0 ? node.inputs : [...node.inputs, ...capturesOf(node)];
    return read.flatMap((value) => (value?.producer?.graph === this ? [value.producer] : []));
  }

  #forget(value: GraphValue): void {
    this.#values.delete(value);
    this.#initializers.delete(value);
  }

  #own(value: Value): GraphValue {
    if (value instanceof GraphValue && this.#values.has(value)) return value;
    throw this.#broken(value, 'does not belong to the graph that was asked to change it');
  }

  #ownNode(node: Node): GraphNode {
    if (node instanceof GraphNode && this.#nodes.has(node)) return node;
    throw new OnnxPruneError('internal', labelOf(node), `Node "${labelOf(node)}" does not belong to this graph.`);
  }

  #broken(value: Value, what: string): OnnxPruneError {
    return new OnnxPruneError('bad-model', value.name, `Value "${value.name}" ${what}.`);
  }
}

function asGraphValue(value: Value | undefined): GraphValue | undefined {
  if (value === undefined || value instanceof GraphValue) return value;
  throw new OnnxPruneError('internal', value.name, `Value "${value.name}" was not made by a graph.`);
}
