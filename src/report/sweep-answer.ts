import {
  formatBytes,
  formatChange,
  formatCosine,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatRatio,
  formatShare,
} from './format.ts';
import type { PointFigures, PointLatency, StudyPoint, SweepReport, SweepSeries } from './study.ts';
import { dropOf, type Yardstick, yardstickOf } from './study-quality.ts';

/** What may be lost for an amount to count as cheap: one percentage point of right answers or of agreement, 0.01 of the cosine. */
export const CHEAP_DROP = 0.01;

/** What a line of a sweep says, in words. */
export interface SeriesAnswer {
  /** The series' name. */
  readonly name: string;
  /** The largest amount that costs at most `CHEAP_DROP`, as all smaller ones that were measured do; null where there is none above 0. */
  readonly amount: number | null;
  /** A sentence without its full stop, to be read behind the name: "40% can leave for at most …". */
  readonly text: string;
}

/** The answer to what a sweep asks, line by line: how much can be removed, and whether size and time follow. Plain text. */
export function sweepAnswer(report: SweepReport): readonly SeriesAnswer[] {
  const by = yardstickOf(report);
  return report.series.map((series) => answerOf(report, series, by));
}

function answerOf(report: SweepReport, series: SweepSeries, by: Yardstick | null): SeriesAnswer {
  const { name, points } = series;
  const measured = points.flatMap((point) => measure(report, point, by));
  const tried = measured.filter(({ point }) => point.amount > 0);
  const [smallest] = tried;
  const nothing = (text: string): SeriesAnswer => ({ name, amount: null, text });
  if (points.every(({ figures }) => figures === null)) return nothing('every run failed, for the reasons given');
  if (by === null || smallest === undefined)
    return nothing('no quality was measured of any amount above 0%, so nothing can be said of what it costs');
  const broken = measured.findIndex(({ drop }) => !(drop <= CHEAP_DROP));
  const cheap = measured.slice(0, broken === -1 ? undefined : broken);
  const best = cheap.at(-1);
  if (best === undefined || best.point.amount === 0)
    return nothing(
      `no amount that was tried costs as little as ${budget(by)}: ${formatShare(smallest.point.amount)} already costs ${cost(smallest.drop, by)}`,
    );
  const { amount, reached } = best.point;
  const verb = series.of === 'channels' ? 'of channels can leave' : 'of weights can be zero';
  const exactly = Math.abs(reached - amount) < 0.005 ? '' : ` (${formatPercent(reached)} did)`;
  const all = broken === -1 ? ', and no larger amount was measured' : '';
  const text = `${formatShare(amount)} ${verb}${exactly} for at most ${budget(by)}${all}: ${[
    qualityText(report, best.figures, by),
    speedText(best.figures.latency),
    ...sizeTexts(report, best.figures),
  ].join('; ')}`;
  return { name, amount, text };
}

interface Measured {
  readonly point: StudyPoint;
  readonly figures: PointFigures;
  readonly drop: number;
}

/** A point and its drop, or nothing where either is missing. */
function measure({ original }: SweepReport, point: StudyPoint, by: Yardstick | null): Measured[] {
  const { figures } = point;
  const drop = figures === null || by === null ? null : dropOf(original.quality, figures.quality, by);
  return figures === null || drop === null ? [] : [{ point, figures, drop }];
}

function budget(by: Yardstick): string {
  return by === 'cosine' ? `${CHEAP_DROP} of the cosine` : `1 point of ${by}`;
}

function cost(drop: number, by: Yardstick): string {
  return by === 'cosine' ? `${drop.toFixed(3)} of it` : `${(drop * 100).toFixed(2)} points`;
}

function qualityText({ original }: SweepReport, { quality }: PointFigures, by: Yardstick): string {
  const [before, after] = [original.quality[by] ?? 1, quality[by] ?? Number.NaN];
  if (by === 'cosine') return `cosine ${formatCosine(after)}`;
  if (by === 'agreement') return `${formatPercent(after)} of answers as the original's`;
  return `accuracy ${formatPercent(before)} → ${formatPercent(after)} (${formatPoints(after - before)})`;
}

function speedText(latency: PointLatency | null): string {
  if (latency === null) return 'speed not measured';
  const { significant, speedUp, original, median } = latency;
  if (!significant) return `no significant change of speed (${formatRatio(speedUp)})`;
  const times = `${formatMilliseconds(original)} → ${formatMilliseconds(median)}`;
  return speedUp < 1
    ? `slower, ${formatRatio(speedUp)} the speed (${times})`
    : `${formatRatio(speedUp)} as fast (${times})`;
}

function sizeTexts({ original: { size: before } }: SweepReport, { size: after }: PointFigures): string[] {
  const pairs: readonly (readonly [string, number | null, number | null])[] = [
    ['file', before.fileBytes, after.fileBytes],
    ['gzip', before.gzipBytes, after.gzipBytes],
  ];
  return pairs.flatMap(([what, from, to]) => {
    if (from === null || to === null) return [];
    if (from === to) return [`${what} as before`];
    return [`${what} ${formatBytes(from)} → ${formatBytes(to)} (${formatChange(from, to)})`];
  });
}
