import { DARK_COLORS, LIGHT_COLORS } from '../charts/colors.ts';

/**
 * The colours of the page by day, as CSS variables: those of charts, with `paper` behind all, `card` behind boxes, `edge` around what
 * can be pressed, and `link`. Text stands out from `paper` and `card` by 4.5 : 1, edges by 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11).
 */
export const LIGHT: string = `${LIGHT_COLORS};--paper:#fbfaf7;--card:#ffffff;--edge:#82878d;--link:#00609a`;

/** The same by night. */
export const DARK: string = `${DARK_COLORS};--paper:#12161a;--card:#191e24;--edge:#727c87;--link:#7cbcff`;

/** The same on paper: black on white. */
export const PAPER: string = `${LIGHT};--paper:#ffffff;--ink:#000000;--muted:#3d444b`;

/**
 * The variables as CSS: by the system's wish, unless `data-theme` of the root says `light` or `dark`. Charts stand on cards, which
 * are their paper.
 */
export const THEME_CSS: string = `
:root{color-scheme:light;${LIGHT}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${DARK}}}
:root[data-theme=dark]{color-scheme:dark;${DARK}}
@media print{:root:root:root{color-scheme:light;${PAPER}}}
figure{--paper:var(--card)}
`;
