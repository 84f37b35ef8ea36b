import { freedBy } from '../sensitivity-answer.ts';
import type { PointFigures, SensitivityReport, StudyPoint, SweepReport } from '../study.ts';
import { dropError, dropOf } from '../study-quality.ts';
import { listCell, type Sheet, textCell, type Value } from './cells.ts';

const FIGURES = [
  ...['amount', 'reached', 'accuracy', 'top5', 'loss', 'agreement', 'cosine'],
  ...['parameters', 'non_zeros', 'macs', 'macs_unknown', 'nodes', 'file_bytes', 'gzip_bytes'],
  ...[
    'median_ms',
    'p10_ms',
    'p90_ms',
    'original_ms',
    'speed_up',
    'speed_up_p25',
    'speed_up_p75',
    'significant',
    'problem',
  ],
];

/** A row for each point of a sweep, the original in the first. */
export function sweepSheet({ series, original }: SweepReport): Sheet {
  const choices = [...new Set(series.flatMap((each) => Object.keys(each.choices)))].map((name) => ({
    name,
    column: `choice_${snake(name)}`,
  }));
  const first = {
    series: 'original',
    ...pointRow({ amount: 0, reached: 0, problem: null, figures: { ...original, latency: null } }),
  };
  return {
    columns: ['series', 'of', ...choices.map(({ column }) => column), ...FIGURES],
    rows: [
      first,
      ...series.flatMap((each) =>
        each.points.map((point) => ({
          series: textCell(each.name),
          of: each.of,
          ...Object.fromEntries(choices.map(({ name, column }) => [column, textCell(each.choices[name] ?? '')])),
          ...pointRow(point),
        })),
      ),
    ],
  };
}

/** A row for each layer and amount of a study of sensitivity. */
export function sensitivitySheet(report: SensitivityReport): Sheet {
  const { rows, of, by } = report;
  const own = ['layer', 'made_by', 'of', 'part', 'size', 'unit', 'bears', 'by'];
  return {
    columns: [...own, 'drop', 'drop_standard_error', 'parameters_freed', 'macs_freed', ...FIGURES],
    rows: rows.flatMap(({ name, nodes, size, unit, part, bears, points }) =>
      points.map((point) => ({
        layer: textCell(name),
        made_by: listCell(nodes),
        of,
        part,
        size,
        unit,
        bears,
        by,
        ...(point.figures !== null && gainAndLoss(report, point.figures)),
        ...pointRow(point),
      })),
    ),
  };
}

function gainAndLoss(report: SensitivityReport, figures: PointFigures): Readonly<Record<string, Value>> {
  const { parameters, macs } = freedBy(report, figures);
  return {
    drop: dropOf(report.original.quality, figures.quality, report.by),
    drop_standard_error: dropError(report, figures.quality),
    parameters_freed: parameters,
    macs_freed: macs,
  };
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace(/-/g, '_');
}

function pointRow({ amount, reached, figures, problem }: StudyPoint): Readonly<Record<string, Value>> {
  if (figures === null) return { amount, problem: textCell(problem ?? '') };
  const { size, quality, latency } = figures;
  return {
    amount,
    reached,
    ...quality,
    parameters: size.parameters,
    non_zeros: size.nonZeros,
    macs: size.macs,
    macs_unknown: size.macsUnknown,
    nodes: size.nodes,
    file_bytes: size.fileBytes,
    gzip_bytes: size.gzipBytes,
    ...(latency !== null && {
      median_ms: latency.median,
      p10_ms: latency.p10,
      p90_ms: latency.p90,
      original_ms: latency.original,
      speed_up: latency.speedUp,
      speed_up_p25: latency.p25,
      speed_up_p75: latency.p75,
      significant: latency.significant,
    }),
    problem: problem === null ? null : textCell(problem),
  };
}
