import type { SymbolType } from '@observablehq/plot';

/** How one series is told from the others: three signs, so that colour is never the only one. */
export interface SeriesStyle {
  readonly color: string;
  readonly symbol: SymbolType;
  /** A stroke-dasharray. */
  readonly dash: string;
}

const COLORS = ['var(--c1)', 'var(--c2)', 'var(--c3)', 'var(--c4)', 'var(--c5)', 'var(--c6)'] as const;
const SYMBOLS = ['circle', 'square', 'triangle', 'diamond', 'star', 'wye'] as const;
const DASHES = ['none', '7 3', '2 3', '10 3 2 3'] as const;

/** The style of the series at `index`; 12 in a row differ, then they repeat. */
export function seriesStyle(index: number): SeriesStyle {
  return {
    color: seriesColor(index),
    symbol: SYMBOLS[index % SYMBOLS.length] ?? SYMBOLS[0],
    dash: DASHES[index % DASHES.length] ?? DASHES[0],
  };
}

/** The colour of the series at `index`: --c1 to --c6, then from the start. */
export function seriesColor(index: number): string {
  return COLORS[index % COLORS.length] ?? COLORS[0];
}
