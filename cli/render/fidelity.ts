import type { FidelityReport } from '../../src/report/report.ts';
import type { Accuracy, OutputComparison, Regression } from '../../src/runtime/index.ts';
import { type Context, marked, paragraph, section } from './context.ts';
import { formatCosine, formatCount, formatError, formatInteger, formatLoss, formatPercent } from './format.ts';
import { folded, head, LONGEST_TABLE } from './lists.ts';
import { type Cell, type Column, renderTable } from './table.ts';
import { printable } from './text.ts';

/** How far the result is from the original, on which data. */
export function renderFidelity(context: Context, fidelity: FidelityReport | null, between: string): string[] {
  if (fidelity === null) return [];
  const { ink } = context;
  const { on, samples, outputs, accuracy, regression, uncompared, notes = [] } = fidelity;
  const comparable = outputs.filter(({ problem, count }) => problem === undefined || count > 0);
  const shown = head(context, comparable, LONGEST_TABLE);
  return section(context, 'Fidelity', [
    ...paragraph(context, `${between}, on ${on}, ${formatCount(samples, 'sample')}`, '  ', ink.dim),
    ...renderOutputs(context, shown),
    ...folded(context, comparable.length, shown.length, 'output'),
    ...outputs.flatMap((output) => remarks(context, output)),
    ...uncompared.flatMap(({ name, reason }) =>
      marked(context, ink.yellow('!'), `${printable(name)} was not compared: ${printable(reason)}`),
    ),
    ...notes.flatMap((note) => marked(context, ink.yellow('!'), printable(note))),
    ...(accuracy === null ? [] : renderAccuracy(context, accuracy)),
    ...(regression === null ? [] : renderRegression(context, regression)),
    ...(on === 'random inputs'
      ? marked(context, ink.yellow('!'), 'Random inputs tell little about accuracy: give real data with --test.')
      : []),
  ]);
}

function renderOutputs(context: Context, outputs: readonly OutputComparison[]): string[] {
  if (outputs.length === 0) return [];
  const discrete = outputs.some(({ cosine }) => cosine === undefined);
  const ranked = outputs.some(({ argmaxAgreement }) => argmaxAgreement !== undefined);
  const columns: Column[] = [
    { title: 'output', flexible: true },
    { title: 'cosine', align: 'right' },
    { title: 'relative L2', align: 'right' },
    { title: 'max error', align: 'right', optional: true },
    ...(ranked ? [{ title: 'same arg-max', align: 'right' } as const] : []),
    ...(discrete ? [{ title: 'differ', align: 'right' } as const] : []),
  ];
  const rows = outputs.map((output): Cell[] => [
    printable(output.name),
    show(output.cosine, formatCosine),
    show(output.relativeL2, formatError),
    show(output.maxAbsError, formatError),
    ...(ranked ? [show(output.argmaxAgreement, formatPercent)] : []),
    ...(discrete ? [output.cosine === undefined ? formatPercent(mismatchShare(output)) : '–'] : []),
  ]);
  return renderTable(context, columns, rows);
}

function mismatchShare({ count, mismatches }: OutputComparison): number {
  return count === 0 ? 0 : mismatches / count;
}

function show(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '–' : format(value);
}

function remarks(context: Context, output: OutputComparison): string[] {
  const { ink } = context;
  const name = printable(output.name);
  const { a, b, agree } = output.nonFinite;
  const lines: string[] = [];
  if (output.problem !== undefined)
    lines.push(...marked(context, ink.red('✗'), `${name}: ${printable(output.problem)}`));
  if (a > 0 || b > 0) {
    const where = agree ? ', at the same places' : '';
    const text = `${name}: NaN or infinite elements: ${formatInteger(a)} before, ${formatInteger(b)} after${where}`;
    lines.push(...marked(context, agree ? ink.yellow('!') : ink.red('✗'), text));
  }
  if (output.constant && output.problem === undefined) {
    const text =
      output.count === 0
        ? `${name} has no elements on these data, which makes its figures say nothing`
        : `${name} is the same number everywhere on these data, which makes its figures say little`;
    lines.push(...marked(context, ink.yellow('!'), text));
  }
  return lines;
}

function renderAccuracy(context: Context, accuracy: Accuracy): string[] {
  const { ink } = context;
  const { output, total, hitsA, hitsB, top5A, top5B, lossA, lossB } = accuracy;
  if (total === 0) return marked(context, ink.yellow('!'), 'accuracy: no labelled elements');
  const points = ((hitsB - hitsA) / total) * 100;
  const text = hitsA === hitsB ? 'same' : `${points < 0 ? '-' : '+'}${Math.abs(points).toFixed(2)} points`;
  const change = hitsB < hitsA ? ink.yellow(text) : ink.green(text);
  const figures = `${formatPercent(hitsA / total)} → ${ink.bold(formatPercent(hitsB / total))} (${change})`;
  const counts = `${formatInteger(hitsA)} → ${formatInteger(hitsB)} of ${formatInteger(total)} right`;
  const topFive =
    top5A === null || top5B === null ? '' : `top-5 ${formatPercent(top5A / total)} → ${formatPercent(top5B / total)}, `;
  // A model that gives answers and no scores has none.
  const loss = Number.isFinite(lossA) ? `mean cross-entropy ${formatLoss(lossA)} → ${formatLoss(lossB)}` : '';
  return [
    ...paragraph(context, `accuracy ${figures}: ${counts}, by ${printable(output)}`),
    ...(loss === '' ? [] : paragraph(context, `${topFive}${loss}`)),
  ];
}

function renderRegression(context: Context, { output, total, mseA, mseB }: Regression): string[] {
  const change = mseB > mseA ? context.ink.yellow(formatError(mseB)) : context.ink.green(formatError(mseB));
  const of = `over ${formatInteger(total)} numbers of ${printable(output)}`;
  return paragraph(context, `mean squared error ${formatError(mseA)} → ${change}, ${of}`);
}
