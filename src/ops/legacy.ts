import { floatsAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { axis, CouplingBuilder, input, isRanked, output, passAxes, pinUnranked } from './coupling.ts';
import type { Coupling, InnerAxis, OpRule } from './rule.ts';

/** Elements pass one by one. */
function coupleElements(node: Node): CouplingBuilder {
  const coupling = new CouplingBuilder();
  passAxes(coupling, input(node, 0), output(node));
  return coupling;
}

/**
 * Functions of each element with numbers from attributes.
 * Source: the experimental operators that ONNX had up to 1.4, which converters of Core ML and Caffe2 models wrote and the
 * runtime still has.
 */
const functions: OpRule = {
  domain: '',
  opTypes: ['Affine', 'ParametricSoftplus', 'ScaledTanh', 'Scale'],
  couple: (node) => (isRanked(node) ? coupleElements(node) : pinUnranked(node)),
};

/** The channels that ImageScaler adds its biases to, which are an attribute. */
function biasedChannels(node: Node): InnerAxis {
  return { node, name: 'biases', length: node.attributes.get('bias')?.proto.floats?.length ?? 0 };
}

/** image [N, C, H, W] · scale + bias of the channel. */
const imageScaler: OpRule = {
  domain: '',
  opTypes: ['ImageScaler'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    return coupleElements(node).same(biasedChannels(node), axis(input(node, 0), 1));
  },
  repair(node, kept, graph) {
    const stay = kept(biasedChannels(node));
    const biases = node.attributes.get('bias')?.proto.floats ?? [];
    if (stay === undefined) return;
    graph.setAttribute(
      node,
      floatsAttribute(
        'bias',
        stay.map((channel) => biases[channel] ?? 0),
      ),
    );
  },
};

/** image [N, C, H, W] without a border of pixels. */
const crop: OpRule = {
  domain: '',
  opTypes: ['Crop'],
  couple(node): Coupling {
    if (!isRanked(node)) return pinUnranked(node);
    const coupling = new CouplingBuilder();
    passAxes(coupling, input(node, 0), output(node), (dim) => (dim > 1 ? 'Crop cuts pixels off it' : undefined));
    return coupling;
  },
};

export const legacyRules: readonly OpRule[] = [functions, imageScaler, crop];
