import { type DataType, dataTypeNumber, isFloat } from '../ir/data-type.ts';
import { exportTensor } from '../ir/export.ts';
import type { Evaluator } from '../ir/facts.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { type Node, subgraphsOf } from '../ir/node.ts';
import { sizeOf } from '../ir/tensor.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { copyMessage, type GraphProto, type ModelProto, type NodeProto, type TensorProto } from '../onnx/messages.ts';

/** Operators whose result is another one at each run. */
const RANDOM: ReadonlySet<string> = new Set([
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
  'Multinomial',
  'Bernoulli',
  'Dropout',
]);

/** Elements that a folded tensor may have. Integers are shapes, indices and masks; floats are more likely weights, which stay as they are. */
const LARGEST = { float: 4096, other: 1 << 20 } as const;

/**
 * Computes what depends on constants alone (index tables, masks, the rest of shape arithmetic) by running just those
 * nodes once, so that every operator the runtime knows can be folded. Big floating-point results are left to the graph.
 * @param graph the model's graph, or one inside it
 */
export async function foldConstants(model: Model, graph: Graph, evaluator: Evaluator): Promise<boolean> {
  const foldable = foldableNodes(graph);
  const wanted = [...foldable]
    .flatMap((node) => node.outputs)
    .filter((value) => value !== undefined && isReadOutside(graph, value, foldable));
  if (wanted.length === 0) return false;
  const results = await evaluator.evaluate(modelOf(model, foldable, wanted));
  let changed = false;
  for (const node of foldable) {
    const output = node.outputs[0];
    const result = output && results.get(output.name);
    if (result === undefined || node.outputs.length !== 1) continue;
    graph.replaceByInitializer(node, result);
    changed = true;
  }
  return changed;
}

function isReadOutside(graph: Graph, value: Value | undefined, foldable: ReadonlySet<Node>): value is Value {
  return value !== undefined && !graph.isOutput(value) && [...value.uses].some((reader) => !foldable.has(reader));
}

function foldableNodes(graph: Graph): Set<Node> {
  const foldable = new Set<Node>();
  for (const node of graph.sorted()) {
    if (node.inputs.length === 0 || RANDOM.has(node.opType) || subgraphsOf(node).length > 0 || unpacks(node)) continue;
    const known = node.inputs.every(
      (value) =>
        value === undefined ||
        (isSmall(value) &&
          (value.tensor !== undefined || (value.producer !== undefined && foldable.has(value.producer)))),
    );
    if (known && node.outputs.every((value) => value === undefined || (isSmall(value) && !graph.isOutput(value))))
      foldable.add(node);
  }
  return foldable;
}

/**
 * Whether a node makes weights out of how they are stored: out of 8- or 16-bit elements, out of quantized ones (biases
 * are, in 32 bits), or out of a tensor that others read too. Folding it would store the weight wider, or twice, or take
 * its integers away from the kernels that want them.
 */
function unpacks(node: Node): boolean {
  if (node.opType === 'DequantizeLinear' && (node.inputs[0]?.tensor?.size ?? 0) >= 2) return true;
  return node.inputs.some((value) => {
    const { tensor } = value ?? {};
    if (value === undefined || tensor === undefined || tensor.size < 2) return false;
    const isNarrow = STORAGE.has(tensor.type);
    return isNarrow || (isFloat(tensor.type) && tensor.dims.length >= 2 && value.uses.size > 1);
  });
}

/** Element types that weights are kept in to save room. */
const STORAGE: ReadonlySet<DataType> = new Set([
  'int8',
  'uint8',
  'float16',
  'bfloat16',
  'int4',
  'uint4',
  'int2',
  'uint2',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'float8e8m0',
  'float4e2m1',
]);

function isSmall(value: Value): boolean {
  const dims = dimsOf(value);
  const type = value.tensor?.type ?? value.type?.type ?? 'undefined';
  if (dims === undefined || type === 'string' || type === 'undefined' || value.tensor?.isStored) return false;
  const lengths = dims.filter((dim) => typeof dim === 'number');
  if (lengths.length < dims.length) return false;
  return sizeOf(lengths) <= (isFloat(type) ? LARGEST.float : LARGEST.other);
}

/** A model of the foldable nodes alone. */
function modelOf(model: Model, nodes: ReadonlySet<Node>, wanted: readonly (Value | undefined)[]): ModelProto {
  const initializer = new Map<string, TensorProto>();
  const node: NodeProto[] = [];
  for (const each of nodes) {
    for (const value of each.inputs) {
      if (value?.tensor !== undefined) initializer.set(value.name, exportTensor(value, 'embed'));
    }
    node.push(
      Object.assign(copyMessage(each.proto), {
        input: each.inputs.map((value) => value?.name ?? ''),
        output: each.outputs.map((value) => value?.name ?? ''),
        attribute: [...each.attributes.values()].map(({ proto }) => proto),
      }),
    );
  }
  const output = wanted.flatMap((value) =>
    value === undefined
      ? []
      : [{ name: value.name, type: { tensorType: { elemType: dataTypeNumber(value.type?.type ?? 'undefined') } } }],
  );
  const graph: GraphProto = { name: 'constants', node, initializer: [...initializer.values()], input: [], output };
  return {
    irVersion: Math.max(4, Number(model.proto.irVersion ?? 8)),
    opsetImport: model.proto.opsetImport ?? [],
    graph,
  };
}
