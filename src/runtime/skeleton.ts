import {
  AttributeType,
  copyMessage,
  DataLocation,
  DataType,
  type Int64,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from '../onnx/messages.ts';
import { typeName } from './element-type.ts';
import { elementCount, isTensorType } from './tensor.ts';
import type { TensorFact } from './types.ts';

/** Tensors up to this many elements may be shape data (axes, sizes, scales of a Resize …) and stay as they are. */
const SMALL = 64;
/** Integer tensors are shape data more often, and cost little. */
const SMALL_INTEGER = 1024;

/** Lengths, symbols, and unknown lengths. */
type Dims = readonly (number | string | undefined)[];

/** A model of the same shape as another without its bulk, from which any value's type and dims can be asked. */
export interface Skeleton {
  /** Without bulk tensors: they are graph inputs now. */
  readonly model: ModelProto;
  /** What the model's tensors say themselves: initializers, Constant nodes, and inputs that JavaScript cannot feed. */
  readonly facts: ReadonlyMap<string, TensorFact>;
  /** Graph inputs of the original model whose type onnxruntime can be asked for: declared tensors with a rank. */
  readonly inputs: readonly string[];
  /** Values between the nodes, which are no graph outputs yet. */
  readonly values: readonly string[];
}

function sizes(dims: readonly Int64[] | undefined): number[] {
  return (dims ?? []).map(Number);
}

/** The graph inputs that take the place of bulk tensors, and of inputs that JavaScript cannot feed. */
class StandIns {
  readonly inputs: ValueInfoProto[] = [];
  readonly casts: NodeProto[] = [];

  /** Declares `name` as an input; through a Cast where JavaScript has no such type, since that alone refuses a model. */
  declare(name: string, dataType: number, dims: Dims): void {
    if (isTensorType(typeName(dataType))) {
      this.inputs.push(declaration(name, dataType, dims));
      return;
    }
    const input = `${name}/onnx-prune-cast`;
    const to = { name: 'to', type: AttributeType.INT, i: dataType };
    this.inputs.push(declaration(input, DataType.FLOAT, dims));
    this.casts.push({ opType: 'Cast', input: [input], output: [name], attribute: [to] });
  }
}

/**
 * Builds a skeleton; see `Skeleton`. The model is left as it is, and its parts are shared.
 *
 * @param keepTensors leaves all tensors in place, for the rare operator that insists on constant weights
 */
export function buildSkeleton(model: ModelProto, keepTensors = false): Skeleton {
  const graph = model.graph ?? {};
  const facts = new Map<string, TensorFact>();
  const standIns = new StandIns();
  const inputNames = new Set((graph.input ?? []).map((input) => input.name ?? ''));
  const outputNames = new Set((graph.output ?? []).map((output) => output.name ?? ''));

  /** Notes what a tensor says of itself, and whether it stays. */
  const stays = (name: string, tensor: TensorProto): boolean => {
    const dims = sizes(tensor.dims);
    facts.set(name, { type: typeName(tensor.dataType), dims });
    if (keepTensors || !isBulk(tensor) || outputNames.has(name)) return true;
    // Before IR version 4 every initializer is an input already.
    if (!inputNames.has(name)) standIns.declare(name, tensor.dataType ?? DataType.UNDEFINED, dims);
    return false;
  };
  const initializer = (graph.initializer ?? []).filter((tensor) => stays(tensor.name ?? '', tensor));
  const nodes = (graph.node ?? []).filter((node) => {
    const tensor = constantTensor(node);
    return tensor === undefined || stays(node.output?.[0] ?? '', tensor);
  });
  for (const { values, dims } of graph.sparseInitializer ?? []) {
    facts.set(values?.name ?? '', { type: typeName(values?.dataType), dims: sizes(dims) });
  }

  const askable: string[] = [];
  const inputs = (graph.input ?? []).filter((info) => {
    const name = info.name ?? '';
    const fact = declaredFact(info);
    if (fact === undefined || facts.has(name)) return true;
    if (isTensorType(fact.type)) {
      askable.push(name);
      return true;
    }
    facts.set(name, fact);
    standIns.declare(name, info.type?.tensorType?.elemType ?? DataType.UNDEFINED, fact.dims);
    return false;
  });
  const output = (graph.output ?? []).flatMap((info) => {
    const fact = declaredFact(info);
    if (fact === undefined) return [info];
    // Asked with its shape, the runtime would say what is declared, right or wrong, and not what follows.
    if (isTensorType(fact.type)) return [withoutShape(info)];
    facts.set(info.name ?? '', fact);
    return [];
  });

  const values = nodes
    .flatMap((node) => node.output ?? [])
    .filter((name) => name !== '' && !outputNames.has(name) && !facts.has(name));
  const lean = copyMessage(graph);
  lean.initializer = initializer;
  lean.input = [...inputs, ...standIns.inputs];
  lean.output = output;
  lean.node = [...standIns.casts, ...nodes];
  const whole = copyMessage(model);
  whole.graph = lean;
  // Training graphs play no part in inference and may be as large as the model.
  delete whole.trainingInfo;
  return { model: whole, facts, inputs: askable, values };
}

/** The skeleton's model with these values as further graph outputs, by name only, and these nodes at its end. */
export function withOutputs(model: ModelProto, names: readonly string[], nodes: readonly NodeProto[] = []): ModelProto {
  const graph = model.graph ?? {};
  const declared = new Map((graph.valueInfo ?? []).map((info) => [info.name ?? '', info]));
  const wider = copyMessage(graph);
  wider.node = [...(graph.node ?? []), ...nodes];
  wider.output = [...(graph.output ?? []), ...names.map((name) => declared.get(name) ?? { name })];
  const whole = copyMessage(model);
  whole.graph = wider;
  return whole;
}

/** Whether a domain is ONNX's own, which goes by two names. */
export function isOnnxDomain(domain: string | undefined): boolean {
  return domain === undefined || domain === '' || domain === 'ai.onnx';
}

function isBulk(tensor: TensorProto): boolean {
  const count = elementCount(sizes(tensor.dims));
  const integer = tensor.dataType === DataType.INT32 || tensor.dataType === DataType.INT64;
  if (integer) return count > SMALL_INTEGER;
  // Its bytes lie in a file that onnxruntime could not find from a model that comes as bytes.
  if (tensor.dataLocation === DataLocation.EXTERNAL) return true;
  return count > SMALL && tensor.dataType !== DataType.STRING;
}

/** The data of a node that reads nothing and only gives a tensor of its own out. */
function constantTensor(node: NodeProto): TensorProto | undefined {
  if ((node.input ?? []).length > 0 || !isOnnxDomain(node.domain)) return undefined;
  return node.attribute?.find((attribute) => attribute.name === 'value')?.t;
}

function declaration(name: string, elemType: number, dims: Dims): ValueInfoProto {
  const dim = dims.map((size) => {
    if (typeof size === 'number') return { dimValue: size };
    return size === undefined ? {} : { dimParam: size };
  });
  return { name, type: { tensorType: { elemType, shape: { dim } } } };
}

/** A declaration of the element type alone. */
function withoutShape({ name = '', type }: ValueInfoProto): ValueInfoProto {
  return { name, type: { tensorType: { elemType: type?.tensorType?.elemType ?? DataType.UNDEFINED } } };
}

/** Type and dims that a graph input or output declares; undefined without a rank, or when it is no tensor. */
function declaredFact(info: ValueInfoProto): { readonly type: string; readonly dims: Dims } | undefined {
  const type = info.type?.tensorType;
  if (type?.shape === undefined) return undefined;
  const dims = (type.shape.dim ?? []).map((dim) => {
    if (dim.dimValue !== undefined) return Number(dim.dimValue);
    return dim.dimParam === '' ? undefined : dim.dimParam;
  });
  return { type: typeName(type.elemType), dims };
}
