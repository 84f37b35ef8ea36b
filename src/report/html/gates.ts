import { formatBytes, formatError, formatMilliseconds, formatPercent, formatRatio } from '../format.ts';
import type { GateReport } from '../gates.ts';
import { mark, name } from './section.ts';
import { table } from './table.ts';
import { type Html, html } from './template.ts';

/** How the gates came out, and by how much; nothing where none was given. */
export function gatesTable(gates: readonly GateReport[]): Html | null {
  return table({
    caption: 'Gates: limits that the result must keep to',
    noun: 'gate',
    columns: [
      { title: 'Gate' },
      { title: 'Result' },
      { title: 'Limit', as: 'number' },
      { title: 'Found', as: 'number' },
      { title: 'Margin', as: 'number' },
      { title: 'Taken from', as: 'words' },
    ],
    rows: gates.map(({ gate, unit, limit, found, passed, margin, of }) => [
      name(gate),
      passed ? mark('good', 'passed') : mark('bad', 'failed'),
      gateFigure(unit, limit),
      found === null ? 'no number' : html`<strong>${gateFigure(unit, found)}</strong>`,
      margin === null ? '–' : `${margin < 0 ? '-' : '+'}${gateFigure(unit, Math.abs(margin))}`,
      of,
    ]),
  });
}

/** How the gates came out together: `all 3 gates passed`, `1 of 3 gates failed`. */
export function gatesTally(gates: readonly GateReport[]): string {
  const failed = gates.filter(({ passed }) => !passed).length;
  if (gates.length === 1) return failed === 0 ? 'the gate passed' : 'the gate failed';
  return failed === 0 ? `all ${gates.length} gates passed` : `${failed} of ${gates.length} gates failed`;
}

function gateFigure(unit: GateReport['unit'], value: number): string {
  if (unit === 'fraction') return formatPercent(value);
  if (unit === 'ratio') return formatRatio(value);
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'ms') return formatMilliseconds(value);
  // A cosine says what it has to say in its last digits, a small error in its first.
  return Math.abs(value) >= 0.9 && Math.abs(value) < 1 ? String(Number(value.toPrecision(6))) : formatError(value);
}
