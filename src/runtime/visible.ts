import { tensorsOf } from '../onnx/all-tensors.ts';
import { decodeModel, encodeModel } from '../onnx/codec.ts';
import {
  AttributeType,
  copyMessage,
  DataLocation,
  DataType,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type TypeProto,
  type ValueInfoProto,
} from '../onnx/messages.ts';
import { readModelFile } from '../onnx/read.ts';
import { writeModelFile } from '../onnx/write.ts';
import { typeName } from './element-type.ts';
import { seeElements, tensorTypeInside } from './see-elements.ts';
import { isOnnxDomain } from './skeleton.ts';
import { isTensorType } from './tensor.ts';
import type { ModelSource, UncomparedOutput } from './types.ts';

/** A model all of whose outputs that can be are tensors. */
export interface VisibleModel {
  readonly source: ModelSource;
  /** See `SessionSettings`. */
  readonly dataFolder: string | undefined;
  /** Outputs that remain what they are, and why. */
  readonly hidden: readonly UncomparedOutput[];
  /** What stands for an output and is no tensor itself: the names of classes, by output. */
  readonly classes: ReadonlyMap<string, string>;
}

/**
 * A copy of a model that onnxruntime can hand all outputs of to JavaScript, which takes tensors only. A sequence of tensors,
 * an optional tensor or an optional sequence `y` becomes `y (elements)`, its elements in a column, and `y (shapes)`, of each
 * tensor its rank and dims. 4-bit integers become `y (values)`, as bytes. A map made by ZipMap becomes `y (values)`, the tensor that ZipMap puts names to
 * (https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html).
 *
 * @param names outputs that are no tensors; others of these names stay as they are
 * @param place gives the path of the copy; a model with external data is kept in memory instead, for it is small by itself
 *   and its data are found from their folder alone
 * @throws OnnxPruneError as reading and writing model files do
 */
export async function makeVisible(
  source: ModelSource,
  names: readonly string[],
  place: () => string,
): Promise<VisibleModel> {
  const { model, directory } =
    typeof source === 'string' ? await readModelFile(source) : { model: decodeModel(source), directory: undefined };
  const { copy, hidden, classes } = withVisibleOutputs(model, names);
  const isExternal = [...tensorsOf(model)].some((tensor) => tensor.dataLocation === DataLocation.EXTERNAL);
  if (isExternal || typeof source !== 'string') {
    return { source: encodeModel(copy), dataFolder: isExternal ? directory : undefined, hidden, classes };
  }
  const path = place();
  await writeModelFile(path, copy, { temporary: true });
  return { source: path, dataFolder: undefined, hidden, classes };
}

/** What stands for an output that is no tensor: its name, and this. */
const STANDS_FOR = { elements: ' (elements)', shapes: ' (shapes)', values: ' (values)' } as const;

/** The output that a compared one stands for: `y` for `y (elements)`, see `makeVisible`; else itself. */
export function outputBehind(name: string): string {
  const suffix = Object.values(STANDS_FOR).find((each) => name.endsWith(each));
  return suffix === undefined ? name : name.slice(0, -suffix.length);
}

/** What is added to the main graph. */
interface Additions {
  readonly nodes: readonly NodeProto[];
  readonly constants: readonly TensorProto[];
  readonly outputs: readonly ValueInfoProto[];
  readonly classes?: string;
}

/** The copy of `makeVisible` as a message, which shares its parts with the model. */
export function withVisibleOutputs(
  model: ModelProto,
  names: readonly string[],
): {
  readonly copy: ModelProto;
  readonly hidden: readonly UncomparedOutput[];
  readonly classes: VisibleModel['classes'];
} {
  const graph = copyMessage(model.graph ?? {});
  const opset = (model.opsetImport ?? []).find(({ domain }) => isOnnxDomain(domain))?.version;
  const hidden: UncomparedOutput[] = [];
  const classes = new Map<string, string>();
  const added: Additions[] = [];
  const output = (graph.output ?? []).filter(({ name = '', type }) => {
    if (!names.includes(name) || isTensorType(typeName(type?.tensorType?.elemType ?? DataType.UNDEFINED))) return true;
    const additions = see(name, type, graph.node ?? [], Number(opset ?? 0));
    if (typeof additions === 'string') {
      hidden.push({ name, reason: additions });
      return true;
    }
    added.push(additions);
    if (additions.classes !== undefined) classes.set(name, additions.classes);
    return false;
  });
  graph.node = [...(graph.node ?? []), ...added.flatMap(({ nodes }) => nodes)];
  graph.initializer = [...(graph.initializer ?? []), ...added.flatMap(({ constants }) => constants)];
  graph.output = [...output, ...added.flatMap(({ outputs }) => outputs)];
  // A model of classical operators alone need not name ONNX's own, of which Identity has been one from the start.
  const opsetImport = [...(model.opsetImport ?? []), ...(opset === undefined ? [{ domain: '', version: 1 }] : [])];
  return { copy: Object.assign(copyMessage(model), { graph, opsetImport }), hidden, classes };
}

