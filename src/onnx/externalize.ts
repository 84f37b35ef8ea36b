import { OnnxPruneError } from '../errors.ts';
import type { NodeProto, StringStringEntryProto, TensorProto } from './messages.ts';
import { type AttributeProto, copyMessage, DataLocation, type GraphProto, type ModelProto } from './messages.ts';

/** Raw data of more bytes than this is worth a place in the data file. */
const externalFrom = 1024;
/** Data of this many bytes and more starts at a page, so that a runtime can map it; the rest at a cache line. */
const pageAlignFrom = 65_536;
const page = 4096;
const cacheLine = 64;

/** A model whose big initializers are in a data file of their own. */
export interface ExternalizedModel {
  readonly model: ModelProto;
  /** The content of the data file, to be written one after the other; views of the tensors and padding. */
  readonly data: readonly Uint8Array[];
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
  const copy = copyMessage(model);
  if (model.graph) copy.graph = withoutData(model.graph, file);
  return { model: copy, data: file.parts };
}

/** Bytes that {@link externalize} would move. */
export function externalizableBytes(model: ModelProto): number {
  let bytes = 0;
  const count = (graph: GraphProto): void => {
    for (const tensor of graph.initializer ?? []) if (isBig(tensor)) bytes += tensor.rawData?.length ?? 0;
    for (const inner of subgraphs(graph)) count(inner);
  };
  if (model.graph) count(model.graph);
  return bytes;
}

class DataFile {
  readonly parts: Uint8Array[] = [];
  readonly location: string;
  #size = 0;

  constructor(location: string) {
    this.location = location;
  }

  /** Appends data; gives the entries that say where it is. */
  append(data: Uint8Array): StringStringEntryProto[] {
    const alignment = data.length >= pageAlignFrom ? page : cacheLine;
    const padding = (alignment - (this.#size % alignment)) % alignment;
    if (padding > 0) this.parts.push(new Uint8Array(padding));
    const offset = this.#size + padding;
    this.parts.push(data);
    this.#size = offset + data.length;
    return [
      { key: 'location', value: this.location },
      { key: 'offset', value: String(offset) },
      { key: 'length', value: String(data.length) },
    ];
  }
}

function withoutData(graph: GraphProto, file: DataFile): GraphProto {
  const copy = copyMessage(graph);
  if (graph.initializer) copy.initializer = graph.initializer.map((tensor) => moved(tensor, file));
  if (subgraphs(graph).length > 0) copy.node = graph.node?.map((node) => withNestedMoved(node, file));
  return copy;
}

function withNestedMoved(node: NodeProto, file: DataFile): NodeProto {
  if (!node.attribute?.some((attribute) => graphsOf(attribute).length > 0)) return node;
  const copy = copyMessage(node);
  copy.attribute = node.attribute.map((attribute) => {
    const changed = copyMessage(attribute);
    if (attribute.g) changed.g = withoutData(attribute.g, file);
    if (attribute.graphs) changed.graphs = attribute.graphs.map((graph) => withoutData(graph, file));
    return changed;
  });
  return copy;
}

function moved(tensor: TensorProto, file: DataFile): TensorProto {
  const data = tensor.rawData;
  if (data === undefined || !isBig(tensor)) {
    refuseOverwritten(tensor, file.location);
    return tensor;
  }
  const copy = copyMessage(tensor);
  copy.rawData = undefined;
  copy.externalData = file.append(data);
  copy.dataLocation = DataLocation.EXTERNAL;
  return copy;
}

function isBig(tensor: TensorProto): boolean {
  return tensor.dataLocation !== DataLocation.EXTERNAL && (tensor.rawData?.length ?? 0) > externalFrom;
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
