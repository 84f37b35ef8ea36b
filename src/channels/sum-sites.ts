import { isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, lengthOf } from '../ir/value.ts';
import { axis } from '../ops/coupling.ts';
import { type AxisLink, type Contraction, isAxis, type Layer } from '../ops/rule.ts';
import { type ChannelNumbers, isZero, type NumberTable } from './channel-numbers.ts';
import { constantOf, zerosAlong } from './constants.ts';
import type { NodeCoupling, RuleLookup } from './couplings.ts';
import type { ChannelMap } from './group.ts';
import { forEachPair } from './index-map.ts';

/** A place where channels are summed over, seen position by position. */
export interface SumSite {
  readonly node: Node;
  /** The axis that is summed over, and the unit of each position along it, -1 for those that stay. */
  readonly over: Axis;
  readonly units: Int32Array;
  /** What its channels hold. */
  readonly numbers: ChannelNumbers;
  /** 1 where the sum takes nothing because the channel is zero, or because what multiplies it is. */
  readonly isZero: Uint8Array;
  readonly isUnread: Uint8Array;
  /** The layer that sums, where its weight may be rewritten column by column: a constant that nobody else reads, in no groups. */
  readonly layer: (Layer & { readonly columns: number }) | undefined;
}

/** Everywhere that a model sums over channels that can leave. */
export function sumSites(map: ChannelMap, table: NumberTable, ruleOf: RuleLookup): SumSite[] {
  return map.couplings.flatMap((entry) =>
    entry.coupling.contractions.flatMap((contraction) => siteOf(map, table, ruleOf, entry, contraction) ?? []),
  );
}

function siteOf(
  map: ChannelMap,
  table: NumberTable,
  ruleOf: RuleLookup,
  { node, coupling }: NodeCoupling,
  { input, dim, factors = [] }: Contraction,
): SumSite | undefined {
  const value = node.inputs[input];
  const over = value && axis(value, dim);
  const units = over && map.unitsAlong(over);
  if (value === undefined || over === undefined || units === undefined || units.every((unit) => unit < 0))
    return undefined;
  const { length } = units;
  const numbers = table.along(over, length);
  const isUnread = new Uint8Array(length);
  for (const factor of factors) {
    const zeros = zerosOf(factor, table, ruleOf);
    if (zeros === undefined) continue;
    forEachMatch(coupling.links, factor, over, (at, position) => {
      if (zeros[at] === 1) isUnread[position] = 1;
    });
  }
  const own = value.tensor === undefined ? undefined : zerosAlong(value.tensor, dim);
  const zero = own ?? Uint8Array.from({ length }, (_, position) => (isZero(numbers, position) ? 1 : 0));
  return { node, over, units, numbers, isZero: zero, isUnread, layer: layerOver(node, over, ruleOf) };
}

/** Flags positions along an axis that are zero whatever the inputs are: of a constant, or of channels. */
function zerosOf(place: Axis, table: NumberTable, ruleOf: RuleLookup): Uint8Array | undefined {
  const constant = constantOf(place.value, ruleOf);
  if (constant !== undefined) return zerosAlong(constant, place.dim);
  const length = lengthOf(place);
  if (length === undefined) return undefined;
  const numbers = table.along(place, length);
  return Uint8Array.from({ length }, (_, position) => (isZero(numbers, position) ? 1 : 0));
}

/** Calls back with the positions of two axes of a node that its links join. */
function forEachMatch(
  links: readonly AxisLink[],
  from: Axis,
  to: Axis,
  visit: (from: number, to: number) => void,
): void {
  const isSame = (place: AxisLink['a'], other: Axis): boolean =>
    isAxis(place) && place.value === other.value && place.dim === other.dim;
  const [lengthFrom, lengthTo] = [lengthOf(from), lengthOf(to)];
  if (lengthFrom === undefined || lengthTo === undefined) return;
  for (const { a, b, map } of links) {
    if (isSame(a, from) && isSame(b, to)) forEachPair(map, lengthFrom, lengthTo, visit);
    else if (isSame(b, from) && isSame(a, to)) forEachPair(map, lengthTo, lengthFrom, (i, j) => visit(j, i));
  }
}

function layerOver(node: Node, over: Axis, ruleOf: RuleLookup): SumSite['layer'] {
  const layer = ruleOf(node).layer?.(node);
  if (layer === undefined || layer.columns === undefined || layer.groups !== 1) return undefined;
  const { data, weight, columns } = layer;
  const isItsOwn =
    weight.tensor !== undefined && isFloat(weight.tensor.type) && weight.uses.size === 1 && node.graph.owns(weight);
  const isHere = data.value === over.value && data.dim === over.dim;
  return isHere && isItsOwn && !node.graph.isOutput(weight) ? { ...layer, columns } : undefined;
}
