import { isFloat } from '../ir/data-type.ts';
import { type Axis, dimsOf, elementTypeOf } from '../ir/value.ts';
import { axis } from '../ops/coupling.ts';
import type { Passage } from '../ops/rule.ts';
import { type ChannelNumbers, NumberTable } from './channel-numbers.ts';
import type { RuleLookup } from './couplings.ts';
import type { ChannelMap } from './group.ts';
import { numberAffine, numberElementwise } from './number-elementwise.ts';
import { numberMoved } from './number-moves.ts';
import { numberRows } from './number-rows.ts';
import type { ElementwiseEvaluator, Step } from './number-step.ts';

/**
 * Numbers what the channels of a model hold, as far as rules tell: which are the same number everywhere, and which are
 * positive multiples of one another, whatever the inputs are. Only axes that something can leave are looked at.
 */
export async function numberChannels(
  map: ChannelMap,
  ruleOf: RuleLookup,
  evaluate: ElementwiseEvaluator,
): Promise<NumberTable> {
  const table = new NumberTable();
  for (const [index, { node, coupling }] of map.couplings.entries()) {
    const rule = ruleOf(node);
    const layer = rule.layer?.(node);
    if (layer !== undefined) {
      const rows = isLoose(map, layer.out) ? numberRows(layer, table, ruleOf) : undefined;
      if (rows !== undefined) table.set(layer.out, rows);
      continue;
    }
    const passage = rule.passage?.(node) ?? (rule.passage === undefined && rule.passesElements ? UNCHANGED : undefined);
    if (passage === undefined) continue;
    for (const out of node.outputs) {
      if (out === undefined || !isFloat(elementTypeOf(out))) continue;
      for (const dim of (dimsOf(out) ?? []).keys()) {
        const place = axis(out, dim);
        if (!isLoose(map, place)) continue;
        const step: Step = { table, node, key: `${index} ${dim}`, links: coupling.links, out: place, evaluate };
        const numbers = await follow(step, passage);
        if (numbers !== undefined) table.set(place, numbers);
      }
    }
  }
  return table;
}

const UNCHANGED: Passage = { kind: 'moves', constant: true, multiples: 'any' };

/** Whether something along an axis can leave. */
function isLoose(map: ChannelMap, place: Axis): boolean {
  return map.unitsAlong(place)?.some((unit) => unit >= 0) ?? false;
}

function follow(step: Step, passage: Passage): ChannelNumbers | undefined | Promise<ChannelNumbers | undefined> {
  switch (passage.kind) {
    case 'moves':
      return numberMoved(step, passage);
    case 'elementwise':
      return numberElementwise(step, passage.multiples);
    case 'affine':
      return passage.dim === step.out.dim ? numberAffine(step, passage) : undefined;
  }
}
