import { int } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { axis, CouplingBuilder, input, isRanked, output, passAxes, pinAll, pinUnranked, rankOf } from './coupling.ts';
import { fromFront, intsParameter } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/** One axis is worked on and stays; positions of the others pass, each for itself. */
function coupleOthers(node: Node, along: number, reason: string): Coupling {
  if (!isRanked(node)) return pinUnranked(node);
  const data = input(node, 0);
  const held = fromFront(along, rankOf(data) ?? 0);
  const coupling = new CouplingBuilder();
  for (const out of node.outputs) {
    if (out !== undefined) passAxes(coupling, data, out, (dim) => (dim === held ? reason : undefined));
  }
  return coupling;
}

/** The k largest or smallest positions and where they were: values and positions are as many as were asked for. */
const topK: OpRule = {
  domain: '',
  opTypes: ['TopK'],
  couple: (node) => coupleOthers(node, int(node, 'axis', -1), 'TopK takes the largest positions of it'),
};

/** An axis given by a constant scalar; undefined where it is computed at run time. */
function axisInput(node: Node, index: number, fallback: number): number | undefined {
  const given = intsParameter(node, { attribute: '', input: index });
  return given === undefined ? fallback : given === 'dynamic' ? undefined : given[0];
}

/** Position j is the sum of those up to j: a masked one adds nothing to those that stay, so cutting is exact. */
const cumSum: OpRule = {
  domain: '',
  opTypes: ['CumSum'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const along = axisInput(node, 1, 0);
    if (along === undefined) return pinAll(node, 'the axis of CumSum is computed at run time');
    const coupling = new CouplingBuilder();
    passAxes(coupling, input(node, 0), output(node));
    coupling.contractions.push({ input: 0, dim: fromFront(along, rankOf(input(node, 0)) ?? 0) });
    return coupling;
  },
};

/** Position j is the product of those up to j, all of which a masked one would turn to zero. */
const cumProd: OpRule = {
  domain: '',
  opTypes: ['CumProd'],
  couple(node) {
    const along = axisInput(node, 1, 0);
    if (along === undefined) return pinAll(node, 'the axis of CumProd is computed at run time');
    return coupleOthers(node, along, 'CumProd over it would give another result without a position');
  },
};

/** The first positions of each sample in reverse order, as many as sequence_lens [batch] says. */
const reverseSequence: OpRule = {
  domain: '',
  opTypes: ['ReverseSequence'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const coupling = new CouplingBuilder();
    const steps = int(node, 'time_axis', 0);
    const reason = 'ReverseSequence turns it round';
    passAxes(coupling, input(node, 0), output(node), (dim) => (dim === steps ? reason : undefined));
    return coupling.same(axis(input(node, 1), 0), axis(output(node), int(node, 'batch_axis', 1)));
  },
};

/**
 * The Fourier transform along one axis. The last axis holds the real and the imaginary part, or the real one alone.
 * Source: ONNX operator DFT; the axis is an attribute up to opset 19, an input since.
 */
const dft: OpRule = {
  domain: '',
  opTypes: ['DFT'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const rank = rankOf(input(node, 0)) ?? 0;
    const along = node.opset < 20 ? int(node, 'axis', 1) : axisInput(node, 2, -2);
    if (along === undefined) return pinAll(node, 'the axis of DFT is computed at run time');
    const coupling = new CouplingBuilder();
    passAxes(coupling, input(node, 0), output(node), (dim) => {
      if (dim === fromFront(along, rank)) return 'DFT transforms it as a whole';
      return dim === rank - 1 ? 'it holds real and imaginary parts' : undefined;
    });
    return coupling;
  },
};

/** A new axis, along which one position per class is marked; the axes of the indices pass before and behind it. */
const oneHot: OpRule = {
  domain: '',
  opTypes: ['OneHot'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const [indices, values, out] = [input(node, 0), input(node, 2), output(node)];
    const classes = fromFront(int(node, 'axis', -1), rankOf(out) ?? 0);
    const coupling = new CouplingBuilder();
    const rank = rankOf(indices) ?? 0;
    for (let dim = 0; dim < rank; dim++) coupling.same(axis(indices, dim), axis(out, dim < classes ? dim : dim + 1));
    return coupling
      .pin(out, classes, 'OneHot has a position for each class along it')
      .pin(values, 0, 'it holds what OneHot marks with');
  },
};

/**
 * Windows of `size` positions along `dim`, `step` apart, laid along a new last axis.
 * Source: the runtime's own operator UnfoldTensor, after torch.Tensor.unfold.
 */
const unfold: OpRule = {
  domain: 'com.microsoft',
  opTypes: ['UnfoldTensor'],
  couple(node) {
    if (!isRanked(node)) return pinUnranked(node);
    const [data, out] = [input(node, 0), output(node)];
    const rank = rankOf(data) ?? 0;
    const along = fromFront(int(node, 'dim', -1), rank);
    const coupling = new CouplingBuilder();
    passAxes(coupling, data, out, (dim) => (dim === along ? 'UnfoldTensor cuts it into windows' : undefined));
    return coupling.pin(out, rank, 'it is a window that UnfoldTensor cut');
  },
};

export const alongAxisRules: readonly OpRule[] = [topK, cumSum, cumProd, reverseSequence, dft, oneHot, unfold];
