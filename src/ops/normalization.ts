import { float, int, intAttribute, ints } from '../ir/attributes.ts';
import { isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, lengthOf } from '../ir/value.ts';
import {
  axis,
  CouplingBuilder,
  input,
  isRanked,
  output,
  passAxes,
  pinAll,
  pinUnranked,
  pinValue,
  rankOf,
} from './coupling.ts';
import { fromFront } from './parameters.ts';
import type { Coupling, InnerAxis, OpRule, Passage, Pin, Scaling } from './rule.ts';

/** Channels on axis 1 pass one by one; the parameters are vectors over them. */
function couplePerChannel(node: Node, vectors: readonly number[]): CouplingBuilder {
  const [data, out] = [input(node, 0), output(node)];
  const coupling = new CouplingBuilder();
  const rank = rankOf(data) ?? 0;
  for (let dim = 0; dim < rank; dim++) coupling.same(axis(data, dim), axis(out, dim));
  for (const index of vectors) {
    const vector = node.inputs[index];
    if (vector !== undefined) coupling.same(axis(vector, 0), axis(out, 1));
  }
  const gain = node.inputs[1];
  if (gain !== undefined) coupling.gains.push(axis(gain, 0));
  return coupling;
}

function unknownRank(node: Node): boolean {
  return rankOf(input(node, 0)) === undefined || rankOf(output(node)) === undefined;
}

/** y = scale · (x − mean) / √(variance + ε) + bias, as a gain and an offset. Source: ONNX operator BatchNormalization. */
function batchNormalizationPassage(node: Node): Passage | undefined {
  const parameters = [1, 2, 3, 4].map((index) => node.inputs[index]?.tensor);
  const length = parameters[0]?.size ?? 0;
  if (!parameters.every((tensor) => tensor !== undefined && isFloat(tensor.type) && tensor.size === length))
    return undefined;
  const [scale, bias, mean, variance] = parameters.map((tensor) => tensor?.floats() ?? new Float32Array(0));
  const epsilon = float(node, 'epsilon', 1e-5);
  const [gain, offset] = [new Float64Array(length), new Float64Array(length)];
  for (let i = 0; i < length; i++) {
    gain[i] = Number(scale?.[i]) / Math.sqrt(Number(variance?.[i]) + epsilon);
    offset[i] = Number(bias?.[i]) - Number(mean?.[i]) * (gain[i] as number);
  }
  return { kind: 'affine', dim: 1, gain, offset };
}

/**
 * The scale and the bias that a normalization multiplies by and adds at last, each a vector over an axis of the output.
 * @param dim the axis of the output, from behind where it is negative
 * @param bias the number of the input; undefined where the operator has none
 */
export function scaleAndBias(node: Node, dim: number, scale: number, bias: number | undefined): Scaling | undefined {
  const rank = rankOf(output(node));
  if (rank === undefined) return undefined;
  const out = axis(output(node), fromFront(dim, rank));
  const length = lengthOf(out);
  const alongLast = (index: number): number | undefined => {
    const own = node.inputs[index];
    const last = own && (rankOf(own) ?? 0) - 1;
    return own !== undefined && last !== undefined && lengthOf(axis(own, last)) === length ? last : undefined;
  };
  const gain = alongLast(scale);
  if (length === undefined || gain === undefined) return undefined;
  const inputs: Scaling['inputs'][number][] = [{ input: scale, dim: gain, role: 'gain' }];
  if (bias === undefined || node.inputs[bias] === undefined) return { out, inputs };
  const offset = alongLast(bias);
  if (offset === undefined) return undefined;
  return { out, inputs: [...inputs, { input: bias, dim: offset, role: 'offset' }] };
}

const batchNormalization: OpRule = {
  domain: '',
  opTypes: ['BatchNormalization'],
  couple(node) {
    if (unknownRank(node)) return pinUnranked(node);
    if (int(node, 'training_mode', 0) !== 0 || node.outputs.length > 1)
      return pinAll(node, 'BatchNormalization is in training mode');
    return couplePerChannel(node, [1, 2, 3, 4]);
  },
  passage: batchNormalizationPassage,
  affine(node, input, dim) {
    const passage = batchNormalizationPassage(node);
    return passage?.kind === 'affine' && passage.dim === dim && input === 0 ? passage : undefined;
  },
  scaling: (node) =>
    int(node, 'training_mode', 0) !== 0 || node.outputs.length > 1 ? undefined : scaleAndBias(node, 1, 1, 2),
};

const instanceNormalization: OpRule = {
  domain: '',
  opTypes: ['InstanceNormalization'],
  couple(node) {
    if (unknownRank(node)) return pinUnranked(node);
    const coupling = couplePerChannel(node, [1, 2]);
    coupling.pins.push(
      ...pinValue(input(node, 0), 'InstanceNormalization takes its statistics over it', (dim) => dim > 1),
    );
    return coupling;
  },
  scaling: (node) => scaleAndBias(node, 1, 1, 2),
};

/** The groups of channels that share their statistics. */
function channelGroups(node: Node): InnerAxis {
  return { node, name: 'group', length: int(node, 'num_groups', 1) };
}

/**
 * Channels lie in groups of one size, each with statistics of its own, so whole groups leave and the others are what they
 * were. Scale and bias are vectors over groups in opset 18 and over channels since 21.
 * Source: ONNX operator GroupNormalization.
 */
