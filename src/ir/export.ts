import {
  type AttributeProto,
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

/** What becomes of data in other files: references stay as they are, or the message holds the data, which are read when it is written. */
export type ExternalData = 'refer' | 'embed';

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
 * declarations are kept for the values that had one, with the lengths they have now.
 */
export function exportGraph(graph: Graph, external: ExternalData = 'refer', storage: Storage = {}): GraphProto {
  const listed = new Set((graph.proto.valueInfo ?? []).map((info) => info.name ?? ''));
  const ends = new Set<Value>([...graph.inputs, ...graph.outputs]);
  const initializer: TensorProto[] = [];
  const sparseInitializer = [...(graph.proto.sparseInitializer ?? [])];
  for (const value of graph.initializers) {
    const sparse =
      storage.sparse === true && !ends.has(value) && value.tensor && sparseMessage(value.name, value.tensor);
    if (sparse) sparseInitializer.push(sparse);
    else initializer.push(exportTensor(value, external));
  }
  return Object.assign(copyMessage(graph.proto), {
    node: graph.sorted().map((node) => exportNode(node, external, storage)),
    initializer,
    ...(sparseInitializer.length > 0 && { sparseInitializer }),
    input: graph.inputs.map(exportInfo),
    output: graph.outputs.map(exportInfo),
    valueInfo: [...graph.values].filter((value) => listed.has(value.name) && !ends.has(value)).map(exportInfo),
  });
}

function exportNode(node: Node, external: ExternalData, storage: Storage): NodeProto {
  const nameOf = (value: Value | undefined): string => value?.name ?? '';
  return Object.assign(copyMessage(node.proto), {
    input: node.inputs.map(nameOf),
    output: node.outputs.map(nameOf),
    attribute: [...node.attributes.values()].map((attribute) => {
      const proto = exportAttribute(attribute, external, storage);
      return external === 'embed' ? embedTensors(proto, node.graph.scope.directory) : proto;
    }),
  });
}

function exportAttribute({ proto, graphs }: Attribute, external: ExternalData, storage: Storage): AttributeProto {
  if (graphs.length === 0) return proto;
  const bodies = graphs.map((body) => exportGraph(body, external, storage));
  const [first, ...rest] = bodies;
  // A single graph and a list of graphs have fields of their own; an attribute of both kinds lists the single one first.
  return Object.assign(copyMessage(proto), proto.g ? { g: first, graphs: rest } : { graphs: bodies });
}

/** The message of an initializer. */
export function exportTensor(value: Value, external: ExternalData): TensorProto {
  const { tensor } = value;
  if (tensor === undefined) return {};
  const stored = external === 'embed' && tensor.isExternal ? tensor.withData(tensor.dims, tensor.data()) : tensor;
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