/** What makes an output visible, or why nothing does. */
function see(
  name: string,
  type: TypeProto | undefined,
  nodes: readonly NodeProto[],
  opset: number,
): Additions | string {
  const zip = zipMapOf(name, nodes);
  const given = zip?.input?.[0];
  if (zip !== undefined && given !== undefined) {
    const values = name + STANDS_FOR.values;
    return {
      nodes: [identity(given, values)],
      constants: [],
      outputs: [declared(values, DataType.FLOAT)],
      classes: classesOf(zip),
    };
  }
  if (type === undefined) return 'the model does not declare its type';
  if (type.tensorType !== undefined) return asBytes(name, type.tensorType.elemType ?? DataType.UNDEFINED, opset);
  const dataType = tensorTypeInside(type);
  if (dataType === undefined) return `it is ${kindOf(type)}`;
  if (!isTensorType(typeName(dataType))) return `it holds ${typeName(dataType)}, which cannot be passed to JavaScript`;
  if (type.optionalType !== undefined && opset < 15) return `it is ${kindOf(type)}, which opset ${opset} cannot open`;
  const { nodes: seeing, constants, seen } = seeElements(name, type, dataType);
  const [elements, shapes] = [name + STANDS_FOR.elements, name + STANDS_FOR.shapes];
  return {
    nodes: [...seeing, identity(seen.elements, elements), identity(seen.shapes, shapes)],
    constants,
    outputs: [declared(elements, dataType), declared(shapes, DataType.INT64)],
  };
}

/** Integers of fewer than eight bits as int8, which holds them all (Cast, https://onnx.ai/onnx/operators/onnx__Cast.html, from opset 21). */
function asBytes(name: string, dataType: number, opset: number): Additions | string {
  const type = typeName(dataType);
  if (!SMALL_INTEGERS.has(dataType) || opset < 21) return `it is ${type}, which cannot be passed to JavaScript`;
  const values = name + STANDS_FOR.values;
  const to = { name: 'to', type: AttributeType.INT, i: DataType.INT8 };
  const node = { opType: 'Cast', input: [name], output: [values], attribute: [to] };
  return { nodes: [node], constants: [], outputs: [declared(values, DataType.INT8)] };
}

const SMALL_INTEGERS: ReadonlySet<number> = new Set([DataType.INT4, DataType.UINT4]);

/** The ZipMap that makes a value, maybe passed on as it is. */
function zipMapOf(name: string, nodes: readonly NodeProto[]): NodeProto | undefined {
  const maker = nodes.find((node) => node.output?.includes(name));
  if (maker?.opType === 'ZipMap' && maker.domain === 'ai.onnx.ml') return maker;
  const from = maker?.opType === 'Identity' && isOnnxDomain(maker.domain) ? maker.input?.[0] : undefined;
  return from === undefined ? undefined : zipMapOf(from, nodes);
}

function classesOf({ attribute = [] }: NodeProto): string {
  const text = new TextDecoder();
  const names = attribute.flatMap(({ strings = [], ints = [] }) => [
    ...strings.map((each) => JSON.stringify(text.decode(each))),
    ...ints.map(String),
  ]);
  return names.join(', ');
}

function kindOf(type: TypeProto): string {
  if (type.optionalType !== undefined) return `an optional of ${kindIn(type.optionalType.elemType)}`;
  if (type.sequenceType !== undefined) return `a sequence of ${kindIn(type.sequenceType.elemType)}`;
  return kindIn(type);
}

function kindIn(type: TypeProto | undefined): string {
  if (type?.tensorType !== undefined) return 'tensors';
  if (type?.mapType !== undefined) return 'a map that no ZipMap makes';
  if (type?.sparseTensorType !== undefined) return 'a sparse tensor';
  if (type?.sequenceType !== undefined) return 'sequences';
  return 'of a type that is not known';
}

function identity(from: string, to: string): NodeProto {
  return { opType: 'Identity', input: [from], output: [to] };
}

function declared(name: string, elemType: number): ValueInfoProto {
  return { name, type: { tensorType: { elemType } } };
}