const groupNormalization: OpRule = {
  domain: '',
  opTypes: ['GroupNormalization'],
  couple(node) {
    const [data, out] = [input(node, 0), output(node)];
    if (!isRanked(node)) return pinUnranked(node);
    const channels = lengthOf(axis(data, 1));
    if (channels === undefined) return pinAll(node, 'the number of channels at GroupNormalization is unknown');
    const groups = channelGroups(node);
    const coupling = new CouplingBuilder();
    passAxes(coupling, data, out);
    const map = { kind: 'factor', outer: 1, inner: channels / groups.length } as const;
    coupling.links.push({ a: groups, b: axis(data, 1), map });
    for (const parameter of [input(node, 1), input(node, 2)])
      coupling.same(axis(parameter, 0), node.opset < 21 ? groups : axis(out, 1));
    coupling.gains.push(axis(input(node, 1), 0));
    coupling.pins.push(...pinValue(data, 'GroupNormalization takes its statistics over it', (dim) => dim > 1));
    if (groups.length === 1)
      coupling.approximate.push({ axis: axis(data, 1), reason: 'GroupNormalization mixes its channels' });
    return coupling;
  },
  repair(node, kept, graph) {
    const left = kept(channelGroups(node));
    if (left !== undefined) graph.setAttribute(node, intAttribute('num_groups', left.length));
  },
  scaling: (node) => (node.opset < 21 ? undefined : scaleAndBias(node, 1, 1, 2)),
};

/** Axes pass one by one, but on some the operator mixes statistics over all positions. */
export function coupleMixed(node: Node, mixes: (dim: number, rank: number) => boolean): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const rank = rankOf(data);
  if (rank === undefined || rankOf(out) !== rank) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const approximate: Pin[] = [];
  for (let dim = 0; dim < rank; dim++) {
    coupling.same(axis(data, dim), axis(out, dim));
    if (mixes(dim, rank)) approximate.push({ axis: axis(data, dim), reason: `${node.opType} mixes its channels` });
  }
  return { ...coupling, approximate };
}

const layerNormalization: OpRule = {
  domain: '',
  opTypes: ['LayerNormalization'],
  couple(node) {
    const rank = rankOf(input(node, 0)) ?? 0;
    const first = fromFront(int(node, 'axis', -1), rank);
    const coupling = coupleMixed(node, (dim) => dim >= first);
    if (rank === 0) return coupling;
    const links = [...coupling.links];
    for (const parameter of node.inputs.slice(1)) {
      const offset = rank - (parameter === undefined ? 0 : (rankOf(parameter) ?? 0));
      (parameter && dimsOf(parameter))?.forEach((length, dim) => {
        if (parameter !== undefined && length !== 1)
          links.push({ a: axis(parameter, dim), b: axis(output(node), dim + offset), map: { kind: 'same' } });
      });
    }
    // Mean and inverse deviation, the optional further outputs, have length 1 along the mixed axes.
    const pins = node.outputs
      .slice(1)
      .flatMap((extra) => (extra === undefined ? [] : pinValue(extra, `${node.opType} gives its statistics out`)));
    return { ...coupling, links, pins };
  },
  scaling: (node) => scaleAndBias(node, -1, 1, 2),
  optionalOutputs: [1, 2],
};

/** The first input passes; every axis from `axis` on is mixed before opset 13, only `axis` itself since. */
const softmax: OpRule = {
  domain: '',
  opTypes: ['Softmax', 'LogSoftmax', 'Hardmax'],
  couple(node) {
    const coerces = node.opset < 13;
    const wish = int(node, 'axis', coerces ? 1 : -1);
    return coupleMixed(node, (dim, rank) => (coerces ? dim >= fromFront(wish, rank) : dim === fromFront(wish, rank)));
  },
};

const localResponse: OpRule = {
  domain: '',
  opTypes: ['LRN'],
  couple: (node) => coupleMixed(node, (dim) => dim === 1),
};

/**
 * Its axes are 0, 2 and 3 unless said otherwise, which leaves channels apart. Before opset 9, when it was experimental,
 * an attribute said whether channels are mixed too.
 */
const meanVariance: OpRule = {
  domain: '',
  opTypes: ['MeanVarianceNormalization'],
  couple(node) {
    const axes = ints(node, 'axes') ?? (int(node, 'across_channels', 0) !== 0 ? [0, 1, 2, 3] : [0, 2, 3]);
    return coupleMixed(node, (dim, rank) => axes.some((each) => fromFront(each, rank) === dim));
  },
};

/** x / ‖x‖ₚ: the norm is a sum, to which masked positions add nothing, so cutting is exact. */
const lpNormalization: OpRule = {
  domain: '',
  opTypes: ['LpNormalization'],
  couple(node) {
    const coupling = coupleMixed(node, () => false);
    const rank = rankOf(input(node, 0));
    if (rank === undefined) return coupling;
    return { ...coupling, contractions: [{ input: 0, dim: fromFront(int(node, 'axis', -1), rank) }] };
  },
};

export const normalizationRules: readonly OpRule[] = [
  batchNormalization,
  instanceNormalization,
  groupNormalization,
  layerNormalization,
  softmax,
  localResponse,
  meanVariance,
  lpNormalization,
];
