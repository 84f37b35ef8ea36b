import { float, floatAttribute, int } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, lengthOf, type Value } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { take } from '../numeric/take.ts';
import { axis, CouplingBuilder, input, lineUp, output, pinUnranked, pinValue, rankOf } from './coupling.ts';
import { scaleAndBias } from './normalization.ts';
import { fromFront } from './parameters.ts';
import type { Coupling, Kept, OpRule } from './rule.ts';

/** How one of these operators takes its inputs and gives its outputs. */
interface Form {
  /** Inputs that are added before the mean is taken, as they broadcast to the first. */
  readonly added: readonly number[];
  readonly scale: number;
  /** The output that is what the mean was taken of. */
  readonly sum?: number;
  readonly epsilon: number;
}

/** y = x / √(mean(x²) + ε) · scale over the axes from `axis` on. Source: ONNX operator RMSNormalization. */
const PLAIN: Form = { added: [], scale: 1, epsilon: 1e-5 };

/** The same of x + skip + bias over the last axis. Source: onnxruntime docs/ContribOperators.md, SkipSimplifiedLayerNormalization. */
const SKIP: Form = { added: [1, 3], scale: 2, sum: 3, epsilon: 1e-12 };

/** The axes that the mean is taken over: all from here on. */
function firstMixed(node: Node, rank: number): number {
  return fromFront(int(node, 'axis', -1), rank);
}

/** Other outputs hold statistics, of which a cut makes other numbers. */
function readStatistics(node: Node, form: Form): Value[] {
  return node.outputs.flatMap((value, i) => {
    const isRead = value !== undefined && (value.uses.size > 0 || node.graph.isOutput(value));
    return isRead && i !== 0 && i !== form.sum ? [value] : [];
  });
}

/**
 * The mean is a sum, to which masked positions add nothing, over a length: of C' of C positions it is C / C' times as
 * much. With ε' = ε · C / C' the root is √(C / C') times as long, and scale' = scale · √(C / C') makes up for it, so that
 * cutting is exact.
 */
function coupleRootMeanSquare(node: Node, form: Form): Coupling {
  const [data, scale, out] = [input(node, 0), input(node, form.scale), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank || rankOf(scale) === undefined) return pinUnranked(node);
  const first = firstMixed(node, rank);
  const coupling = new CouplingBuilder();
  for (let dim = 0; dim < rank; dim++) {
    coupling.same(axis(data, dim), axis(out, dim));
    if (dim < first) continue;
    coupling.contractions.push({ input: 0, dim });
    if (readStatistics(node, form).length > 0)
      coupling.approximate.push({ axis: axis(data, dim), reason: `${node.opType} gives its statistics out` });
  }
  const broadcast = (value: Value | undefined): void => {
    const own = value && rankOf(value);
    for (let dim = 0; value !== undefined && dim < (own ?? 0); dim++)
      lineUp(coupling, axis(value, dim), axis(out, dim + rank - (own ?? 0)));
  };
  broadcast(scale);
  for (const index of form.added) {
    const value = node.inputs[index];
    broadcast(value);
    const own = value && rankOf(value);
    if (value !== undefined && own !== undefined) coupling.contractions.push({ input: index, dim: own - 1 });
  }
  const sum = form.sum === undefined ? undefined : node.outputs[form.sum];
  broadcast(sum);
  if (!isFloatType(elementTypeOf(scale)))
    coupling.pins.push(...pinValue(data, `the scale of ${node.opType} has an unknown type`, (dim) => dim >= first));
  const channels = (rankOf(scale) ?? 0) - 1;
  if (channels >= 0) coupling.gains.push(axis(scale, channels));
  return coupling;
}

function repairRootMeanSquare(node: Node, form: Form, kept: Kept, graph: Graph): void {
  // Statistics that are read are those of the channels that stay, and what is normed goes by them.
  if (readStatistics(node, form).length > 0) return;
  const data = input(node, 0);
  const rank = rankOf(data) ?? 0;
  let ratio = 1;
  for (let dim = firstMixed(node, rank); dim < rank; dim++) {
    const stay = kept(axis(data, dim));
    if (stay !== undefined) ratio *= (lengthOf(axis(data, dim)) ?? 1) / stay.length;
  }
  if (ratio === 1) return;
  graph.setAttribute(node, floatAttribute('epsilon', float(node, 'epsilon', form.epsilon) * ratio));
  multiply(node, form.scale, Math.sqrt(ratio), kept, graph);
}

/** Multiplies an input by a number: its data where it is a constant, cut as they must be; else by a node of its own. */
function multiply(node: Node, index: number, factor: number, kept: Kept, graph: Graph): void {
  const value = input(node, index);
  const { tensor } = value;
  const type = elementTypeOf(value);
  // Where the type is unknown nothing was cut.
  if (!isFloatType(type)) return;
  if (tensor === undefined) {
    const number = graph.addInitializer(`${value.name}_factor`, Tensor.of(type, [], floatBytes(type, [factor])));
    const product = graph.addNode({ opType: 'Mul', inputs: [value, number] }, [
      graph.uniqueName(`${value.name}_scaled`),
    ]);
    const dims = dimsOf(value)?.map((length, dim) => kept(axis(value, dim))?.length ?? length);
    graph.setType(output(product), dims === undefined ? { type } : { type, dims });
    graph.setInput(node, index, output(product));
    return;
  }
  const floats = Float64Array.from(tensor.floats(), (each) => each * factor);
  const keeps = tensor.dims.flatMap((_, dim) => {
    const indices = kept(axis(value, dim));
    return indices === undefined ? [] : [{ axis: dim, indices }];
  });
  const dims = tensor.dims.map((length, dim) => kept(axis(value, dim))?.length ?? length);
  const bytes = floatBytes(type, floats);
  const smaller = tensor.withData(dims, take(bytes, tensor.dims, bytes.byteLength / floats.length, keeps));
  const own =
    value.uses.size === 1 && !graph.isOutput(value) && node.inputs.filter((each) => each === value).length === 1;
  if (own) graph.setTensor(value, smaller);
  else graph.setInput(node, index, graph.addInitializer(value.name, smaller));
}

function rootMeanSquare(domain: string, opTypes: readonly string[], form: Form): OpRule {
  return {
    domain,
    opTypes,
    couple: (node) => coupleRootMeanSquare(node, form),
    repair: (node, kept, graph) => repairRootMeanSquare(node, form, kept, graph),
    scaling: (node) => scaleAndBias(node, -1, form.scale, undefined),
  };
}

/** onnxruntime registers SimplifiedLayerNormalization with ONNX's own operators. */
export const rootMeanSquareRules: readonly OpRule[] = [
  rootMeanSquare('', ['RMSNormalization', 'SimplifiedLayerNormalization'], PLAIN),
  rootMeanSquare('com.microsoft', ['SkipSimplifiedLayerNormalization'], SKIP),
];
