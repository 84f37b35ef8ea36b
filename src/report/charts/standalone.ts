import type { Chart } from './chart.ts';

/** Colours of charts where no page sets them: told apart by colour-blind readers (after Okabe and Ito 2008), 4.5 : 1 against the paper. */
const LIGHT =
  '--ink:#1b1f24;--muted:#5b6570;--grid:#e4e7eb;--paper:#ffffff;--c1:#0072b2;--c2:#b85c00;--c3:#007a5a;--c4:#b0468b;--c5:#7d6e00;--c6:#c0392b;--good:#1a7f4b;--bad:#c62828;--warn:#9a6700';
const DARK =
  '--ink:#e6e8eb;--muted:#9aa3ad;--grid:#2b3138;--paper:#14181d;--c1:#6cb6ff;--c2:#ffb454;--c3:#4fd1a5;--c4:#f29bd4;--c5:#e5d45a;--c6:#ff8b6b;--good:#4fd18b;--bad:#ff7b72;--warn:#e3b341';

/**
 * A chart as an SVG file that stands alone, for a README: with its colours, light or dark as the reader's system is, and paper
 * behind it.
 */
export function standaloneSvg(chart: Chart): string {
  const style = `<style>svg{${LIGHT};color:var(--ink)}@media(prefers-color-scheme:dark){svg{${DARK}}}</style>`;
  const paper = '<rect width="100%" height="100%" fill="var(--paper)"/>';
  return chart.svg.replace(
    /^<svg([^>]*)>/,
    (_, attributes: string) => `<svg xmlns="http://www.w3.org/2000/svg"${attributes}>${style}${paper}`,
  );
}
