import { formatBytes, formatCosine, formatMilliseconds, formatPercent, formatRatio } from '../format.ts';
import type { PointFigures, Quality, SweepReport } from '../study.ts';
import { fromZero, logRange, looseRange, wantsLog, whiskerRange } from './axis-range.ts';
import type { Chart } from './chart.ts';
import type { Level, Line } from './line-data.ts';
import { byteUnit, changeText, numberText, pointsText } from './number-text.ts';
import { onePanel, sideBySide } from './sweep-panels.ts';
import { anyPoint, failedText, percentOf, sweepLines, sweepTable } from './sweep-points.ts';

/** How good the models are, by whatever is known of them. */
interface Goodness {
  readonly name: 'accuracy' | 'agreement' | 'cosine';
  readonly title: string;
  readonly axis: string;
  readonly of: (quality: Quality) => number | null;
  readonly text: (value: number) => string;
  /** What the axis counts in. */
  readonly scale: 1 | 100;
  /** What the axis spans at least. */
  readonly leastSpan: number;
}

const GOODNESS: readonly Goodness[] = [
  {
    name: 'accuracy',
    title: 'Accuracy by amount',
    axis: 'top-1 accuracy (%)',
    of: (quality) => quality.accuracy,
    text: formatPercent,
    scale: 100,
    leastSpan: 1,
  },
  {
    name: 'agreement',
    title: 'Agreement with the original by amount',
    axis: "answers that are the original's (%)",
    of: (quality) => quality.agreement,
    text: formatPercent,
    scale: 100,
    leastSpan: 1,
  },
  {
    name: 'cosine',
    title: 'Cosine with the original by amount',
    axis: 'smallest cosine of any output',
    of: (quality) => quality.cosine,
    text: formatCosine,
    scale: 1,
    leastSpan: 0.0001,
  },
];

/**
 * How good the pruned models are against the amount: top-1 accuracy; without labels the agreement with the original's answers;
 * without classes the smallest cosine. The axis need not begin at 0, and then says so.
 * @returns null where no point has any of them
 */
export async function accuracyChart(report: SweepReport): Promise<Chart | null> {
  const kind = GOODNESS.find(({ of }) => of(report.original.quality) !== null);
  return kind === undefined ? null : await goodnessChart(report, kind);
}

/**
 * The smallest cosine against the amount, where `accuracyChart` shows agreement: answers may stay the original's though outputs do not.
 * @returns null in all other cases
 */
export async function cosineChart(report: SweepReport): Promise<Chart | null> {
  const { accuracy, agreement } = report.original.quality;
  const kind = GOODNESS.find(({ name }) => name === 'cosine');
  return kind === undefined || accuracy !== null || agreement === null ? null : await goodnessChart(report, kind);
}

async function goodnessChart(report: SweepReport, kind: Goodness): Promise<Chart | null> {
  const original = kind.of(report.original.quality);
  if (original === null) return null;
  const { text, scale, name } = kind;
  const goodnessOf = ({ quality }: PointFigures): number | null => kind.of(quality);
  const loss = (value: number): string => (scale === 100 ? ` (${pointsText(value - original)} points)` : '');
  const said = (figures: PointFigures): string => {
    const value = goodnessOf(figures);
    return value === null ? '' : `${text(value)}${loss(value)}`;
  };
  const lines = sweepLines(report, {
    value: (figures) => scaled(goodnessOf(figures), scale),
    says: (figures) => `${name} ${said(figures)}`,
  });
  if (!anyPoint(lines)) return null;
  const yDomain = looseRange([...valuesOf(lines), original * scale], kind.leastSpan, scale);
  const level: Level = {
    value: original * scale,
    label: `original ${text(original)}`,
    title: `The original: ${name} ${text(original)}`,
  };
  const cut = yDomain[0] > 0 ? ` \u2014 the axis does not start at 0` : '';
  const panel = { yLabel: `${kind.axis}${cut}`, yDomain, log: false, lines, level };
  const summary = `How ${name} changes with the amount asked, ${seriesText(lines)}; the original stands at ${text(original)}${bestText(lines, 'highest', (y) => text(y / scale))}${failedText(lines)}.`;
  return {
    title: kind.title,
    summary,
    svg: await onePanel(report, panel, `${kind.title}. ${summary}`),
    table: sweepTable(report, [name, ...(scale === 100 ? ['points'] : [])], (figures) => {
      const value = goodnessOf(figures);
      if (value === null) return scale === 100 ? ['', ''] : [''];
      return scale === 100 ? [text(value), pointsText(value - original)] : [text(value)];
    }),
  };
}

