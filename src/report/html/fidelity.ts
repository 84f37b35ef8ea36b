import type { Accuracy, OutputComparison, Regression } from '../../runtime/index.ts';
import {
  formatCosine,
  formatCount,
  formatError,
  formatInteger,
  formatLoss,
  formatPercent,
  formatPoints,
} from '../format.ts';
import type { FidelityReport } from '../report.ts';
import { callout, name, points } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html } from './template.ts';
import type { Tile } from './tiles.ts';

/**
 * How far the result is from the original: right answers, then output by output.
 * @param models what both are called
 */
export function fidelityParts(
  fidelity: FidelityReport,
  between: string,
  models: readonly [string, string] = ['Before', 'After'],
): Html {
  const { on, samples, outputs, accuracy, regression, uncompared, notes = [] } = fidelity;
  const ranked = outputs.some(({ argmaxAgreement }) => isNumber(argmaxAgreement));
  return html`<p>${between}, on ${on}, ${formatCount(samples, 'sample')}.</p>${
    on === 'random inputs' && callout('warn', 'Random inputs tell little about accuracy: give real data with --test.')
  }${accuracy !== null && accuracyTable(accuracy, models)}${regression !== null && regressionTable(regression, models)}${table(
    {
      caption: 'Outputs, compared element by element',
      noun: 'output',
      columns: [
        { title: 'Output' },
        { title: 'Cosine', as: 'number' },
        { title: 'Relative L2', as: 'number' },
        { title: 'Largest error', as: 'number' },
        ...(ranked ? [{ title: 'Same arg-max', as: 'number' } as const] : []),
        { title: 'Elements that differ', as: 'number' },
      ],
      rows: outputs.map((output) => [
        name(output.name),
        figure(output.cosine, formatCosine),
        figure(output.relativeL2, formatError),
        figure(output.maxAbsError, formatError),
        ...(ranked ? [figure(output.argmaxAgreement, formatPercent)] : []),
        figure(output.count === 0 ? null : output.mismatches / output.count, formatPercent),
      ]),
    },
  )}${points([...outputs.flatMap(remarks), ...uncompared.map(({ name: output, reason }) => html`${name(output)} was not compared: ${reason}`), ...notes.map((note) => html`${note}`)])}`;
}

/** The one number that says how good the result is: accuracy, else an error, else agreement, else the worst cosine. */
export function qualityTile({ accuracy, regression, outputs, on }: FidelityReport): Tile | null {
  if (accuracy !== null && accuracy.total > 0) {
    const { hitsA, hitsB, total } = accuracy;
    const tone = hitsB < hitsA ? {} : ({ tone: 'good' } as const);
    return {
      label: 'Accuracy (top-1)',
      was: formatPercent(hitsA / total),
      value: formatPercent(hitsB / total),
      note: `${formatPoints((hitsB - hitsA) / total)} · ${formatInteger(total)} answers, ${on}`,
      ...tone,
    };
  }
  if (regression !== null) {
    const { mseA, mseB } = regression;
    return { label: 'Mean squared error', was: formatLoss(mseA), value: formatLoss(mseB), note: on };
  }
  const agreements = outputs.flatMap(({ argmaxAgreement }) => (isNumber(argmaxAgreement) ? [argmaxAgreement] : []));
  if (agreements.length > 0)
    return {
      label: 'Same answers as the original',
      value: formatPercent(Math.min(...agreements)),
      note: `arg-max, ${on}`,
    };
  const cosines = outputs.flatMap(({ cosine }) => (isNumber(cosine) ? [cosine] : []));
  if (cosines.length === 0) return null;
  return { label: 'Cosine with the original', value: formatCosine(Math.min(...cosines)), note: `worst output, ${on}` };
}

function accuracyTable(
  { output, total, hitsA, hitsB, top5A, top5B, lossA, lossB }: Accuracy,
  models: readonly [string, string],
): Html | null {
  if (total === 0) return callout('warn', 'No accuracy: there are no labelled elements.');
  const row = (what: string, before: number, after: number) => [
    what,
    figure(before / total, formatPercent),
    figure(after / total, formatPercent),
    formatPoints((after - before) / total),
  ];
  return table({
    caption: `Right answers among ${formatInteger(total)}, by output ${output}`,
    noun: 'figure',
    columns: [
      { title: 'Figure' },
      { title: models[0], as: 'number' },
      { title: models[1], as: 'number' },
      { title: 'Change', as: 'number' },
    ],
    rows: [
      row('Top-1 accuracy', hitsA, hitsB),
      ...(isNumber(top5A) && isNumber(top5B) ? [row('Top-5 accuracy', top5A, top5B)] : []),
      // Of answers without scores there is none.
      ...(Number.isFinite(lossA)
        ? [
            [
              'Loss (cross-entropy, nats)',
              figure(lossA, formatLoss),
              figure(lossB, formatLoss),
              difference(lossA, lossB),
            ],
          ]
        : []),
    ],
  });
}

function regressionTable({ output, total, mseA, mseB }: Regression, models: readonly [string, string]): Html | null {
  return table({
    caption: `Mean squared error over ${formatInteger(total)} elements, by output ${output}`,
    noun: 'figure',
    columns: [
      { title: 'Figure' },
      { title: models[0], as: 'number' },
      { title: models[1], as: 'number' },
      { title: 'Change', as: 'number' },
    ],
    rows: [['Mean squared error', figure(mseA, formatLoss), figure(mseB, formatLoss), difference(mseA, mseB)]],
  });
}

function difference(before: number, after: number): string {
  if (!isNumber(before) || !isNumber(after)) return '–';
  return before === after ? 'same' : `${after < before ? '-' : '+'}${formatLoss(Math.abs(after - before))}`;
}

function remarks(output: OutputComparison): Html[] {
  const { a, b, agree } = output.nonFinite;
  const shown = name(output.name);
  return [
    ...(output.problem ? [html`${shown}: ${output.problem}`] : []),
    ...(a > 0 || b > 0
      ? [
          html`${shown}: NaN or infinite elements: ${formatInteger(a)} before, ${formatInteger(b)} after${agree && ', at the same places'}`,
        ]
      : []),
    ...(output.constant && !output.problem
      ? [html`${shown} is the same number everywhere on these data, which makes its figures say little`]
      : []),
  ];
}

/** Reports that were read from JSON have null where a number was none. */
function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number';
}
