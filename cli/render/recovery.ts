import type { RecoveryReport } from '../../src/channel-rounds.ts';
import { type Context, paragraph, section } from './context.ts';
import { formatCount, formatPercent } from './format.ts';
import { folded, head, LONGEST_TABLE } from './lists.ts';
import { type Cell, renderTable } from './table.ts';
import { layerName, printable } from './text.ts';

/** What layers made up for, layer by layer; nothing where nothing was to be. */
export function renderRecovery(context: Context, report: RecoveryReport | null): string[] {
  if (report === null || report.layers.length === 0) return [];
  const { ink } = context;
  const shown = head(context, report.layers, LONGEST_TABLE);
  const rows = shown.map(({ initializer, node, before, after, energy, by }): Cell[] => [
    printable(layerName(initializer, node)),
    { text: share(before, energy), paint: ink.dim },
    {
      text: after === null ? '' : share(after, energy),
      paint: after !== null && after < before ? ink.green : ink.yellow,
    },
    { text: WORDS[by], paint: ink.dim },
  ]);
  const columns = [
    { title: 'layer', flexible: true },
    { title: 'off before', align: 'right' },
    { title: 'after', align: 'right' },
    { title: '', optional: true },
  ] as const;
  const how = report.kind === 'bias' ? 'biases' : 'weights and biases, by least squares';
  const rounds = report.rounds === 1 ? '' : ` in each of ${formatCount(report.rounds, 'round')}`;
  return section(context, 'Recovered', [
    ...renderTable(context, columns, rows),
    ...folded(context, report.layers.length, shown.length, 'layer'),
    ...paragraph(
      context,
      `how far outputs are from the original's, relative to how they vary; made up for by ${how}, on ${formatCount(report.samples, 'calibration sample')}${rounds}`,
      '  ',
      ink.dim,
    ),
    ...dampings(context, report),
  ]);
}

/** How a layer was seen, where that was not as a whole. */
const WORDS = { patches: '', channels: 'channels mixed', nothing: 'bias only' } as const;

/** Says which matrices could only be solved with more damping than was asked for. */
function dampings(context: Context, { layers }: RecoveryReport): string[] {
  const damped = layers.filter(({ extra }) => extra > 0).map(({ node }) => node);
  if (damped.length === 0) return [];
  const names = damped.slice(0, 3).map(printable).join(', ');
  const text = `more damping than usual was needed, since what is read there repeats itself: ${names}${damped.length > 3 ? ', …' : ''}`;
  return paragraph(context, text, '  ', context.ink.dim);
}

function share(error: number, energy: number): string {
  return energy > 0 ? formatPercent(error / energy) : '';
}
