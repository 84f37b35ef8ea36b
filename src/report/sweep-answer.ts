import {
  formatBytes,
  formatChange,
  formatCosine,
  formatLoss,
  formatMilliseconds,
  formatPercent,
  formatPoints,
  formatRatio,
  formatShare,
} from './format.ts';
import type { PointFigures, PointLatency, StudyPoint, SweepReport, SweepSeries } from './study.ts';
import { cheapText, costOf, dropError, dropOf, type Yardstick, yardstickOf } from './study-quality.ts';

/** What a line of a sweep says, in words. */
export interface SeriesAnswer {
  /** The series' name. */
  readonly name: string;
  /** The largest amount that is cheap (see `costOf`), as all smaller ones that were measured are; null where there is none above 0. */
  readonly amount: number | null;
  /** A sentence without its full stop, to be read behind the name: "40% can leave for at most …". */
  readonly text: string;
}

/** Changes of the file's size below this are not worth a word. */
const WORTH_A_WORD = 0.01;

/** The answer to what a sweep asks, line by line: how much can be removed, and whether size and time follow. Plain text. */
export function sweepAnswer(report: SweepReport): readonly SeriesAnswer[] {
  const by = yardstickOf(report);
  return report.series.map((series) => answerOf(report, series, by));
}

function answerOf(report: SweepReport, series: SweepSeries, by: Yardstick | null): SeriesAnswer {
  const { name, points } = series;
  const measured = points.flatMap((point) => measure(report, point, by));
  const [smallest] = measured.filter(({ point }) => point.amount > 0);
  const nothing = (text: string): SeriesAnswer => ({ name, amount: null, text });
  if (points.every(({ figures }) => figures === null)) return nothing('every run failed, for the reasons given');
  if (by === null || smallest === undefined)
    return nothing('no quality was measured of any amount above 0%, so nothing can be said of what it costs');
  const broken = measured.findIndex(({ cost }) => !(cost <= 1));
  const best = measured.slice(0, broken === -1 ? undefined : broken).at(-1);
  const budget = cheapText(report, by);
  if (best === undefined || best.point.amount === 0)
    return nothing(
      `no amount that was tried costs as little as ${budget}: ${formatShare(smallest.point.amount)} already ${costText(report, smallest, by)}`,
    );
  const { amount } = best.point;
  const verb = series.of === 'channels' ? 'of channels can leave' : 'of weights can be zero';
  const beyond = broken === -1 ? ', and no larger amount was measured' : beyondText(report, measured.slice(broken), by);
  const text = `${shareText(best.point, verb)} for at most ${budget}${beyond}: ${[
    qualityText(report, best.figures, by),
    speedText(best.figures.latency),
    ...sizeTexts(report, best.figures),
    ...tidyingTexts(report, points),
  ].join('; ')}`;
  return { name, amount, text };
}

/** Whether what was reached is not what was asked for: what can leave is what left. */
export function isMissed({ amount, reached }: StudyPoint): boolean {
  return Math.abs(reached - amount) >= 0.005;
}

function shareText(point: StudyPoint, verb: string): string {
  const { amount, reached } = point;
  return isMissed(point)
    ? `${formatPercent(reached)} ${verb} (${formatShare(amount)} asked)`
    : `${formatShare(amount)} ${verb}`;
}

interface Measured {
  readonly point: StudyPoint;
  readonly figures: PointFigures;
  /** See `costOf`. */
  readonly cost: number;
}

/** A point and what it costs, or nothing where either is missing. */
function measure({ original }: SweepReport, point: StudyPoint, by: Yardstick | null): Measured[] {
  const { figures } = point;
  const cost = figures === null || by === null ? null : costOf(original.quality, figures.quality, by);
  return figures === null || cost === null ? [] : [{ point, figures, cost }];
}

/** What the next amount costs, and whether a larger one is cheap again. @param rest from the first on that is not cheap */
function beyondText(report: SweepReport, [next, ...larger]: readonly Measured[], by: Yardstick): string {
  if (next === undefined) return '';
  const again = larger.find(({ cost }) => cost <= 1);
  const though = again === undefined ? '' : `, though ${formatShare(again.point.amount)} keeps to it again`;
  return ` (${formatShare(next.point.amount)} ${costText(report, next, by)}${though})`;
}

function costText({ original }: SweepReport, { figures: { quality } }: Measured, by: Yardstick): string {
  const drop = dropOf(original.quality, quality, by) ?? 0;
  if (by === 'cosine') return `costs ${drop.toFixed(3)} of it`;
  if (by === 'loss')
    return Number.isFinite(drop) ? `brings ${(drop * 100).toFixed(1)}% more` : 'brings an error that is no number';
  const bent = by === 'agreement' ? dropOf(original.quality, quality, 'cosine') : null;
  return `costs ${(drop * 100).toFixed(2)} points${bent === null ? '' : ` and ${bent.toFixed(3)} of the cosine`}`;
}

function qualityText(report: SweepReport, { quality }: PointFigures, by: Yardstick): string {
  const { original } = report;
  const [before, after] = [original.quality[by] ?? 1, quality[by] ?? Number.NaN];
  const cosine = quality.cosine === null ? [] : [`cosine ${formatCosine(quality.cosine)}`];
  if (by === 'cosine') return cosine.join('');
  if (by === 'agreement') return [`${formatPercent(after)} of answers as the original's`, ...cosine].join(', ');
  if (by === 'loss') {
    const change = formatChange(before, after);
    return `mean squared error ${formatLoss(before)} → ${formatLoss(after)}${change === undefined ? '' : ` (${change})`}`;
  }
  const error = dropError({ ...report, by }, quality);
  const chance = error === null ? '' : `, standard error at most ${(error * 100).toFixed(2)}`;
  return `accuracy ${formatPercent(before)} → ${formatPercent(after)} (${formatPoints(after - before)}${chance})`;
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

/** What is gained by tidying up alone, where 0% was measured: nobody should take it for what pruning gains. */
function tidyingTexts({ original: { size } }: SweepReport, points: readonly StudyPoint[]): string[] {
  const figures = points.find(({ amount }) => amount === 0)?.figures;
  if (figures == null) return [];
  const { latency } = figures;
  const [from, to] = [size.fileBytes, figures.size.fileBytes];
  const gains = [
    ...(Math.abs(to / from - 1) < WORTH_A_WORD ? [] : [`file ${formatBytes(to)}`]),
    ...(latency?.significant === true ? [speedText(latency)] : []),
  ];
  return gains.length === 0 ? [] : [`without removing any (0%): ${gains.join(', ')}`];
}
