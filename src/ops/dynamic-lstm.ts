import { present } from '../errors.ts';
import { int, intAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { transposeCodes } from '../numeric/pack-codes.ts';
import { whyNotRounded } from './constant-product.ts';
import { axis, input } from './coupling.ts';
import type { RoundedForm, RoundedMatrix, WeightMatrix } from './rounded-form.ts';
import { int8Tensor } from './rounded-product.ts';
import type { SharedValues } from './shared-values.ts';

/** The first LSTM that onnxruntime runs. */
const SINCE = 7;
/** How many inputs LSTM has at most; behind them come the scales and zero points. */
const INPUTS = 8;
/** Attributes that DynamicQuantizeLSTM lacks, and that are given where they say what it does anyway. */
const LACKING: readonly string[] = ['layout', 'output_sequence'];

/**
 * LSTM with W and R as integers, X rounded by the range of all its elements and the state by its own at each step:
 * com.microsoft.DynamicQuantizeLSTM, with W [directions, inputs, 4 · hidden], R [directions, hidden, 4 · hidden] and a scale for
 * each gate's number. All else is as LSTM has it.
 * Source: onnxruntime ContribOperators.md, com.microsoft.DynamicQuantizeLSTM, and dynamic_quantize_lstm.cc on shapes.
 * @returns why not, where W or R is no constant of float32, or the batch comes first
 */
export function dynamicLstm(node: Node): RoundedForm | string {
  const [w, r] = [input(node, 1), input(node, 2)];
  const hidden = lengthOf(axis(r, 2));
  const why = whyNotRounded(w) ?? whyNotRounded(r);
  if (why !== undefined) return why;
  if (int(node, 'layout', 0) !== 0) return 'DynamicQuantizeLSTM takes no sequences with the batch first';
  if (hidden === undefined) return 'its sizes are unknown';
  const apply: RoundedForm['apply'] = (graph, [ofW, ofR], shared) => {
    const directions = lengthOf(axis(w, 0)) ?? 1;
    const gates = { directions, each: 4 * hidden };
    const rounded = [integersOf(graph, w, ofW, gates, shared), integersOf(graph, r, ofR, gates, shared)];
    const before = Array.from({ length: INPUTS }, (_, index) => rounded[index - 1]?.integers ?? node.inputs[index]);
    const inputs = [...before, ...rounded.flatMap(({ scales, zeros }) => [scales, zeros])];
    const attributes = [...node.attributes.values()].filter(({ proto }) => !LACKING.includes(proto.name ?? ''));
    if (!node.attributes.has('hidden_size'))
      attributes.push({ proto: intAttribute('hidden_size', hidden), graphs: [] });
    const outputs = graph.takeOutputs(node);
    const proto = { opType: 'DynamicQuantizeLSTM', domain: 'com.microsoft', name: node.name };
    graph.insertNode(proto, inputs, outputs, attributes);
  };
  return { since: SINCE, imports: { domain: 'com.microsoft', version: 1 }, weights: [matrixOf(w), matrixOf(r)], apply };
}

/** W or R [directions, 4 · hidden, columns]: the rows of all directions one after the other. */
function matrixOf(weight: Value): WeightMatrix {
  const [directions = 0, rows = 0, columns = 0] = weight.tensor?.dims ?? [];
  return { weight, rows: directions * rows, columns, rowStep: columns, columnStep: 1 };
}

/** Integers, scales and zero points as the operator takes them: zero points have to be there, and zero. */
function integersOf(
  graph: Graph,
  weight: Value,
  rounded: RoundedMatrix | undefined,
  { directions, each }: { readonly directions: number; readonly each: number },
  shared: SharedValues,
): { readonly integers: Value; readonly scales: Value; readonly zeros: Value } {
  const { codes, scales } = present(rounded, 'the rounded weight');
  const columns = codes.length / (directions * each);
  const dims = [directions, each];
  const place = (source: object, as: string, make: () => Tensor): Value =>
    shared.of(graph, source, `${as} for an LSTM`, () => graph.addInitializer(`${weight.name}_${as}`, make()));
  return {
    integers: place(codes, 'int8', () => {
      const size = each * columns;
      const transposed = new Int8Array(codes.length);
      for (let from = 0; from < codes.length; from += size)
        transposed.set(transposeCodes(codes.subarray(from, from + size), each, columns), from);
      return int8Tensor([directions, columns, each], transposed);
    }),
    scales: place(scales, 'scale', () => Tensor.ofFloats(scales, dims)),
    zeros: place(scales, 'zero', () => int8Tensor(dims, new Int8Array(directions * each))),
  };
}
