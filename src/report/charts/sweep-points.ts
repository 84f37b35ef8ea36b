import type { PointFigures, StudyPoint, SweepReport, SweepSeries } from '../study.ts';
import type { FailedPoint, Line, LinePoint } from './line-data.ts';
import { amountText } from './number-text.ts';

/** What a sweep's chart shows of each point. */
export interface Measure {
  /** Null where it was not measured; such points are left out. */
  readonly value: (figures: PointFigures) => number | null;
  /** A value in words: "accuracy 97.2% (−0.7 points)". */
  readonly says: (figures: PointFigures) => string;
}

/** x of an amount: percent. Rounded, since 0.07 * 100 is not 7. */
export function percentOf(amount: number): number {
  return Number((amount * 100).toFixed(6));
}

/** The lines of a sweep by one measure, x in percent of what was asked. */
export function sweepLines(
  report: SweepReport,
  measure: Measure,
  detail: (figures: PointFigures) => Partial<LinePoint> = () => ({}),
): Line[] {
  return report.series.map((series) => {
    const points: LinePoint[] = [];
    const failed: FailedPoint[] = [];
    for (const point of series.points) {
      const x = percentOf(point.amount);
      if (point.figures === null) {
        failed.push({
          x,
          title: `${series.name}: ${amountText(point.amount)} asked; failed: ${point.problem ?? 'no reason given'}`,
        });
        continue;
      }
      const y = measure.value(point.figures);
      if (y === null || !Number.isFinite(y)) continue;
      points.push({ x, y, title: `${asked(series, point)}; ${measure.says(point.figures)}`, ...detail(point.figures) });
    }
    return { name: series.name, points, failed };
  });
}

function asked(series: SweepSeries, point: StudyPoint): string {
  return `${series.name}: ${amountText(point.amount)} asked, ${amountText(point.reached)} reached`;
}

/** The amounts that were asked for, in percent, ascending, each once. */
export function amountsAsked(report: SweepReport): number[] {
  const all = report.series.flatMap((series) => series.points.map((point) => percentOf(point.amount)));
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Whether any line has a point. */
export function anyPoint(lines: readonly Line[]): boolean {
  return lines.some((line) => line.points.length > 0);
}

/** How many runs failed, as a sentence's end; empty where none did. */
export function failedText(lines: readonly Line[]): string {
  const count = lines.reduce((sum, line) => sum + line.failed.length, 0);
  return count === 0 ? '' : `; ${count === 1 ? '1 run' : `${count} runs`} failed (crosses)`;
}

/** The table of a sweep's chart: a row per point; why runs failed is too long for it, and stands in tooltips and with the tables of all runs. */
export function sweepTable(
  report: SweepReport,
  columns: readonly string[],
  cells: (figures: PointFigures) => readonly string[],
): { columns: string[]; rows: string[][] } {
  const rows = report.series.flatMap((series) =>
    series.points.map(({ amount, reached, figures }) => {
      const values = figures === null ? columns.map((_, k) => (k === 0 ? 'failed' : '')) : cells(figures);
      return [series.name, amountText(amount), figures === null ? '' : amountText(reached), ...values];
    }),
  );
  return { columns: ['series', 'asked', 'reached', ...columns], rows };
}
