import { ONES } from './channel-numbers.ts';
import type { ChannelMap } from './group.ts';
import type { SumSite } from './sum-sites.ts';

/**
 * Why a unit can leave without a trace: nothing reads it; it is zero; it is the same number everywhere, which goes into the biases
 * of what reads it; or it is a multiple of another unit, whose columns take its columns over.
 */
export type RedundancyReason = 'unread' | 'zero' | 'constant' | 'duplicate';

/** A unit that can leave. */
export interface RedundantUnit {
  readonly unit: number;
  readonly reason: RedundancyReason;
  /** The unit that it is a multiple of, and that stays. */
  readonly of: number | undefined;
  /** The multiple at the first place that reads both. */
  readonly multiple: number;
}

/** What has to be done where a unit that leaves is summed over. */
export type Repair =
  | {
      readonly kind: 'fold';
      readonly unit: number;
      readonly site: SumSite;
      readonly from: number;
      readonly constant: number;
    }
  | {
      readonly kind: 'merge';
      readonly unit: number;
      readonly site: SumSite;
      readonly from: number;
      readonly to: number;
      readonly multiple: number;
    };

/** What can leave a model, and what that takes. */
export interface Redundancies {
  readonly units: readonly RedundantUnit[];
  readonly repairs: readonly Repair[];
}

/** A unit at a site that takes something of it. */
interface Visit {
  readonly site: SumSite;
  readonly positions: readonly number[];
}

/**
 * Finds the units that can leave so that every sum over them stays what it is, but for the order in which it is taken.
 *
 * @param mayLeave whether a unit is one of those that the user lets go
 * @param canFold whether a constant may be added to what the node of a site gives
 */
export function findRedundant(
  map: ChannelMap,
  sites: readonly SumSite[],
  mayLeave: (unit: number) => boolean,
  canFold: (site: SumSite) => boolean,
): Redundancies {
  const positions = new Map(sites.map((site) => [site, positionsOf(site)]));
  const visitsOf: { all: SumSite[]; open: Visit[] }[] = Array.from({ length: map.unitCount }, () => ({
    all: [],
    open: [],
  }));
  for (const site of sites) {
    for (const [unit, at] of positions.get(site) ?? []) {
      const entry = visitsOf[unit];
      entry?.all.push(site);
      if (at.some((each) => site.isZero[each] === 0 && site.isUnread[each] === 0))
        entry?.open.push({ site, positions: at });
    }
  }
  const leaders = new Leaders(positions);
  const units: RedundantUnit[] = [];
  const repairs: Repair[] = [];
  for (let unit = 0; unit < map.unitCount; unit++) {
    const { all, open } = visitsOf[unit] ?? { all: [], open: [] };
    const found = mayLeave(unit) ? judge(unit, all, open, positions, leaders, canFold) : undefined;
    if (found === undefined) leaders.add(unit, all);
    else {
      units.push(found.redundant);
      repairs.push(...found.repairs);
    }
  }
  return { units, repairs };
}

/** The positions of every unit along a site. */
function positionsOf({ units }: SumSite): Map<number, number[]> {
  const positions = new Map<number, number[]>();
  units.forEach((unit, at) => {
    if (unit < 0) return;
    const known = positions.get(unit);
    if (known === undefined) positions.set(unit, [at]);
    else known.push(at);
  });
  return positions;
}

/** The units that stay, by what they hold at each site. */
class Leaders {
  readonly #positions: ReadonlyMap<SumSite, ReadonlyMap<number, readonly number[]>>;
  readonly #bySite = new Map<SumSite, Map<string, number[]>>();

  constructor(positions: ReadonlyMap<SumSite, ReadonlyMap<number, readonly number[]>>) {
    this.#positions = positions;
  }

  add(unit: number, sites: readonly SumSite[]): void {
    for (const site of sites) {
      const known = this.#bySite.get(site) ?? new Map<string, number[]>();
      this.#bySite.set(site, known);
      const key = numbersAt(site, this.#positions.get(site)?.get(unit) ?? []);
      const bearers = known.get(key);
      if (bearers === undefined) known.set(key, [unit]);
      else bearers.push(unit);
    }
  }

  /** The first unit that holds the same, up to a multiple, as another does at all its visits. */
  like(visits: readonly Visit[]): number | undefined {
    const sets = visits.map(({ site, positions }) => this.#bySite.get(site)?.get(numbersAt(site, positions)) ?? []);
    const [first = [], ...others] = sets;
    return first.find((unit) => others.every((set) => set.includes(unit)));
  }
}

function numbersAt({ numbers }: SumSite, positions: readonly number[]): string {
  return positions.map((at) => numbers.ids[at]).join(' ');
}

function judge(
  unit: number,
  all: readonly SumSite[],
  open: readonly Visit[],
  positions: ReadonlyMap<SumSite, ReadonlyMap<number, readonly number[]>>,
  leaders: Leaders,
  canFold: (site: SumSite) => boolean,
): { redundant: RedundantUnit; repairs: Repair[] } | undefined {
  if (open.length === 0) {
    const isZero =
      all.length > 0 &&
      all.every((site) => (positions.get(site)?.get(unit) ?? []).every((at) => site.isZero[at] === 1));
    return { redundant: { unit, reason: isZero ? 'zero' : 'unread', of: undefined, multiple: 0 }, repairs: [] };
  }
  if (open.some(({ site }) => site.layer === undefined)) return undefined;
  const repairs: Repair[] = [];
  const left: Visit[] = [];
  for (const visit of open) {
    const { site } = visit;
    if (!visit.positions.every((at) => site.numbers.ids[at] === ONES) || !site.layer?.isEven || !canFold(site))
      left.push(visit);
    else
      for (const at of visit.positions)
        repairs.push({ kind: 'fold', unit, site, from: at, constant: site.numbers.scales[at] as number });
  }
  if (left.length === 0) return { redundant: { unit, reason: 'constant', of: undefined, multiple: 0 }, repairs };
  const of = leaders.like(left);
  if (of === undefined) return undefined;
  let first: number | undefined;
  for (const { site, positions: own } of left) {
    const others = positions.get(site)?.get(of) ?? [];
    for (const [k, from] of own.entries()) {
      const to = others[k] as number;
      const multiple = (site.numbers.scales[from] as number) / (site.numbers.scales[to] as number);
      if (!Number.isFinite(multiple)) return undefined;
      first ??= multiple;
      repairs.push({ kind: 'merge', unit, site, from, to, multiple });
    }
  }
  return { redundant: { unit, reason: 'duplicate', of, multiple: first ?? 1 }, repairs };
}
