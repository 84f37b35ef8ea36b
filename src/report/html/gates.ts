import { gateFigureOr, gateVerdict } from '../gate-text.ts';
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
      { title: 'Taken from', as: 'words' },
    ],
    rows: gates.map((each) => [
      name(each.gate),
      mark(each.passed ? 'good' : 'bad', gateVerdict(each)),
      gateFigureOr(each, each.limit),
      html`<strong>${gateFigureOr(each, each.found)}</strong>`,
      each.of,
    ]),
  });
}

/** How the gates came out together: `all 3 gates passed`, `1 of 3 gates failed`. */
export function gatesTally(gates: readonly GateReport[]): string {
  const failed = gates.filter(({ passed }) => !passed).length;
  if (gates.length === 1) return failed === 0 ? 'the gate passed' : 'the gate failed';
  return failed === 0 ? `all ${gates.length} gates passed` : `${failed} of ${gates.length} gates failed`;
}
