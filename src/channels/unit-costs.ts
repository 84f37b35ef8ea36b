import type { Value } from '../ir/value.ts';
import type { RuleLookup } from './couplings.ts';
import type { ChannelMap, Group } from './group.ts';

/**
 * What the layers of a group cost with so many of its units, while all other groups are whole: the parameters that have
 * positions of the group along some axis, or the multiply-accumulates of the linear layers that apply such parameters
 * (open lengths counted as 1). What two groups cut together counts for both in full.
 */
export class UnitCosts {
  readonly #map: ChannelMap;
  readonly #kind: 'parameters' | 'macs';
  readonly #ruleOf: RuleLookup;
  readonly #known = new Map<Group, readonly Part[]>();

  constructor(map: ChannelMap, kind: 'parameters' | 'macs', ruleOf: RuleLookup) {
    this.#map = map;
    this.#kind = kind;
    this.#ruleOf = ruleOf;
  }

  /** @param keep units of the group that stay */
  readonly of = (group: Group, keep: number): number => {
    const parts = this.#known.get(group) ?? this.#partsOf(group);
    this.#known.set(group, parts);
    const gone = 1 - keep / group.count;
    return parts.reduce(
      (sum, { cost, shares }) => sum + shares.reduce((product, share) => product * (1 - share * gone), cost),
      0,
    );
  };

  #partsOf(group: Group): Part[] {
    const parts = new Map<Value, { readonly cost: number; readonly shares: number[] }>();
    for (const { axis } of group.members) {
      const { value } = axis;
      const units = this.#map.unitsAlong(axis);
      if (value.tensor === undefined || units === undefined) continue;
      const own = units.reduce(
        (sum, unit) => sum + (unit >= group.first && unit < group.first + group.count ? 1 : 0),
        0,
      );
      const part = parts.get(value) ?? { cost: this.#costOf(value), shares: [] };
      part.shares.push(own / units.length);
      parts.set(value, part);
    }
    return [...parts.values()];
  }

  #costOf(value: Value): number {
    if (this.#kind === 'parameters') return value.tensor?.size ?? 0;
    let macs = 0;
    for (const node of value.uses) {
      const rule = this.#ruleOf(node);
      if (rule.layer?.(node)?.weight === value) macs += rule.macs?.(node) ?? 0;
    }
    return macs;
  }
}

/** What one parameter costs, and what part of its positions along each of its axes belongs to the group. */
interface Part {
  readonly cost: number;
  readonly shares: readonly number[];
}
