import { OnnxPruneError } from '../errors.ts';
import { copyMessage, type GraphProto, type NodeProto, type ValueInfoProto } from '../onnx/messages.ts';
import { dataTypeOf } from './data-type.ts';
import { Graph, type Scope } from './graph.ts';
import type { Attribute } from './node.ts';
import { canBeDense, denseTensor } from './sparse-tensor.ts';
import { Tensor } from './tensor.ts';
import type { Dim, TensorType, Value } from './value.ts';

/** What names mean at some place. */
interface Visible {
  find(name: string): Value | undefined;
}

/** Names visible at some place: those of this graph, then those of the graphs around it. */
class Names implements Visible {
  readonly #own = new Map<string, Value>();
  readonly #outer: Visible | undefined;

  constructor(outer: Visible | undefined) {
    this.#outer = outer;
  }

  find(name: string): Value | undefined {
    return this.#own.get(name) ?? this.#outer?.find(name);
  }

  here(name: string): Value | undefined {
    return this.#own.get(name);
  }

  define(name: string, value: Value): Value {
    this.#own.set(name, value);
    return value;
  }
}

/**
 * Turns a graph message into nodes and values, the graphs inside it included. Sparse initializers become dense ones.
 * @throws OnnxPruneError `bad-model` for a name that is read but nowhere defined, defined twice, or holds a NUL, and as `denseTensor`
 *   does for a sparse initializer
 */
export function importGraph(proto: GraphProto, scope: Scope): Graph {
  return read(proto, scope, { outer: undefined, rename: (name) => name });
}

/**
 * Turns the message of a body into a graph, away from the place where it was written.
 * @param find what names outside of the body mean
 * @param rename gives the values of the body the names that they get
 */
export function importBody(
  proto: GraphProto,
  scope: Scope,
  find: (name: string) => Value | undefined,
  rename: (name: string) => string,
): Graph {
  return read(proto, { ...scope, initializersAreInputs: false }, { outer: { find }, rename });
}

/** Around a graph that is read. */
interface Surroundings {
  readonly outer: Visible | undefined;
  readonly rename: (name: string) => string;
}

function read(proto: GraphProto, scope: Scope, around: Surroundings): Graph {
  const { outer, rename } = around;
  const { directory } = scope;
  const graph = new Graph(withoutDense(proto), scope);
  const names = new Names(outer);
  const infos = new Map<string, ValueInfoProto>();
  for (const info of [...(proto.valueInfo ?? []), ...(proto.output ?? []), ...(proto.input ?? [])]) {
    infos.set(info.name ?? '', info);
  }
  const define = (name: string, what: string): Value => {
    if (names.here(name) !== undefined) {
      throw new OnnxPruneError(
        'bad-model',
        name,
        `Value "${name}" is defined twice, the second time as ${what}; names must be unique in a graph. Export the model again.`,
      );
    }
    if (name.includes('\0')) {
      throw new OnnxPruneError(
        'bad-model',
        name,
        `Value "${name}", ${what}, has a NUL character in its name, where onnxruntime ends names; export the model again.`,
      );
    }
    const info = infos.get(name);
    const renamed = info && rename(name) !== name ? Object.assign(copyMessage(info), { name: rename(name) }) : info;
    return names.define(name, graph.addValue(rename(name), info === undefined ? undefined : typeOf(info), renamed));
  };

  const inputNames = new Set((proto.input ?? []).map((input) => input.name ?? ''));
  for (const input of proto.input ?? []) graph.addInput(define(input.name ?? '', 'a graph input'));
  const initialise = (name: string, what: string, tensor: Tensor | undefined): void => {
    // Up to IR 3 every initializer is a graph input as well; later such a pair is an input with a default.
    const input = inputNames.has(name) ? names.here(name) : undefined;
    const value = input !== undefined && input.tensor === undefined ? input : define(name, what);
    if (tensor !== undefined) graph.setTensor(value, tensor);
  };
  for (const tensor of proto.initializer ?? []) {
    initialise(tensor.name ?? '', 'an initializer', new Tensor(tensor, directory));
  }
  for (const sparse of proto.sparseInitializer ?? []) {
    const tensor = canBeDense(sparse) ? denseTensor(sparse, directory) : undefined;
    initialise(sparse.values?.name ?? '', 'a sparse initializer', tensor);
  }
  const outputs = (proto.node ?? []).map((node) =>
    (node.output ?? []).map((name) =>
      name === '' ? undefined : define(name, `an output of node "${node.name || node.opType}"`),
    ),
  );
  const find = (name: string, reader: string): Value => {
    const value = names.find(name);
    if (value !== undefined) return value;
    throw new OnnxPruneError(
      'bad-model',
      name,
      `Value "${name}" is read by ${reader} but defined nowhere: no node, input or initializer has that name. Export the model again.`,
    );
  };
  (proto.node ?? []).forEach((node, index) => {
    const label = `node "${node.name || node.opType}"`;
    const inputs = (node.input ?? []).map((name) => (name === '' ? undefined : find(name, label)));
    graph.insertNode(node, inputs, outputs[index] ?? [], attributesOf(node, scope, { ...around, outer: names }));
  });
  for (const output of proto.output ?? []) {
    const name = output.name ?? '';
    const value = find(name, 'the list of graph outputs');
    if (graph.owns(value)) graph.addOutput(value);
    else {
      // A body that hands an outer value out as it is: with a copy of its own, every output belongs to its graph.
      const made = graph.addNode({ opType: 'Identity', inputs: [value] }, [graph.uniqueName(`${name}_out`)]).outputs[0];
      if (made !== undefined) graph.addOutput(made);
    }
  }
  return graph;
}

/** The message without the sparse initializers that become dense ones: those are in the graph from now on. */
function withoutDense(proto: GraphProto): GraphProto {
  if (proto.sparseInitializer === undefined) return proto;
  const left = proto.sparseInitializer.filter((sparse) => !canBeDense(sparse));
  return Object.assign(copyMessage(proto), { sparseInitializer: left });
}

function attributesOf(node: NodeProto, outer: Scope, around: Surroundings): Attribute[] {
  // The inputs of a body are what its operator says, whatever the IR version.
  const scope: Scope = { ...outer, initializersAreInputs: false };
  return (node.attribute ?? []).map((proto) => {
    const bodies = [...(proto.g ? [proto.g] : []), ...(proto.graphs ?? [])];
    return { proto, graphs: bodies.map((body) => read(body, scope, around)) };
  });
}

/** What a declaration says of a tensor; undefined for sequences, maps, optionals and sparse tensors. */
export function typeOf(info: ValueInfoProto): TensorType | undefined {
  const tensor = info.type?.tensorType;
  if (!tensor) return undefined;
  const type = dataTypeOf(tensor.elemType);
  if (!tensor.shape) return { type };
  const dims = (tensor.shape.dim ?? []).map((dim): Dim => {
    if (dim.dimValue !== undefined && dim.dimValue !== null) return Number(dim.dimValue);
    return dim.dimParam ? dim.dimParam : undefined;
  });
  return { type, dims };
}
