import type { SizeTrial } from './report.ts';

/** Sizes of open axes, as "batch 3, T 9". */
export function sizeText({ batch, dims }: Pick<SizeTrial, 'batch' | 'dims'>): string {
  return [`batch ${batch}`, ...Object.entries(dims).map(([symbol, size]) => `${symbol} ${size}`)].join(', ');
}
