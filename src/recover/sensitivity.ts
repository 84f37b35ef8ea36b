import { type MeasuredLoss, throughMeasured } from '../budget/through-measured.ts';
import type { RuleLookup } from '../channels/couplings.ts';
import type { ChannelMap, Group } from '../channels/group.ts';
import type { UnitRanking } from '../criteria/criterion.ts';
import type { Model } from '../ir/model.ts';
import type { Node } from '../ir/node.ts';
import type { Activations } from './activations.ts';
import type { MeasuredReading } from './readings.ts';
import { standInFor } from './stand-in.ts';
import { StandInRuns } from './stand-in-runs.ts';

/** What is known of the channels that may leave. */
export interface Ranked {
  readonly map: ChannelMap;
  readonly readings: ReadonlyMap<Node, MeasuredReading>;
  readonly rankings: ReadonlyMap<Group, UnitRanking>;
}

/** What measuring needs. */
export interface SensitivityTools {
  readonly activations: Activations;
  readonly ruleOf: RuleLookup;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** Parts of a group's units that are taken out; the last one alone where there are many groups. */
const PARTS = [0.25, 0.5];
const MANY_GROUPS = 64;
/** Samples that are run for one measurement at most and at least, and for all of them. */
const MOST_SAMPLES = 128;
const LEAST_SAMPLES = 16;
const ALL_SAMPLES = 2 ** 14;

/**
 * Measures what the outputs of a model lose when one group alone loses channels and the layers that read them make up for it:
 * an error in one layer fades on the way, that in another grows. Of each group a quarter and a half of the units are taken
 * out, on part of the data; only what is behind its readers runs anew. The error is E|y − ŷ|² over the variance of y, the
 * mean over outputs of floats. Where all groups together have n of them, at most max(2¹⁴, 16 · n) samples are run.
 * Source: the coefficients of Frantar and Alistarh, "SPDY: Accurate Pruning with Speedup Guarantees", 2022, which are searched
 * for there and measured here.
 *
 * @returns the losses of each ranking, in terms of the outputs; undefined where no output tells anything
 */
export async function measureSensitivity(
  model: Model,
  { map, readings, rankings }: Ranked,
  { activations, ruleOf, onProgress }: SensitivityTools,
): Promise<ReadonlyMap<Group, Float64Array> | undefined> {
  const parts = rankings.size > MANY_GROUPS ? PARTS.slice(-1) : PARTS;
  const samples = Math.round(ALL_SAMPLES / Math.max(1, rankings.size * parts.length));
  const runs = new StandInRuns(model, activations, ruleOf, {
    values: [...readings.values()].map(({ layer }) => layer.data.value),
    samples: Math.min(MOST_SAMPLES, Math.max(LEAST_SAMPLES, samples)),
  });
  if (!(await runs.start())) return undefined;
  const todo = [...rankings].map(([group, ranking]) => {
    const readers = readersOf(group, map, readings);
    return { group, ranking, readers, time: runs.timeOf(readers.map(({ reading }) => reading)) };
  });
  todo.sort((a, b) => a.time - b.time);
  const losses = new Map<Group, Float64Array>();
  for (const [index, { group, ranking, readers, time }] of todo.entries()) {
    onProgress?.(index, todo.length);
    await runs.advance(time);
    const measured: MeasuredLoss[] = [];
    for (const gone of new Set(parts.map((part) => Math.round(group.count * part)))) {
      if (gone < 1 || gone >= group.count) continue;
      const leaving = leastOf(ranking, gone);
      const standIns = readers.map(({ reading, units }) => {
        const affine = ruleOf(reading.node).takesBias?.(reading.node) ?? false;
        return [reading, standInFor(reading, group, units, leaving, affine)] as const;
      });
      const loss = await runs.errorWith(standIns, time);
      // What no output of floats tells anything of counts as what the readers lose.
      if (loss > 0) measured.push({ gone, loss });
    }
    losses.set(group, throughMeasured(ranking.losses, measured));
  }
  onProgress?.(todo.length, todo.length);
  await runs.finish();
  return losses;
}

/** The layers that were measured and read units of a group, with the unit of each channel that they read. */
function readersOf(
  group: Group,
  map: ChannelMap,
  readings: ReadonlyMap<Node, MeasuredReading>,
): { readonly reading: MeasuredReading; readonly units: Int32Array }[] {
  return [...readings.values()].flatMap((reading) => {
    const units = map.unitsAlong(reading.layer.data);
    const reads = units?.some((unit) => unit >= group.first && unit < group.first + group.count);
    return units !== undefined && reads ? [{ reading, units }] : [];
  });
}

/** Flags for the units that leave first. */
function leastOf({ scores }: UnitRanking, count: number): Uint8Array {
  const leaving = new Uint8Array(scores.length);
  const order = [...scores.keys()].sort((a, b) => (scores[a] as number) - (scores[b] as number) || b - a);
  for (const unit of order.slice(0, count)) leaving[unit] = 1;
  return leaving;
}
