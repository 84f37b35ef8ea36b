import { string, stringAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import type { AttributeProto } from '../onnx/messages.ts';
import { type Change, refuse } from './change.ts';
import { replaceNode, setConstant } from './edit.ts';

/** `scales` became input 1 with operator set 9. */
export const scalesToInput: Change = (node) => {
  const scales = node.attributes.get('scales')?.proto.floats;
  if (scales === undefined) return refuse('it says not by how much it scales');
  node.graph.removeAttribute(node, 'scales');
  setConstant(node, 1, 'scales', Tensor.ofFloats(Float32Array.from(scales)));
  return 'reads its scales from an input';
};

/**
 * With operator set 10, Resize took the place of Upsample. Upsample only enlarges: a new position lies at its own divided by
 * the scale, and the nearest old one is the one before. Resize can say so since 11 only; as no target is below that, it does
 * at once.
 */
export const upsampleToResize: Change = (node) => {
  toResize(node, 'floor');
  return 'is a Resize';
};

/**
 * With operator set 11, Resize got ways to relate old and new positions and `roi` as input 1. Before, a new position lies at
 * its own divided by the scale; which old one is nearest the text did not say, and onnxruntime takes the one before along
 * axes that grow and the one behind along axes that shrink.
 */
export const resizeByPosition: Change = (node) => {
  // Made from Upsample a moment ago: then it says all that it needs.
  if (node.attributes.has('coordinate_transformation_mode')) return undefined;
  const rounding = roundingOf(node);
  if (rounding === undefined) {
    return refuse(
      'which position is nearest depends on whether an axis grows or shrinks, and its scales are not known or do both',
    );
  }
  toResize(node, rounding);
  return 'says that positions are divided by the scales';
};

function roundingOf(node: Node): 'floor' | 'ceil' | undefined {
  if (string(node, 'mode', 'nearest') !== 'nearest') return 'floor';
  const scales = node.inputs[1]?.tensor?.floats();
  if (scales === undefined) return undefined;
  if (scales.every((scale) => scale >= 1)) return 'floor';
  return scales.every((scale) => scale <= 1) ? 'ceil' : undefined;
}

/** Makes a node of inputs X and scales the Resize of operator sets 11 and later that does the same. */
function toResize(node: Node, rounding: string): void {
  const attributes: AttributeProto[] = [
    stringAttribute('mode', string(node, 'mode', 'nearest')),
    stringAttribute('coordinate_transformation_mode', 'asymmetric'),
    stringAttribute('nearest_mode', rounding),
  ];
  // The region of input 1 counts for another way of relating positions alone, and may be left out since 13.
  replaceNode(node, { opType: 'Resize', inputs: [node.inputs[0], undefined, node.inputs[1]], attributes });
}

/**
 * With operator set 13, Resize takes scales or sizes, not both, and knows `tf_half_pixel_for_nn` no longer: positions half a
 * step further than those of `half_pixel`. Where the position before is the nearest one, that is `half_pixel` with the
 * nearest one rounded, halves up.
 */
export const resizeWithoutEmpty: Change = (node) => {
  const { graph } = node;
  const done: string[] = [];
  if (string(node, 'coordinate_transformation_mode', 'half_pixel') === 'tf_half_pixel_for_nn') {
    if (
      string(node, 'mode', 'nearest') !== 'nearest' ||
      string(node, 'nearest_mode', 'round_prefer_floor') !== 'floor'
    ) {
      return refuse(
        'its positions "tf_half_pixel_for_nn" are no longer known there, and only with "floor" is there another way',
      );
    }
    graph.setAttribute(node, stringAttribute('coordinate_transformation_mode', 'half_pixel'));
    graph.setAttribute(node, stringAttribute('nearest_mode', 'round_prefer_ceil'));
    done.push('rounds "half_pixel" positions instead of cutting "tf_half_pixel_for_nn" ones');
  }
  if (node.inputs[3] !== undefined && node.inputs[2]?.tensor?.size === 0) {
    graph.setInput(node, 2, undefined);
    done.push('leaves its empty scales out');
  }
  return done.length === 0 ? undefined : done.join(' and ');
};
