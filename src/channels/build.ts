import { bitsOf } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { axis, valuesOf } from '../ops/coupling.ts';
import type { Pin } from '../ops/rule.ts';
import { AxisSets, chooseAll, joinLinks, markFactors, type ProductPart, pinPlaces } from './choose.ts';
import { bodyPins, boundaryPins, couplingsOf, type NodeCoupling, type RuleLookup } from './couplings.ts';
import type { ChannelMap } from './group.ts';
import { groupUnits } from './group-units.ts';
import { PlaceTable } from './places.ts';
import { Positions } from './positions.ts';
import { rolesOf } from './roles.ts';

/** Decisions that the graph leaves open. */
export interface BuildOptions {
  /** Which factor lives where heads and the dimensions inside them share an axis; default heads. */
  readonly prefer?: ProductPart;
  /** Includes axes over which an operator takes statistics, where cutting is not equal to masking; default no. */
  readonly allowApproximate?: boolean;
}

/**
 * Finds what can leave a graph: asks every operator how positions along its axes correspond, joins corresponding
 * positions, and numbers the sets that nothing pins. Only axes that reach a weight are looked at position by position,
 * so the cost is near-linear in nodes plus channels.
 *
 * @param graph with static facts: the lengths of axes as far as they are known
 */
export function buildChannelMap(graph: Graph, ruleOf: RuleLookup, options: BuildOptions = {}): ChannelMap {
  const { prefer = 'heads', allowApproximate = false } = options;
  const table = new PlaceTable();
  const open = couplingsOf(graph, ruleOf);
  const fixed = [...boundaryPins(graph), ...bodyPins(open), ...storagePins(graph)];
  registerPlaces(graph, open, fixed, table);

  const sets = new AxisSets(table.places.length);
  for (const { coupling } of open) {
    joinLinks(coupling.links, table, sets);
    pinPlaces(coupling.pins, table, sets);
    if (!allowApproximate) pinPlaces(coupling.approximate ?? [], table, sets);
    for (const each of coupling.approximate ?? []) sets.mix(table.idOf(each.axis));
    for (const each of coupling.batched ?? []) sets.mark(table.idOf(each), 'heads');
    for (const each of coupling.inside ?? []) sets.mark(table.idOf(each), 'head-dim');
  }
  pinPlaces(fixed, table, sets);
  const roles = rolesOf(open);
  for (const { axis } of roles.weights) sets.addWeight(table.idOf(axis));
  markFactors(open, table, sets, prefer);
  const couplings = chooseAll(open, table, sets, prefer);

  const positions = new Positions(table, (id) => sets.reachesWeights(id));
  for (const { coupling } of couplings) {
    positions.link(coupling);
    for (const pin of coupling.pins) positions.pin(pin);
    if (allowApproximate) continue;
    for (const { axis, reason } of coupling.approximate ?? [])
      positions.pin({ axis, reason: `${reason} (--allow-approximate includes it)` });
  }
  for (const pin of fixed) positions.pin(pin);
  return { ...groupUnits(table, positions, rolesOf(couplings)), couplings };
}

/** Numbers every place that any reading of any node speaks of, in executable order. */
function registerPlaces(graph: Graph, open: readonly NodeCoupling[], fixed: readonly Pin[], table: PlaceTable): void {
  const registerValue = (value: Value): void => {
    dimsOf(value)?.forEach((_, dim) => {
      table.idOf(axis(value, dim));
    });
  };
  for (const { node, coupling } of open) {
    for (const value of valuesOf(node)) registerValue(value);
    const links = [...coupling.links, ...(coupling.choices ?? []).flat().flatMap((alternative) => alternative.links)];
    for (const { a, b } of links) for (const place of [a, b]) table.idOf(place);
    for (const pin of coupling.pins) registerValue(pin.axis.value);
  }
  for (const pin of fixed) registerValue(pin.axis.value);
  for (const value of [...graph.inputs, ...graph.outputs]) registerValue(value);
}

/** Data whose elements have no known width. */
function storagePins(graph: Graph): Pin[] {
  const pins: Pin[] = [];
  for (const value of initializersIn(graph)) {
    const type = value.tensor?.type ?? 'undefined';
    if (bitsOf(type) > 0) continue;
    value.tensor?.dims.forEach((_, dim) => {
      pins.push({
        axis: axis(value, dim),
        reason: `"${value.name}" stores ${type === 'undefined' ? 'elements of an unknown type' : type}, which cannot be cut`,
      });
    });
  }
  return pins;
}
