import { OnnxPruneError } from '../errors.ts';
import type { NodeProto, StringStringEntryProto, TensorProto } from './messages.ts';
import { type AttributeProto, copyMessage, DataLocation, type GraphProto, type ModelProto } from './messages.ts';
import type { Bytes } from './stored-bytes.ts';

/** Raw data of more bytes than this is worth a place in the data file. */
const externalFrom = 1024;
/** Data of this many bytes and more starts at a page, so that a runtime can map it; the rest at a cache line. */
const pageAlignFrom = 65_536;
const page = 4096;
const cacheLine = 64;

/** A model whose big initializers are in a data file of their own. */
export interface ExternalizedModel {
  readonly model: ModelProto;
  /** The content of the data file, to be written one after the other; the tensors' own data and padding. */
  readonly data: readonly Bytes[];
}

/**
 * Moves the raw data of all initializers above 1 KiB, those of subgraphs included, out of the model. The given model
 * stays as it is; what changes is copied.
 *
 * @param location name of the data file, as the tensors will state it
 * @throws OnnxPruneError `bad-file` where a tensor that was left external already lives in a file of that name,
 *   which writing would destroy
 */
export function externalize(model: ModelProto, location: string): ExternalizedModel {
  const file = new DataFile(location);
  const place: Place = (data, tensor) => {
    if (data === undefined || data.byteLength <= externalFrom) {
      refuseOverwritten(tensor, location);
      return undefined;
    }
    return file.append(data);
  };
  return { model: externalizeWith(model, place), data: file.parts };
}

/** Decides where the raw data of an initializer go; undefined where they stay. */
export type Place = (data: Bytes | undefined, tensor: TensorProto) => StringStringEntryProto[] | undefined;

/**
 * Has initializers, those of subgraphs included, say that their raw data are elsewhere. The given model stays as it is; what
 * changes is copied.
 */
export function externalizeWith(model: ModelProto, place: Place): ModelProto {
  const copy = copyMessage(model);
  if (model.graph) copy.graph = withoutData(model.graph, place);
  return copy;
}

/** Bytes that {@link externalize} would move. */
export function externalizableBytes(model: ModelProto): number {
  let bytes = 0;
  const count = (graph: GraphProto): void => {
    for (const tensor of graph.initializer ?? []) if (isBig(tensor)) bytes += tensor.rawData?.byteLength ?? 0;
    for (const inner of subgraphs(graph)) count(inner);
  };
  if (model.graph) count(model.graph);
  return bytes;
}

class DataFile {
  readonly parts: Bytes[] = [];
  readonly location: string;
  #size = 0;

  constructor(location: string) {
    this.location = location;
  }

  /** Appends data; gives the entries that say where it is. */
  append(data: Bytes): StringStringEntryProto[] {
    const alignment = data.byteLength >= pageAlignFrom ? page : cacheLine;
    const padding = (alignment - (this.#size % alignment)) % alignment;
    if (padding > 0) this.parts.push(new Uint8Array(padding));
    const offset = this.#size + padding;
    this.parts.push(data);
    this.#size = offset + data.byteLength;
    return [
      { key: 'location', value: this.location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(data.byteLength) },
    ];
  }
}

function withoutData(graph: GraphProto, place: Place): GraphProto {
  const copy = copyMessage(graph);
  if (graph.initializer) copy.initializer = graph.initializer.map((tensor) => moved(tensor, place));
  if (subgraphs(graph).length > 0) copy.node = graph.node?.map((node) => withNestedMoved(node, place));
  return copy;
}

function withNestedMoved(node: NodeProto, place: Place): NodeProto {
  if (!node.attribute?.some((attribute) => graphsOf(attribute).length > 0)) return node;
  const copy = copyMessage(node);
  copy.attribute = node.attribute.map((attribute) => {
    const changed = copyMessage(attribute);
    if (attribute.g) changed.g = withoutData(attribute.g, place);
    if (attribute.graphs) changed.graphs = attribute.graphs.map((graph) => withoutData(graph, place));
    return changed;
  });
  return copy;
}

function moved(tensor: TensorProto, place: Place): TensorProto {
  const data = tensor.dataLocation === DataLocation.EXTERNAL ? undefined : tensor.rawData;
  const externalData = place(data, tensor);
  if (externalData === undefined) return tensor;
  const copy = copyMessage(tensor);
  copy.rawData = undefined;
  copy.externalData = externalData;
  copy.dataLocation = DataLocation.EXTERNAL;
  return copy;
}

function isBig(tensor: TensorProto): boolean {
  return tensor.dataLocation !== DataLocation.EXTERNAL && (tensor.rawData?.byteLength ?? 0) > externalFrom;
}

function refuseOverwritten(tensor: TensorProto, location: string): void {
  if (tensor.dataLocation !== DataLocation.EXTERNAL) return;
  if (!tensor.externalData?.some(({ key, value }) => key === 'location' && value === location)) return;
  const name = tensor.name ?? '';
  throw new OnnxPruneError(
    'bad-file',
    location,
    `Tensor '${name}' still has its data in '${location}', which writing would replace: give the result another name.`,
  );
}

function subgraphs(graph: GraphProto): GraphProto[] {
  return (graph.node ?? []).flatMap((node) => (node.attribute ?? []).flatMap(graphsOf));
}

function graphsOf(attribute: AttributeProto): GraphProto[] {
  return [...(attribute.g ? [attribute.g] : []), ...(attribute.graphs ?? [])];
}
