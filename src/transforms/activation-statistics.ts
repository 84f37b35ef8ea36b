import { append } from '../ir/append.ts';
import { intAttribute, intsAttribute } from '../ir/attributes.ts';
import { dataTypeNumber, isFloat } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import { cloneModel, type Model } from '../ir/model.ts';
import { Tensor } from '../ir/tensor.ts';
import { type Axis, dimsOf, elementTypeOf, type Value } from '../ir/value.ts';

/** What a layer reads, and the axis of its channels (from the end where negative). */
export type Site = Axis;

/** Names of the outputs that tell of one value: float32 or float64 vectors, one number per channel. */
export interface Probe {
  readonly value: Value;
  /** Mean over all other axes. */
  readonly mean: string;
  /** Mean of the squares over all other axes. */
  readonly meanSquare: string;
}

/** A model that gives statistics of what flows through it, besides its own outputs. */
export interface ProbedModel {
  readonly model: Model;
  /** In the order of the sites. */
  readonly probes: readonly Probe[];
}

/** Since this operator set ReduceMean takes its axes as an input. Source: ONNX's changelog of operators, ReduceMean-18. */
const AXES_AS_INPUT = 18;

/**
 * A copy of a model that computes, inside the runtime, the mean and the mean square of each channel of its sites' values.
 * Values of 16 bits are widened first. Left out are values inside bodies, values whose rank is unknown, integers, and
 * values of which two sites count different axes as channels.
 */
export function probeActivations(model: Model, sites: readonly Site[]): ProbedModel {
  const clone = cloneModel(model);
  const probes = [...channelAxes(model.graph, sites)].flatMap(([value, dim]) =>
    dim === undefined ? [] : [probeValue(clone.graph, clone.twinOf(value), value, dim)],
  );
  return { model: clone.model, probes };
}

/** The axis of each value that can be probed; undefined where two sites differ. */
function channelAxes(graph: Graph, sites: readonly Site[]): Map<Value, number | undefined> {
  const axes = new Map<Value, number | undefined>();
  for (const { value, dim } of sites) {
    const rank = dimsOf(value)?.length;
    const type = elementTypeOf(value);
    if (!graph.owns(value) || rank === undefined || !(isFloat(type) || type === 'undefined')) continue;
    const axis = dim < 0 ? dim + rank : dim;
    axes.set(value, axes.has(value) && axes.get(value) !== axis ? undefined : axis);
  }
  return axes;
}

function probeValue(graph: Graph, twin: Value, value: Value, dim: number): Probe {
  const add = (suffix: string, spec: NodeSpec): Value => append(graph, `${value.name}_${suffix}`, spec);
  const type = elementTypeOf(value);
  const isWide = type === 'float32' || type === 'float64';
  const to = [intAttribute('to', dataTypeNumber('float32'))];
  const wide = isWide ? twin : add('wide', { opType: 'Cast', inputs: [twin], attributes: to });
  const square = add('square', { opType: 'Mul', inputs: [wide, wide] });
  const axes = [...(dimsOf(value) ?? []).keys()];
  // In two steps, what lies behind the channels first: onnxruntime is slower where it reduces around an axis at once.
  const parts = [axes.slice(dim + 1), axes.slice(0, dim)].filter((part) => part.length > 0);
  const give = (suffix: string, from: Value): string => {
    const specs = parts.map((part) => (input: Value) => meanOver(graph, input, part));
    // A vector is its own mean, but an input or another output cannot be given out once more under another name.
    if (specs.length === 0) specs.push((input) => ({ opType: 'Identity', inputs: [input] }));
    const output = specs.reduce((input, spec) => add(suffix, spec(input)), from);
    graph.addOutput(output);
    return output.name;
  };
  return { value, mean: give('mean', wide), meanSquare: give('mean_square', square) };
}

/** ReduceMean over some axes, which are then gone. */
function meanOver(graph: Graph, input: Value, axes: readonly number[]): NodeSpec {
  const flat = intAttribute('keepdims', 0);
  if ((graph.scope.opsets.get('') ?? 1) < AXES_AS_INPUT) {
    return { opType: 'ReduceMean', inputs: [input], attributes: [intsAttribute('axes', axes), flat] };
  }
  const list = graph.addInitializer(`${input.name}_axes`, Tensor.ofIntegers(axes));
  return { opType: 'ReduceMean', inputs: [input, list], attributes: [flat] };
}
