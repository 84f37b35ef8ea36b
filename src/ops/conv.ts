import { int, intAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf, lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, countedLength, input, output, pinAll, pinValue, rankOf } from './coupling.ts';
import type { Alternative, Coupling, InnerAxis, OpRule } from './rule.ts';

/** What a convolution does to channels: how many there are, in how many groups, and on which axes of the weight. */
interface Channels {
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

function channelsOf(node: Node): Channels | string {
  const data = input(node, 0);
  const weight = input(node, 1);
  const out = output(node);
  const inputs = lengthOf(axis(data, 1));
  const outputs = lengthOf(axis(out, 1));
  if (rankOf(weight) === undefined || inputs === undefined || outputs === undefined)
    return `the number of channels at ${node.opType} is unknown`;
  return { data, weight, bias: node.inputs[2], out, groups: int(node, 'group', 1), inputs, outputs };
}

/**
 * @param shared axis of the weight that holds all channels of one side, and which side:
 *   Conv's weight is [outputs, inputs / group, …], ConvTranspose's is [inputs, outputs / group, …]
 */
function coupleConv(node: Node, shared: 'outputs' | 'inputs'): Coupling {
  const channels = channelsOf(node);
  if (typeof channels === 'string') return pinAll(node, channels);
  const { data, weight, bias, out, groups } = channels;
  const coupling = new CouplingBuilder();
  coupling.pins.push(...pinValue(data, SPATIAL, (dim) => dim !== 1), ...pinValue(out, SPATIAL, (dim) => dim !== 1));
  coupling.pins.push(...pinValue(weight, 'it is the kernel size', (dim) => dim > 1));
  if (bias !== undefined) coupling.same(axis(bias, 0), axis(out, 1));
  coupling.blocked.push(axis(data, 1), axis(out, 1));
  if (groups === 1) {
    const [inAxis, outAxis] = shared === 'outputs' ? [1, 0] : [0, 1];
    coupling.same(axis(weight, inAxis), axis(data, 1)).same(axis(weight, outAxis), axis(out, 1));
    coupling.contractions.push({ input: 0, dim: 1 });
    return coupling;
  }
  coupling.same(axis(weight, 0), shared === 'outputs' ? axis(out, 1) : axis(data, 1));
  if (channels.inputs === groups) {
    // Depthwise: a channel is a group, so nothing is summed over channels and each input channel owns its outputs.
    coupling.links.push(...wholeGroups(node, channels));
    return coupling;
  }
  coupling.contractions.push({ input: 0, dim: 1 });
  return { ...coupling, choices: [alternativesOf(node, channels, shared)] };
}

/** Whole groups leave: the group axis is the outer factor of the input channels and of the output channels. */
function wholeGroups(node: Node, { data, out, groups, inputs, outputs }: Channels): Alternative['links'] {
  const group = groupAxis(node, groups);
  return [
    { a: group, b: axis(data, 1), map: { kind: 'factor', outer: 1, inner: inputs / groups } },
    { a: group, b: axis(out, 1), map: { kind: 'factor', outer: 1, inner: outputs / groups } },
  ];
}

/**
 * Two ways to make a grouped convolution smaller: the same offset leaves every group (the operator has one width for
 * all groups), or whole groups leave. The finer one stands first, since finer choices keep more of what matters.
 */
function alternativesOf(node: Node, channels: Channels, shared: 'outputs' | 'inputs'): Alternative[] {
  const { data, weight, out, groups, inputs, outputs } = channels;
  const [whole, split] = shared === 'outputs' ? [out, data] : [data, out];
  const wholePerGroup = (shared === 'outputs' ? outputs : inputs) / groups;
  const splitPerGroup = (shared === 'outputs' ? inputs : outputs) / groups;
  const offsets: InnerAxis = { node, name: 'offset', length: wholePerGroup };
  const inside: Alternative = {
    links: [
      { a: axis(weight, 1), b: axis(split, 1), map: { kind: 'factor', outer: groups, inner: 1 } },
      { a: offsets, b: axis(whole, 1), map: { kind: 'factor', outer: groups, inner: 1 } },
    ],
    pins: [],
  };
  const across: Alternative = {
    links: wholeGroups(node, channels),
    pins: [{ axis: axis(weight, 1), reason: 'whole groups of this convolution leave, so the width of a group stays' }],
  };
  return Math.min(wholePerGroup, splitPerGroup) >= groups ? [inside, across] : [across, inside];
}

function repairGroup(node: Node, kept: (place: InnerAxis) => readonly number[] | undefined): number | undefined {
  const groups = int(node, 'group', 1);
  return groups === 1 ? undefined : kept(groupAxis(node, groups))?.length;
}

/**
 * Kernel elements times positions: the output's for Conv and, since each input position is spread, the input's for
 * ConvTranspose. Lengths that are open count as 1.
 */
function macsOf(node: Node, positionsOf: Value): number | undefined {
  const weight = dimsOf(input(node, 1));
  const positions = dimsOf(positionsOf);
  if (weight === undefined || positions === undefined) return undefined;
  const [batch, , ...spatial] = positions;
  return [batch, ...weight, ...spatial].reduce<number>((macs, dim) => macs * countedLength(dim), 1);
}

/** Convolution over any number of spatial axes, plain, grouped or depthwise. */
const conv: OpRule = {
  domain: '',
  opTypes: ['Conv'],
  couple: (node) => coupleConv(node, 'outputs'),
  repair(node, kept, graph) {
    const groups = repairGroup(node, kept);
    if (groups !== undefined) graph.setAttribute(node, intAttribute('group', groups));
  },
  macs: (node) => macsOf(node, output(node)),
};

/** Transposed convolution: the weight's axes are [inputs, outputs / group, …]. */
const convTranspose: OpRule = {
  domain: '',
  opTypes: ['ConvTranspose'],
  couple: (node) => coupleConv(node, 'inputs'),
  repair(node, kept, graph) {
    const groups = repairGroup(node, kept);
    if (groups !== undefined) graph.setAttribute(node, intAttribute('group', groups));
  },
  macs: (node) => macsOf(node, input(node, 0)),
};

export const convRules: readonly OpRule[] = [conv, convTranspose];