/**
 * The loss against the amount: mean cross-entropy, or mean squared error where labels are numbers. Logarithmic where it spans
 * more than 30 times.
 * @returns null without labels
 */
export async function lossChart(report: SweepReport): Promise<Chart | null> {
  const original = report.original.quality.loss;
  if (original === null) return null;
  const squared = report.original.quality.accuracy === null;
  const name = squared ? 'mean squared error' : 'cross-entropy';
  const lines = sweepLines(report, {
    value: ({ quality }) => quality.loss,
    says: ({ quality }) => (quality.loss === null ? '' : `${name} ${numberText(quality.loss)}`),
  });
  if (!anyPoint(lines)) return null;
  const values = [...valuesOf(lines), original];
  const log = wantsLog(values);
  const axis = squared ? 'mean squared error' : 'mean cross-entropy (nats)';
  const level: Level = {
    value: original,
    label: `original ${numberText(original)}`,
    title: `The original: ${name} ${numberText(original)}`,
  };
  const panel = {
    yLabel: log ? `${axis}, logarithmic` : axis,
    yDomain: log ? logRange(values) : fromZero(values),
    log,
    lines,
    level,
  };
  const title = 'Loss by amount';
  const summary = `How the ${axis} changes with the amount asked${log ? ', on a logarithmic axis' : ''}, ${seriesText(lines)}; the original stands at ${numberText(original)}${bestText(lines, 'lowest', numberText)}${failedText(lines)}.`;
  return {
    title,
    summary,
    svg: await onePanel(report, panel, `${title}. ${summary}`),
    table: sweepTable(report, [axis], ({ quality }) => [quality.loss === null ? '' : numberText(quality.loss)]),
  };
}

/** Bytes of the files, and of the files after gzip where they were measured, against the amount. @returns null where every run failed */
export async function sizeChart(report: SweepReport): Promise<Chart | null> {
  const { size } = report.original;
  const measures = [
    { name: 'file', of: ({ fileBytes }: PointFigures['size']): number | null => fileBytes },
    { name: 'after gzip', of: ({ gzipBytes }: PointFigures['size']): number | null => gzipBytes },
  ].flatMap(({ name, of }) => {
    const original = of(size);
    if (original === null) return [];
    const said = (bytes: number | null): string =>
      bytes === null ? '' : `${formatBytes(bytes)} (${changeText(original, bytes)})`;
    const lines = sweepLines(report, { value: (f) => of(f.size), says: (f) => `${name} ${said(of(f.size))}` });
    return anyPoint(lines) ? [{ name, of, original, said, lines }] : [];
  });
  const first = measures[0];
  if (first === undefined) return null;
  const unit = byteUnit(Math.max(...measures.flatMap(({ lines, original }) => [...valuesOf(lines), original])));
  const yDomain = fromZero(
    measures.flatMap(({ lines, original }) => [...valuesOf(lines), original]).map((y) => y / unit.size),
  );
  const panels = measures.map(({ name, original, lines }) => ({
    yLabel: `${name} (${unit.name})`,
    yDomain,
    log: false,
    lines: lines.map((line) => ({
      ...line,
      points: line.points.map((point) => ({ ...point, y: point.y / unit.size })),
    })),
    level: {
      value: original / unit.size,
      label: 'original',
      title: `The original: ${name} ${formatBytes(original)}`,
    },
  }));
  const title = 'Size by amount';
  const originals = measures.map(({ name, original }) => `${name} ${formatBytes(original)}`).join(', ');
  const summary = `How the size of the file${measures.length > 1 ? ', as it is and after gzip,' : ''} changes with the amount asked, ${seriesText(first.lines)}; the original: ${originals}${failedText(first.lines)}.`;
  return {
    title,
    summary,
    svg: await sideBySide(report, panels, `${title}. ${summary}`),
    table: sweepTable(
      report,
      measures.map(({ name }) => name),
      (figures) => measures.map(({ of, said }) => said(of(figures.size))),
    ),
  };
}

/**
 * Milliseconds per run against the amount: medians with whiskers from the 10th to the 90th percentile. Points whose speed-up may be
 * chance are hollow; the original is a rule at the median of the medians it had beside each point, and a band over all of those.
 * @returns null where nothing was timed
 */
