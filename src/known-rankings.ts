import type { ChannelMap, Group } from './channels/group.ts';
import type { UnitRanking } from './criteria/criterion.ts';
import { present } from './errors.ts';

/** How the units of a group are ranked by measurement; undefined where no layer that was measured reads them. */
export type MeasuredRanking = (group: Group) => UnitRanking | undefined;

/**
 * Rankings of the channels of one model, so that runs which all begin with it measure once. Clones of a model have the
 * same groups in the same order, and the first run ranks all of them that any run asks for, since amounts have no say in
 * that.
 */
export class KnownRankings {
  readonly #known = new Map<string, Promise<Known>>();

  /**
   * The rankings of a map's groups; undefined where nothing is measured.
   * @param map of the model itself, or of a clone of it
   * @param measure tells how groups of that very map are ranked, as long as the model stays as it is
   */
  async of(map: ChannelMap, measure: () => Promise<MeasuredRanking | undefined>): Promise<MeasuredRanking | undefined> {
    const key = JSON.stringify(map.groups.map(({ name, first, count }) => [name, first, count]));
    const known = this.#known.get(key);
    if (known !== undefined) return again(await known);
    const first = measure().then((ranking) => ({ ranking, found: new Map() }));
    this.#known.set(key, first);
    return firstTime(await first);
  }
}

interface Known {
  /** Measures a group of the first run's; gone once that is over, with all that it holds. */
  ranking: MeasuredRanking | undefined;
  /** By the first unit of the group. */
  readonly found: Map<number, { readonly units: UnitRanking | undefined }>;
}

function firstTime({ ranking, found }: Known): MeasuredRanking | undefined {
  if (ranking === undefined) return undefined;
  return (group) => {
    const known = found.get(group.first) ?? { units: ranking(group) };
    found.set(group.first, known);
    return known.units;
  };
}

function again(known: Known): MeasuredRanking | undefined {
  known.ranking = undefined;
  const { found } = known;
  if (found.size === 0) return undefined;
  return (group) => present(found.get(group.first), `the ranking of ${group.name}`).units;
}
