import { int, intAttribute } from '../ir/attributes.ts';
import { Tensor } from '../ir/tensor.ts';
import { type Change, refuse } from './change.ts';
import { integersToInput, setConstant } from './edit.ts';

/**
 * `axes` became input 1: of Squeeze, Unsqueeze and ReduceSum with operator set 13, of the other reductions with 18. Left
 * out, or empty, it still means every axis (of Squeeze: every one of length 1).
 */
export const axesToInput: Change = (node) =>
  integersToInput(node, 'axes', 1) ? 'reads its axes from an input' : undefined;

/** `split` became input 1 with operator set 13. */
export const splitToInput: Change = (node) =>
  integersToInput(node, 'split', 1) ? 'reads the lengths of its parts from an input' : undefined;

/** With operator set 18, a Split into equal parts says how many. */
export const splitEqually: Change = (node) => {
  if (node.inputs[1] !== undefined) return undefined;
  node.graph.setAttribute(node, intAttribute('num_outputs', node.outputs.length));
  return 'says how many equal parts it makes';
};

/** `k` became input 1 with operator set 10. */
export const countToInput: Change = (node) =>
  integersToInput(node, 'k', 1) ? 'reads its count from an input' : refuse('it says not how many elements it takes');

/** `starts`, `ends` and `axes` became inputs 1 to 3 with operator set 10. */
export const sliceToInputs: Change = (node) => {
  if (!integersToInput(node, 'starts', 1) || !integersToInput(node, 'ends', 2)) {
    return refuse('it says not where its slices start and end');
  }
  integersToInput(node, 'axes', 3);
  return 'reads starts, ends and axes from inputs';
};

/** `axis` became input 2, a scalar, with operator set 20, with another default. */
export const fourierAxisToInput: Change = (node) => {
  const axis = int(node, 'axis', 1);
  node.graph.removeAttribute(node, 'axis');
  setConstant(node, 2, 'axis', Tensor.ofIntegers([axis], []));
  return 'reads its axis from an input';
};
