import { append } from '../ir/append.ts';
import { int, intAttribute, ints, string } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { addToBiasInput, takesBiasInput } from './bias.ts';
import {
  axis,
  CouplingBuilder,
  contraction,
  countedLength,
  input,
  output,
  pinAll,
  pinValue,
  rankOf,
} from './coupling.ts';
import { convIntegers } from './integers.ts';
import type { Alternative, Coupling, InnerAxis, Kept, Layer, OpRule } from './rule.ts';

/**
 * Where a convolution has its operands: numbers of inputs, and the axis of the data and of the output that holds
 * channels.
 */
export interface ConvOperands {
  readonly data: number;
  /** Zero point of the data, where they are quantized. */
  readonly zero?: number;
  readonly weight: number;
  readonly bias?: number;
  readonly channel: number;
}

const PLAIN: ConvOperands = { data: 0, weight: 1, bias: 2, channel: 1 };

/** What a convolution does to channels: how many there are, in how many groups, and on which axes of the weight. */
interface Channels {
  readonly at: ConvOperands;
  readonly data: Value;
  readonly weight: Value;
  readonly bias: Value | undefined;
  readonly out: Value;
  readonly groups: number;
  readonly inputs: number;
  readonly outputs: number;
}

/** Axis of the group count inside a grouped convolution. */
function groupAxis(node: Node, length: number): InnerAxis {
  return { node, name: 'group', length };
}

const SPATIAL = 'it is spatial, not a channel axis';

function channelsOf(node: Node, at: ConvOperands): Channels | string {
  const data = input(node, at.data);
  const weight = input(node, at.weight);
  const out = output(node);
  const inputs = lengthOf(axis(data, at.channel));
  const outputs = lengthOf(axis(out, at.channel));
  if (rankOf(weight) === undefined || inputs === undefined || outputs === undefined)
    return `the number of channels at ${node.opType} is unknown`;
  const bias = at.bias === undefined ? undefined : node.inputs[at.bias];
  return { at, data, weight, bias, out, groups: int(node, 'group', 1), inputs, outputs };
}

/**
 * @param shared axis of the weight that holds all channels of one side, and which side:
 *   Conv's weight is [outputs, inputs / group, …], ConvTranspose's is [inputs, outputs / group, …]
 */
export function coupleConv(node: Node, shared: 'outputs' | 'inputs', at: ConvOperands = PLAIN): Coupling {
  const channels = channelsOf(node, at);
  if (typeof channels === 'string') return pinAll(node, channels);
  const { data, weight, bias, out, groups } = channels;
  const [dataAxis, outAxis] = [axis(data, at.channel), axis(out, at.channel)];
  const coupling = new CouplingBuilder();
  for (const value of [data, out]) coupling.pins.push(...pinValue(value, SPATIAL, (dim) => dim !== at.channel));
  coupling.pins.push(...pinValue(weight, 'it is the kernel size', (dim) => dim > 1));
  if (bias !== undefined) coupling.same(axis(bias, 0), outAxis);
  coupling.blocked.push(dataAxis, outAxis);
  // The zero of a quantized weight is another number than zero.
  const factor = axis(weight, shared === 'inputs' ? 0 : 1);
  const summed = contraction(at.data, at.channel, at.zero, at.zero === undefined ? [factor] : []);
  if (groups === 1) {
    const [inDim, outDim] = shared === 'outputs' ? [1, 0] : [0, 1];
    coupling.same(axis(weight, inDim), dataAxis).same(axis(weight, outDim), outAxis);
    coupling.contractions.push(summed);
    return coupling;
  }
  coupling.same(axis(weight, 0), shared === 'outputs' ? outAxis : dataAxis);
  if (channels.inputs === groups) {
    // Depthwise: a channel is a group, so nothing is summed over channels and each input channel owns its outputs.
    coupling.links.push(...wholeGroups(node, channels));
    return coupling;
  }
  coupling.contractions.push(summed);
  return { ...coupling, choices: [alternativesOf(node, channels, shared)] };
}

/** Whole groups leave: the group axis is the outer factor of the input channels and of the output channels. */
function wholeGroups(node: Node, { at, data, out, groups, inputs, outputs }: Channels): Alternative['links'] {
  const group = groupAxis(node, groups);
  return [
    { a: group, b: axis(data, at.channel), map: { kind: 'factor', outer: 1, inner: inputs / groups } },
    { a: group, b: axis(out, at.channel), map: { kind: 'factor', outer: 1, inner: outputs / groups } },
  ];
}

/**
 * Two ways to make a grouped convolution smaller: the same offset leaves every group (the operator has one width for
 * all groups), or whole groups leave. The finer one stands first, since finer choices keep more of what matters.
 */
function alternativesOf(node: Node, channels: Channels, shared: 'outputs' | 'inputs'): Alternative[] {
  const { at, data, weight, out, groups, inputs, outputs } = channels;
  const [whole, split] = shared === 'outputs' ? [out, data] : [data, out];
  const wholePerGroup = (shared === 'outputs' ? outputs : inputs) / groups;
  const splitPerGroup = (shared === 'outputs' ? inputs : outputs) / groups;
  const offsets: InnerAxis = { node, name: 'offset', length: wholePerGroup };
  const inside: Alternative = {
    links: [
      { a: axis(weight, 1), b: axis(split, at.channel), map: { kind: 'factor', outer: groups, inner: 1 } },
      { a: offsets, b: axis(whole, at.channel), map: { kind: 'factor', outer: groups, inner: 1 } },
    ],
    pins: [],
  };
  const across: Alternative = {
    links: wholeGroups(node, channels),
    pins: [{ axis: axis(weight, 1), reason: 'whole groups of this convolution leave, so the width of a group stays' }],
  };
  return Math.min(wholePerGroup, splitPerGroup) >= groups ? [inside, across] : [across, inside];
}

