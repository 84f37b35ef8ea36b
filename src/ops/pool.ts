import { int, ints, string } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { axis, CouplingBuilder, input, output, pinUnranked, pinValue, rankOf } from './coupling.ts';
import { averagesIntegers, mapsIntegers, movesIntegers } from './integers.ts';
import type { Coupling, IntegerForm, OpRule, Passage } from './rule.ts';

/** Batch and channels pass one by one; the other axes are pooled. */
export function couplePool(node: Node, channel = 1): Coupling {
  const data = input(node, 0);
  if (rankOf(data) === undefined || rankOf(output(node)) === undefined) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const pooled = `${node.opType} pools over it`;
  const isPooled = (dim: number): boolean => dim !== 0 && dim !== channel;
  coupling.pins.push(...pinValue(data, pooled, isPooled));
  for (const out of node.outputs) {
    if (out === undefined) continue;
    coupling.same(axis(data, 0), axis(out, 0)).same(axis(data, channel), axis(out, channel));
    coupling.pins.push(...pinValue(out, pooled, isPooled));
  }
  // MaxPool's second output counts positions over the whole tensor, channels included.
  const indices = node.outputs[1];
  if (indices !== undefined && (indices.uses.size > 0 || node.graph.isOutput(indices))) {
    coupling.pin(indices, channel, `${node.opType} gives out positions that count across channels`);
  }
  return coupling;
}

const MEAN: Passage = { kind: 'moves', constant: true, multiples: 'any' };
/** The maximum of −x is not that of x. */
const MAXIMUM: Passage = { kind: 'moves', constant: true, multiples: 'positive' };
/** A norm of a constant depends on how many elements it is taken over. */
const NORM: Passage = { kind: 'moves', constant: false, multiples: 'positive' };
/** A mean over positions of which some count as zero: what it makes of a constant depends on the position. */
const PART_OF_ZEROS: Passage = { kind: 'moves', constant: false, multiples: 'any' };

function pool(opTypes: readonly string[], passage: (node: Node) => Passage, rest: Partial<OpRule> = {}): OpRule {
  return { domain: '', opTypes, couple: (node) => couplePool(node), passage, ...rest };
}

/** A mean over a window that reaches beyond the border is one of zeros too, where those are counted. */
function averagePassage(node: Node): Passage {
  const isPadded =
    (ints(node, 'pads') ?? []).some((pad) => pad !== 0) || string(node, 'auto_pad', '').startsWith('SAME');
  const counts = int(node, 'count_include_pad', 0) !== 0;
  // A window with gaps may lie in the padding alone, and gives zero then.
  const hasGaps = (ints(node, 'dilations') ?? []).some((each) => each !== 1);
  const mixesZeros = isPadded ? counts || hasGaps : counts && int(node, 'ceil_mode', 0) !== 0;
  return mixesZeros ? PART_OF_ZEROS : MEAN;
}

/** The runtime finds no places of maxima among integers. */
function maximaOfIntegers(node: Node): IntegerForm | undefined {
  return node.outputs[1] === undefined ? movesIntegers() : undefined;
}

export const poolRules: readonly OpRule[] = [
  pool(['GlobalMaxPool'], () => MAXIMUM),
  pool(['GlobalAveragePool'], () => MEAN, { integers: mapsIntegers }),
  pool(['MaxPool'], () => MAXIMUM, { optionalOutputs: [1], integers: maximaOfIntegers }),
  pool(['AveragePool'], averagePassage, { integers: averagesIntegers }),
  pool(['LpPool', 'GlobalLpPool'], () => NORM),
];
