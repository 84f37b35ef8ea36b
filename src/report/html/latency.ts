import type { ModelTiming } from '../../runtime/index.ts';
import { formatCount, formatMillisecondSpan, formatMilliseconds, formatRatio } from '../format.ts';
import type { LatencyReport } from '../report.ts';
import { mark } from './section.ts';
import { figure, table } from './table.ts';
import { type Html, html } from './template.ts';
import type { Tile } from './tiles.ts';

/** How fast both models run, and whether the difference means anything. */
export function latencyParts(latency: LatencyReport, names: readonly [string, string]): Html {
  const { threads, batch, rounds, before, after } = latency;
  const row = (model: string, { median, p10, p90, min, loadMs, runs }: ModelTiming) => [
    model,
    figure(median, formatMilliseconds),
    formatMillisecondSpan(p10, p90),
    figure(min, formatMilliseconds),
    figure(loadMs, formatMilliseconds),
    figure(runs, (value) => String(value)),
  ];
  return html`${speedVerdict(latency)}${table({
    caption: `Time per run, in turn: ${formatCount(threads, 'thread')}, batch of ${batch}, ${formatCount(rounds, 'round')}`,
    noun: 'model',
    columns: [
      { title: 'Model' },
      { title: 'Median', as: 'number' },
      { title: 'p10–p90', as: 'number' },
      { title: 'Fastest', as: 'number' },
      { title: 'Load', as: 'number' },
      { title: 'Runs', as: 'number' },
    ],
    rows: [row(names[0], before), row(names[1], after)],
  })}`;
}

/** The times as a tile; a change that may be chance is called so. */
export function latencyTile({ before, after, threads }: LatencyReport, label = 'Time per run'): Tile {
  const speedUp = after.speedUp ?? null;
  const isReal = speedUp?.significant === true;
  const ratio = speedUp === null ? '' : `${formatRatio(speedUp.p25)}–${formatRatio(speedUp.p75)} quartiles`;
  return {
    label,
    was: formatMilliseconds(before.median),
    value: formatMilliseconds(after.median),
    note: html`${isReal && speedUp !== null ? mark(speedUp.median > 1 ? 'good' : 'bad', speedText(speedUp.median)) : 'no significant change'}<br>${ratio}, ${formatCount(threads, 'thread')}`,
    left: after.median / before.median,
  };
}

/** A speed-up that is no chance, in words: `1.40× as fast`; `slower: 0.90× the speed`. */
export function speedText(ratio: number): string {
  return ratio < 1 ? `slower: ${formatRatio(ratio)} the speed` : `${formatRatio(ratio)} as fast`;
}

function speedVerdict({ after: { speedUp } }: LatencyReport): Html | null {
  if (speedUp === undefined || speedUp === null) return null;
  const { median, p25, p75, significant } = speedUp;
  const spread = `interquartile range of the ratios of single rounds ${formatRatio(p25)}–${formatRatio(p75)}`;
  if (!significant)
    return html`<p>${mark('quiet', 'No significant change:')} ${formatRatio(median)} the speed; ${spread}.</p>`;
  return html`<p>${mark(median < 1 ? 'bad' : 'good', speedText(median))}; ${spread}.</p>`;
}
