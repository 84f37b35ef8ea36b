import {
  type AttributeProto,
  AttributeType,
  copyMessage,
  type GraphProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../onnx/messages.ts';
import { dataTypeNumber } from './data-type.ts';
import { embedTensors } from './embed.ts';
import type { Graph } from './graph.ts';
import type { Attribute, Node } from './node.ts';
import { sparseMessage } from './sparse-tensor.ts';
import { dimsOf, type TensorType, type Value } from './value.ts';

/**
 * What becomes of data in other files: references stay as they are, but for short lists of whole numbers, which shapes are made
 * of and inferred from, or the message holds all data, which are read when it
 * is written.
 */
export type ExternalData = 'refer' | 'embed';

/** Elements of such a list at most. */
const SHORT = 1024;

/** How a message stores what the graph holds. */
export interface Storage {
  /**
   * Writes float initializers as sparse ones where that is smaller, and then with their data inside. Those that are graph
   * inputs or outputs stay dense, and with them all before IR version 4. Default false.
   */
  readonly sparse?: boolean | undefined;
}

/**
 * The message of a graph as it is now. Whatever was not changed is the message that was read, unknown fields included;
 * declarations are kept for the values that had one, with the lengths they have now. Up to IR version 3 the initializers of
 * bodies are written as Constant nodes: they would have to be inputs of the body, and its operator feeds it none.
 */
export function exportGraph(graph: Graph, external: ExternalData = 'refer', storage: Storage = {}): GraphProto {
  return write(graph, { external, storage, constantsInBodies: graph.scope.initializersAreInputs }, false);
}

/** How a message is written, the same for a graph and the graphs inside it. */
interface Writing {
  readonly external: ExternalData;
  readonly storage: Storage;
  readonly constantsInBodies: boolean;
}

function write(graph: Graph, writing: Writing, isBody: boolean): GraphProto {
  const { external, storage } = writing;
  const asNodes = isBody && writing.constantsInBodies;
  const listed = new Set((graph.proto.valueInfo ?? []).map((info) => info.name ?? ''));
  const ends = new Set<Value>([...graph.inputs, ...graph.outputs]);
  const initializer: TensorProto[] = [];
  const sparseInitializer = [...(graph.proto.sparseInitializer ?? [])];
  const constants: NodeProto[] = [];
  for (const value of graph.initializers) {
    if (asNodes) {
      constants.push(constantNode(value));
      continue;
    }
    const sparse =
      storage.sparse === true && !ends.has(value) && value.tensor && sparseMessage(value.name, value.tensor);
    if (sparse) sparseInitializer.push(sparse);
    else initializer.push(exportTensor(value, external));
  }
  return Object.assign(copyMessage(graph.proto), {
    node: [...constants, ...graph.sorted().map((node) => exportNode(node, writing))],
    initializer,
    ...(sparseInitializer.length > 0 && { sparseInitializer }),
    input: graph.inputs.map(exportInfo),
    output: graph.outputs.map(exportInfo),
    valueInfo: [...graph.values].filter((value) => listed.has(value.name) && !ends.has(value)).map(exportInfo),
  });
}

/** A node that makes what an initializer holds, with the data inside. */
function constantNode(value: Value): NodeProto {
  const attribute = { name: 'value', type: AttributeType.TENSOR, t: exportTensor(value, 'embed') };
  return { opType: 'Constant', output: [value.name], attribute: [attribute] };
}

function exportNode(node: Node, writing: Writing): NodeProto {
  const nameOf = (value: Value | undefined): string => value?.name ?? '';
  return Object.assign(copyMessage(node.proto), {
    input: node.inputs.map(nameOf),
    output: node.outputs.map(nameOf),
    attribute: [...node.attributes.values()].map((attribute) => {
      const proto = exportAttribute(attribute, writing);
      return writing.external === 'embed' ? embedTensors(proto, node.graph.scope.directory) : proto;
    }),
  });
}

function exportAttribute({ proto, graphs }: Attribute, writing: Writing): AttributeProto {
  if (graphs.length === 0) return proto;
  const bodies = graphs.map((body) => write(body, writing, true));
  const [first, ...rest] = bodies;
  // A single graph and a list of graphs have fields of their own; an attribute of both kinds lists the single one first.
  return Object.assign(copyMessage(proto), proto.g ? { g: first, graphs: rest } : { graphs: bodies });
}

/** The message of an initializer. */
export function exportTensor(value: Value, external: ExternalData): TensorProto {
  const { tensor } = value;
  if (tensor === undefined) return {};
  const isShape = (tensor.type === 'int64' || tensor.type === 'int32') && tensor.size <= SHORT;
  const isOutside = tensor.isExternal && (external === 'embed' || isShape);
  const stored = isOutside ? tensor.withData(tensor.dims, isShape ? tensor.raw() : tensor.data()) : tensor;
  const { proto } = stored;
  return proto.name === value.name ? proto : Object.assign(copyMessage(proto), { name: value.name });
}

function exportInfo(value: Value): ValueInfoProto {
  const { info, type } = value;
  if (type === undefined) return info ?? { name: value.name };
  if (info === undefined) return newInfo(value.name, type);
  const tensor = info.type?.tensorType;
  const dims = dimsOf(value);
  if (!info.type || !tensor?.shape || dims === undefined) return info;
  const declared = tensor.shape.dim ?? [];
  const stale = declared.some(
    (dim, i) => isNumber(dim.dimValue) && typeof dims[i] === 'number' && Number(dim.dimValue) !== dims[i],
  );
  if (!stale) return info;
  const dim = declared.map((entry, i) => {
    const length = dims[i];
    return isNumber(entry.dimValue) && typeof length === 'number'
      ? Object.assign(copyMessage(entry), { dimValue: length })
      : entry;
  });
  const shape = Object.assign(copyMessage(tensor.shape), { dim });
  const tensorType = Object.assign(copyMessage(tensor), { shape });
  return Object.assign(copyMessage(info), { type: Object.assign(copyMessage(info.type), { tensorType }) });
}

function isNumber(value: unknown): boolean {
  return value !== undefined && value !== null;
}

/** A declaration of what is known of a value now. */
export function declarationOf(value: Value): ValueInfoProto {
  return value.type === undefined ? (value.info ?? { name: value.name }) : newInfo(value.name, value.type);
}

function newInfo(name: string, { type, dims }: TensorType): ValueInfoProto {
  const shape = dims && {
    dim: dims.map((dim) => (typeof dim === 'number' ? { dimValue: dim } : dim === undefined ? {} : { dimParam: dim })),
  };
  return { name, type: { tensorType: { elemType: dataTypeNumber(type), ...(shape && { shape }) } } };
}
