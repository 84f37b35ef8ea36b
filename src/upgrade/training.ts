import { int } from '../ir/attributes.ts';
import { type Change, refuse } from './change.ts';
import { dropOutputsFrom } from './edit.ts';

/** `spatial` went with operator set 9: statistics are for each channel, its former default. */
export const spatialOnly: Change = (node) => {
  if (int(node, 'spatial', 1) === 0) return refuse('it has statistics for each position ("spatial" is 0), which went');
  if (!node.attributes.has('spatial')) return undefined;
  node.graph.removeAttribute(node, 'spatial');
  return 'leaves "spatial" out, which is all there is now';
};

/**
 * Up to operator set 13, a BatchNormalization that gives statistics out is one in training, which normalizes each batch by its
 * own; since 14 an attribute says so, and the statistics are others.
 */
export const inferenceOnly: Change = (node) =>
  node.outputs.some((output, index) => index > 0 && output !== undefined)
    ? refuse('it gives statistics out, which means that it is in training')
    : undefined;

/** The mask of Dropout became one of booleans with operator set 10, and all true outside of training with 12. */
export const withoutMask: Change = (node) => {
  const count = node.outputs.length;
  if (!dropOutputsFrom(node, 1)) return refuse('its mask, which is read, became another one');
  return node.outputs.length < count ? 'leaves its unread mask out' : undefined;
};

/** With operator set 12, `ratio` became an input that counts in training alone, which this model is past. */
export const withoutRatio: Change = (node, around) => {
  const mask = withoutMask(node, around);
  if (typeof mask === 'object' || !node.attributes.has('ratio')) return mask;
  node.graph.removeAttribute(node, 'ratio');
  return 'leaves its ratio out, which counts in training alone';
};
