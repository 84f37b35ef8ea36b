import { gateFigureOr, gateVerdict } from '../../src/report/gate-text.ts';
import type { GateReport } from '../../src/report/gates.ts';
import { type Context, marked, section } from './context.ts';
import { printable } from './text.ts';

/** How the gates came out, and by how much; nothing where none was given. */
export function renderGates(context: Context, gates: readonly GateReport[]): string[] {
  const { ink } = context;
  return section(
    context,
    'Gates',
    gates.flatMap((gate) => {
      const { passed, found, limit, of } = gate;
      const verdict = gateVerdict(gate);
      const shown = passed ? ink.green(verdict) : ink.red(verdict);
      const figures = found === null ? '' : `: ${gateFigureOr(gate, found)}`;
      const bound = limit === null ? '' : ` ${gateFigureOr(gate, limit)}`;
      const mark = passed ? ink.green('✓') : ink.red('✗');
      return marked(context, mark, `${gate.gate}${bound} ${shown}${figures} (${printable(of)})`);
    }),
  );
}
