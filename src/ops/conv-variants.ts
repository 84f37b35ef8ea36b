import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf } from '../ir/value.ts';
import { convMacs, coupleConv, repairGroup } from './conv.ts';
import { axis, input, output, pinUnranked, pinValue, rankOf, same } from './coupling.ts';
import type { Coupling, InnerAxis, OpRule } from './rule.ts';

/**
 * X [N, C, H, W], W [M, C / group, kH, kW], offset [N, offset_group · kH · kW · 2, H', W'], B [M],
 * mask [N, offset_group · kH · kW, H', W']. Each of the offset groups of channels is looked up in places of its own,
 * so all of them keep the same number of channels.
 * Source: ONNX operator DeformConv, after torchvision.ops.deform_conv2d.
 */
function coupleDeformConv(node: Node): Coupling {
  const coupling = coupleConv(node, 'outputs', { data: 0, weight: 1, bias: 3, channel: 1 });
  const data = input(node, 0);
  const channels = lengthOf(axis(data, 1));
  if (channels === undefined || coupling.links.length === 0) return coupling;
  const pins = [...coupling.pins];
  for (const value of [node.inputs[2], node.inputs[4]]) {
    if (value !== undefined) pins.push(...pinValue(value, 'it says where DeformConv looks'));
  }
  const groups = int(node, 'offset_group', 1);
  if (groups === 1) return { ...coupling, pins };
  const offsets: InnerAxis = { node, name: 'channel of an offset group', length: channels / groups };
  const even = { a: offsets, b: axis(data, 1), map: { kind: 'factor', outer: groups, inner: 1 } } as const;
  return { ...coupling, pins, links: [...coupling.links, even] };
}

const deformConv: OpRule = {
  domain: '',
  opTypes: ['DeformConv'],
  couple: coupleDeformConv,
  repair: repairGroup,
  macs: (node) => convMacs(input(node, 1), output(node)),
};

/** Activation(Conv(X, W, B) + Z), as the runtime writes it into optimised models; Z has the shape of the output. */
const fusedConv: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['FusedConv'],
  couple(node) {
    const coupling = coupleConv(node, 'outputs');
    const added = node.inputs[3];
    if (added === undefined || coupling.links.length === 0) return coupling;
    if (rankOf(added) !== rankOf(output(node))) return pinUnranked(node);
    return { ...coupling, links: [...coupling.links, same(axis(added, 1), axis(output(node), 1))] };
  },
  repair: repairGroup,
  macs: (node) => convMacs(input(node, 1), output(node)),
};

export const convVariantRules: readonly OpRule[] = [deformConv, fusedConv];
