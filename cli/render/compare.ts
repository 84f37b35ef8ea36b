import type { CompareReport } from '../../src/report/report.ts';
import { contextOf, joinSections, paragraph, type RenderOptions } from './context.ts';
import { renderFidelity } from './fidelity.ts';
import { renderFootprints } from './footprints.ts';
import { formatBytes, formatChange } from './format.ts';
import { renderGates } from './gates.ts';
import { renderLatency } from './latency.ts';
import { renderSizes } from './sizes.ts';
import { type Cell, renderTable } from './table.ts';
import { printable } from './text.ts';
import { BYTES_NOTE } from './totals.ts';

/**
 * How two models differ, for a person at a terminal.
 *
 * @returns lines of at most `width` columns, the last one ended too
 */
export function renderCompare(report: CompareReport, options: RenderOptions): string {
  const context = contextOf(options);
  const { a, b } = report;
  const columns = [
    { title: '' },
    { title: 'model', flexible: true },
    { title: 'file', align: 'right' },
    { title: 'change', align: 'right', optional: true },
  ] as const;
  const rows: Cell[][] = [
    ['A', { text: printable(a.path), paint: context.ink.bold }, formatBytes(a.fileBytes), ''],
    [
      'B',
      { text: printable(b.path), paint: context.ink.bold },
      formatBytes(b.fileBytes),
      formatChange(a.fileBytes, b.fileBytes) ?? '',
    ],
  ];
  return joinSections([
    [...renderTable(context, columns, rows, ''), ...paragraph(context, BYTES_NOTE, '', context.ink.dim)],
    renderGates(context, report.gates),
    renderFidelity(context, report.fidelity, 'B against A'),
    renderFidelity(context, report.onCalibration, 'B against A'),
    renderSizes(context, report.sizes),
    renderLatency(context, report.latency, ['A', 'B']),
    renderLatency(context, report.latencyAllCores, ['A', 'B']),
    renderFootprints(context, report),
  ]);
}
