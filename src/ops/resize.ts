import { ints, string } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { dimsOf } from '../ir/value.ts';
import { axis, CouplingBuilder, input, output, pinAll, pinUnranked, pinValue, rankOf, sameLength } from './coupling.ts';
import { movesIntegers } from './integers.ts';
import { fromFront, intsParameter, partialIntsParameter, setIntsParameter } from './parameters.ts';
import type { Coupling, OpRule } from './rule.ts';

/** Resize-10 and Upsample have inputs (X, scales), Resize since 11 (X, roi, scales, sizes). */
const SIZES = { attribute: 'sizes', input: 3 };

/** The factor along each axis, where the node gives factors and they are constants. */
function scalesOf(node: Node, rank: number): Map<number, number> {
  const value = node.inputs[node.opType === 'Upsample' || node.opset < 11 ? 1 : 2];
  const scales = node.attributes.get('scales')?.proto.floats ?? value?.tensor?.floats() ?? [];
  const axes = ints(node, 'axes');
  return new Map(Array.from(scales, (scale, i) => [fromFront(axes?.[i] ?? i, rank), scale]));
}

/** Axes whose length stays pass; the others are resampled. A factor near 1, or a crop, resamples into the same length. */
function coupleResize(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const [before, after] = [dimsOf(data), dimsOf(out)];
  if (before === undefined || after === undefined) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const scales = scalesOf(node, before.length);
  const crops = string(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize';
  before.forEach((length, dim) => {
    const isKept = sameLength(length, after[dim]) && (scales.get(dim) ?? 1) === 1 && !crops;
    if (isKept) coupling.same(axis(data, dim), axis(out, dim));
    else coupling.pin(data, dim, `${node.opType} resamples it`).pin(out, dim, `${node.opType} resamples it`);
  });
  return coupling;
}

const COMPUTED = 'the sizes that Resize gives are computed at run time';

/** The axis that an entry of the sizes is for. */
function sizedAxis(node: Node, index: number): number {
  return fromFront(ints(node, 'axes')?.[index] ?? index, rankOf(input(node, 0)) ?? 0);
}

/** Whether elements are chosen, and not mixed. */
function isNearest(node: Node): boolean {
  return node.opType === 'Resize' && string(node, 'mode', 'nearest') === 'nearest';
}

const resize: OpRule = {
  domain: '',
  opTypes: ['Resize', 'Upsample'],
  integers: (node) => (isNearest(node) ? movesIntegers() : undefined),
  // Weights of an interpolation add up to one, but what lies beyond the border may be a number that the node gives.
  passage: (node) => {
    const crops = string(node, 'coordinate_transformation_mode', '') === 'tf_crop_and_resize';
    return { kind: 'moves', constant: !crops, multiples: crops ? 'none' : 'any' };
  },
  couple(node) {
    const sizes = partialIntsParameter(node, SIZES);
    if (sizes === undefined && intsParameter(node, SIZES) === 'dynamic') return pinAll(node, COMPUTED);
    const coupling = coupleResize(node);
    // A size that is computed comes out of lengths from before the cut.
    const computed = (sizes ?? []).flatMap((size, i) => (size === undefined ? [sizedAxis(node, i)] : []));
    return {
      ...coupling,
      pins: [...coupling.pins, ...pinValue(output(node), COMPUTED, (dim) => computed.includes(dim))],
    };
  },
  repair(node, kept, graph) {
    const sizes = partialIntsParameter(node, SIZES);
    if (sizes === undefined) return;
    const lengths = sizes.map((size, i) =>
      size === undefined ? size : (kept(axis(output(node), sizedAxis(node, i)))?.length ?? size),
    );
    if (lengths.some((length, i) => length !== sizes[i])) setIntsParameter(graph, node, SIZES, lengths);
  },
};

export const resizeRules: readonly OpRule[] = [resize];
