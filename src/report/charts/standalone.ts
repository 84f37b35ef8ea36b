import type { Chart } from './chart.ts';
import { DARK_COLORS, LIGHT_COLORS } from './colors.ts';

/**
 * A chart as an SVG file that stands alone, for a README: with its colours, light or dark as the reader's system is, and paper
 * behind it.
 */
export function standaloneSvg(chart: Chart): string {
  const style = `<style>svg{${LIGHT_COLORS};color:var(--ink)}@media(prefers-color-scheme:dark){svg{${DARK_COLORS}}}</style>`;
  const paper = '<rect width="100%" height="100%" fill="var(--paper)"/>';
  return chart.svg.replace(
    /^<svg([^>]*)>/,
    (_, attributes: string) => `<svg xmlns="http://www.w3.org/2000/svg"${attributes}>${style}${paper}`,
  );
}