export async function latencyChart(report: SweepReport): Promise<Chart | null> {
  const said = ({ latency }: PointFigures): string =>
    latency === null
      ? ''
      : `median ${formatMilliseconds(latency.median)} (p10 ${formatMilliseconds(latency.p10)}, p90 ${formatMilliseconds(latency.p90)}), ${formatRatio(latency.speedUp)} as fast as the original${latency.significant ? '' : ', which may be chance'}`;
  const lines = sweepLines(report, { value: ({ latency }) => latency?.median ?? null, says: said }, ({ latency }) =>
    latency === null ? {} : { span: [latency.p10, latency.p90], hollow: !latency.significant },
  );
  if (!anyPoint(lines)) return null;
  const originals = report.series
    .flatMap((series) => series.points.flatMap(({ figures }) => figures?.latency?.original ?? []))
    .sort((a, b) => a - b);
  const original = originals[Math.floor((originals.length - 1) / 2)] ?? Number.NaN;
  const range = [originals[0] ?? original, originals.at(-1) ?? original] as const;
  const threads = report.threads === null ? '' : `, ${report.threads === 1 ? '1 thread' : `${report.threads} threads`}`;
  const level: Level = {
    value: original,
    span: range,
    label: `original ${formatMilliseconds(original)}`,
    title: `The original: median ${formatMilliseconds(original)}, from ${formatMilliseconds(range[0])} to ${formatMilliseconds(range[1])} beside the single points`,
  };
  const tops = lines.flatMap((line) => line.points.map((point) => point.span?.[1] ?? point.y));
  const { range: yDomain, isCut } = whiskerRange([...valuesOf(lines), original], [...tops, range[1]]);
  const panel = {
    yLabel: `ms per run${threads}: median, p10 to p90${isCut ? ' (cut at the top)' : ''}; hollow where the change may be chance`,
    yDomain,
    log: false,
    lines,
    level,
  };
  const title = 'Latency by amount';
  const chance = lines.flatMap((line) => line.points).filter((point) => point.hollow === true).length;
  const summary = `How the time per run changes with the amount asked${threads}, ${seriesText(lines)}; the original takes ${formatMilliseconds(original)}${bestText(lines, 'lowest', formatMilliseconds)}${chance === 0 ? '' : `; ${chance} of the points may differ from it by chance alone (hollow)`}${failedText(lines)}.`;
  return {
    title,
    summary,
    svg: await onePanel(report, panel, `${title}. ${summary}`),
    table: sweepTable(report, ['median', 'p10', 'p90', 'speed-up', 'significant'], ({ latency }) =>
      latency === null
        ? ['', '', '', '', '']
        : [
            formatMilliseconds(latency.median),
            formatMilliseconds(latency.p10),
            formatMilliseconds(latency.p90),
            formatRatio(latency.speedUp),
            latency.significant ? 'yes' : 'no',
          ],
    ),
  };
}

function valuesOf(lines: readonly Line[]): number[] {
  return lines.flatMap((line) => line.points.map((point) => point.y));
}

function scaled(value: number | null, scale: 1 | 100): number | null {
  return value === null ? null : scale === 100 ? percentOf(value) : value;
}

function seriesText(lines: readonly Line[]): string {
  return lines.length === 1 ? `for "${lines[0]?.name ?? ''}"` : `for ${lines.length} series`;
}

/** Amounts that several series have a point of, where there are several. */
function sharedAmounts(lines: readonly Line[]): number[] {
  const counts = new Map<number, number>();
  for (const { x } of lines.flatMap((line) => line.points)) counts.set(x, (counts.get(x) ?? 0) + 1);
  return [...counts].filter(([, count]) => count > 1 || lines.length === 1).map(([x]) => x);
}

/** Which series does best at the largest amount that several have a point of; nothing where that is none. */
function bestText(lines: readonly Line[], best: 'highest' | 'lowest', text: (y: number) => string): string {
  const most = Math.max(...sharedAmounts(lines));
  const last = lines
    .flatMap((line) => line.points.filter((point) => point.x === most).map(({ y }) => ({ name: line.name, y })))
    .sort((a, b) => (best === 'highest' ? b.y - a.y : a.y - b.y))[0];
  if (last === undefined) return '';
  return lines.length === 1
    ? `, and at ${most}% it comes to ${text(last.y)}`
    : `, and at ${most}% "${last.name}" is ${best} with ${text(last.y)}`;
}