/** Writes the number of groups that stay where whole groups left. */
export function repairGroup(node: Node, kept: Kept, graph: Graph): void {
  const groups = int(node, 'group', 1);
  const length = groups === 1 ? undefined : kept(groupAxis(node, groups))?.length;
  if (length !== undefined) graph.setAttribute(node, intAttribute('group', length));
}

/**
 * Kernel elements times positions: the output's for Conv and, since each input position is spread, the input's for
 * ConvTranspose. Lengths that are open count as 1.
 */
export function convMacs(weight: Value, positionsOf: Value, channel = 1): number | undefined {
  const [kernel, positions] = [dimsOf(weight), dimsOf(positionsOf)];
  if (kernel === undefined || positions === undefined) return undefined;
  const places = positions.filter((_, dim) => dim !== channel);
  return [...places, ...kernel].reduce<number>((macs, dim) => macs * countedLength(dim), 1);
}

/**
 * A convolution as a linear layer; undefined where its channels are unknown, and for a transposed one in groups of more
 * than one channel, whose rows lie along two axes of the weight.
 */
export function convLayer(node: Node, shared: 'outputs' | 'inputs'): Layer | undefined {
  const channels = channelsOf(node, PLAIN);
  if (typeof channels === 'string') return undefined;
  const { data, weight, bias, out, groups, inputs, outputs } = channels;
  const isDepthwise = groups > 1 && inputs === groups;
  if (shared === 'inputs' && groups > 1 && !(isDepthwise && outputs === groups)) return undefined;
  const [rows, columns] = shared === 'outputs' || isDepthwise ? [0, 1] : [1, 0];
  return {
    data: axis(data, 1),
    out: axis(out, 1),
    weight,
    rows,
    columns: isDepthwise ? undefined : columns,
    groups,
    gain: 1,
    bias: { value: bias, gain: 1 },
    isEven: !readsBeyondBorder(node, weight) && (shared === 'outputs' || isPointwise(node, weight)),
  };
}

/** Whether positions beyond the border are read, as zeros. */
function readsBeyondBorder(node: Node, weight: Value): boolean {
  const auto = string(node, 'auto_pad', 'NOTSET');
  const pads = ints(node, 'pads') ?? [];
  if (auto === 'NOTSET' || auto === '') return pads.some((pad) => pad !== 0);
  return auto !== 'VALID' && !isPointwise(node, weight);
}

/** Whether each position of the output comes of one position of the data. */
function isPointwise(node: Node, weight: Value): boolean {
  const kernel = dimsOf(weight)?.slice(2) ?? [undefined];
  const strides = ints(node, 'strides') ?? [];
  const extra = ints(node, 'output_padding') ?? [];
  return (
    kernel.every((length) => length === 1) && strides.every((each) => each === 1) && extra.every((each) => each === 0)
  );
}

/** What shapes the window that a convolution moves over its data. */
const WINDOW = ['auto_pad', 'dilations', 'kernel_shape', 'pads', 'strides'] as const;

/**
 * The numbers under the kernel at each position, channel by channel: a convolution that takes every channel by itself with
 * kernels that are 1 at one place and 0 elsewhere, so that borders, strides and dilations are the operator's own.
 */
function convPatches(node: Node, data: Value, graph: Graph): Value | undefined {
  const channels = lengthOf(axis(input(node, 0), 1));
  const kernel = dimsOf(input(node, 1))?.slice(2);
  if (channels === undefined || kernel === undefined || !kernel.every((length) => typeof length === 'number'))
    return undefined;
  const size = kernel.reduce((product, length) => product * length, 1);
  const ones = new Float32Array(channels * size * size);
  for (let row = 0; row < channels * size; row++) ones[row * size + (row % size)] = 1;
  const name = `${data.name}_patches`;
  const weight = graph.addInitializer(`${name}_kernels`, Tensor.ofFloats(ones, [channels * size, 1, ...kernel]));
  const window = WINDOW.flatMap((key) => node.attributes.get(key)?.proto ?? []);
  const attributes = [...window, intAttribute('group', channels)];
  return append(graph, name, { opType: 'Conv', inputs: [data, weight], attributes });
}

/** Convolution over any number of spatial axes, plain, grouped or depthwise. */
const conv: OpRule = {
  domain: '',
  opTypes: ['Conv'],
  couple: (node) => coupleConv(node, 'outputs'),
  repair: repairGroup,
  macs: (node) => convMacs(input(node, 1), output(node)),
  layer: (node) => convLayer(node, 'outputs'),
  patches: (node, data, graph) =>
    isPointwise(node, input(node, 1)) && !readsBeyondBorder(node, input(node, 1))
      ? data
      : convPatches(node, data, graph),
  takesBias: (node) => takesBiasInput(node, lengthOf(axis(output(node), 1))),
  addBias: (node, amounts, graph) => addToBiasInput(node, amounts, graph),
  integers: convIntegers,
};

/** Transposed convolution: the weight's axes are [inputs, outputs / group, …]. */
const convTranspose: OpRule = {
  domain: '',
  opTypes: ['ConvTranspose'],
  couple: (node) => coupleConv(node, 'inputs'),
  repair: repairGroup,
  macs: (node) => convMacs(input(node, 1), input(node, 0)),
  layer: (node) => convLayer(node, 'inputs'),
  takesBias: (node) => takesBiasInput(node, lengthOf(axis(output(node), 1))),
  addBias: (node, amounts, graph) => addToBiasInput(node, amounts, graph),
};

export const convRules: readonly OpRule[] = [conv, convTranspose];
