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
 * @param canTake whether what a repair would write has a place, and numbers that its type holds
 */
export function findRedundant(
  map: ChannelMap,
  sites: readonly SumSite[],
  mayLeave: (unit: number) => boolean,
  canTake: (repair: Repair) => boolean,
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
    const found = mayLeave(unit) ? judge(unit, all, open, positions, leaders, canTake) : undefined;
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

type Merge = Repair & { kind: 'merge' };

function judge(
  unit: number,
  all: readonly SumSite[],
  open: readonly Visit[],
  positions: ReadonlyMap<SumSite, ReadonlyMap<number, readonly number[]>>,
  leaders: Leaders,
  canTake: (repair: Repair) => boolean,
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
    const folds = foldsOf(unit, visit);
    if (folds?.every(canTake)) repairs.push(...folds);
    else left.push(visit);
  }
  if (left.length === 0) return { redundant: { unit, reason: 'constant', of: undefined, multiple: 0 }, repairs };
  const of = leaders.like(left);
  if (of === undefined) return undefined;
  const merges = left.flatMap((visit) => mergesOf(unit, visit, positions.get(visit.site)?.get(of) ?? []));
  const isSafe = merges.every((merge) => Math.abs(merge.multiple) <= LARGEST_MULTIPLE && canTake(merge));
  if (!isSafe) return undefined;
  const multiple = merges[0]?.multiple ?? 1;
  return { redundant: { unit, reason: 'duplicate', of, multiple }, repairs: [...repairs, ...merges] };
}

/** A larger one would carry the rounding of small numbers, denormal perhaps, over to large ones. */
const LARGEST_MULTIPLE = 2 ** 10;

/** What a visit of a constant unit adds to biases; undefined where it adds another number at the border, or is no constant. */
function foldsOf(unit: number, { site, positions }: Visit): Repair[] | undefined {
  const { ids, scales } = site.numbers;
  if (site.layer?.isEven !== true || !positions.every((at) => ids[at] === ONES)) return undefined;
  return positions.map((at) => ({ kind: 'fold', unit, site, from: at, constant: scales[at] as number }));
}

/** What a visit takes to add the columns of a unit to those of another, position by position. */
function mergesOf(unit: number, { site, positions }: Visit, others: readonly number[]): Merge[] {
  const { scales } = site.numbers;
  return positions.map((from, k) => {
    const to = others[k] as number;
    return { kind: 'merge', unit, site, from, to, multiple: (scales[from] as number) / (scales[to] as number) };
  });
}
