import { OnnxPruneError, present } from '../errors.ts';
import { append, asFloat32 } from '../ir/append.ts';
import { intAttribute, intsAttribute } from '../ir/attributes.ts';
import type { Extract } from '../ir/extract.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { Tensor } from '../ir/tensor.ts';
import { type Axis, dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import type { Histogram } from '../numeric/histogram.ts';
import type { Activations } from '../recover/activations.ts';
import { give, lookInParts, type PartOptions } from './parts.ts';

/** Since this operator set the axes of ReduceMax and ReduceMean are inputs. Source: ONNX's changelog of operators. */
const AXES_AS_INPUT = 18;

/**
 * How the elements of values of a model are spread over calibration data.
 *
 * @returns the histograms of the values of the model's own graph that data flow through as float32, float64 or float16: not of
 *   constants, nor of values in bodies
 * @throws OnnxPruneError `bad-data` naming a value that becomes NaN or infinite
 */
export async function measureHistograms(
  model: Model,
  values: readonly Value[],
  activations: Activations,
  options: PartOptions = {},
): Promise<ReadonlyMap<Value, Histogram>> {
  const found = new Map<Value, Histogram>();
  await lookInParts(model, values, activations, options, (part, value) => {
    const name = give(part.model.graph, outputOf(part, value));
    return {
      spread: [name],
      most: [],
      read: ({ histograms }) => {
        const histogram = present(histograms.get(name), `the histogram of ${value.name}`);
        if (histogram.nonFinite > 0) throw notFinite(value);
        found.set(value, histogram);
      },
    };
  });
  return found;
}

/**
 * The largest magnitude that each channel of values of a model has over calibration data, reduced by the runtime.
 *
 * @param axes one of each value: that of its channels, which has the same length in all batches
 * @returns the magnitudes [channels] of the values that `measureHistograms` measures and whose rank is known
 * @throws OnnxPruneError `bad-data` naming a value that becomes NaN or infinite
 */
export async function measurePeaks(
  model: Model,
  axes: readonly Axis[],
  activations: Activations,
  options: PartOptions = {},
): Promise<ReadonlyMap<Value, Float64Array>> {
  const found = new Map<Value, Float64Array>();
  const others = new Map(axes.flatMap((axis) => otherAxes(axis)));
  await lookInParts(model, others.keys(), activations, options, ({ model: { graph }, twinOf }, value) => {
    const twin = twinOf(value);
    const exact = elementTypeOf(value) === 'float64' ? twin : asFloat32(graph, twin);
    const magnitude = append(graph, 'magnitude', { opType: 'Abs', inputs: [exact] });
    const over = others.get(value) ?? [];
    const peak = give(graph, reduced(graph, 'ReduceMax', magnitude, over));
    // The largest of several need not be NaN where one of them is, but their mean is.
    const mean = give(graph, reduced(graph, 'ReduceMean', magnitude, over));
    return {
      spread: [],
      most: [peak, mean],
      read: ({ most }) => {
        const peaks = present(most.get(peak), `the peaks of ${value.name}`);
        const means = present(most.get(mean), `the means of ${value.name}`);
        if (means.some(Number.isNaN) || !peaks.every(Number.isFinite)) throw notFinite(value);
        found.set(value, peaks);
      },
    };
  });
  return found;
}

/** A value and its axes but one, where its rank is known. */
function otherAxes({ value, dim }: Axis): [Value, readonly number[]][] {
  const dims = dimsOf(value);
  return dims === undefined ? [] : [[value, [...dims.keys()].filter((each) => each !== dim)]];
}

/** A value of a part as one that can be given out: an input of it cannot, but a copy can. */
function outputOf({ model: { graph }, twinOf, inputs }: Extract, value: Value): Value {
  if (!inputs.includes(value)) return twinOf(value);
  return append(graph, 'copy', { opType: 'Identity', inputs: [twinOf(value)] });
}

/** Reduces a value over axes. */
function reduced(graph: Graph, opType: 'ReduceMax' | 'ReduceMean', value: Value, axes: readonly number[]): Value {
  // No axes would mean all of them.
  if (axes.length === 0) return append(graph, 'reduced', { opType: 'Identity', inputs: [value] });
  const keep = intAttribute('keepdims', 0);
  if ((graph.scope.opsets.get('') ?? 1) < AXES_AS_INPUT)
    return append(graph, 'reduced', { opType, inputs: [value], attributes: [intsAttribute('axes', axes), keep] });
  const list = graph.addInitializer('axes', Tensor.ofIntegers(axes));
  return append(graph, 'reduced', { opType, inputs: [value, list], attributes: [keep] });
}

function notFinite({ name }: Value): OnnxPruneError {
  return new OnnxPruneError(
    'bad-data',
    name,
    `On the calibration data "${name}" becomes NaN or infinite, so it has no range; look for such numbers in the data, or try the data that the model was made for.`,
  );
}
