/**
 * Declarations of the CSS variables that charts use, for light paper. Series begin with the palette of Okabe and Ito ("Color universal
 * design", 2008) and are darkened until each stands out from the paper by 4.5 : 1 (WCAG 2.2, 1.4.3).
 */
export const LIGHT_COLORS: string =
  '--ink:#1b1f24;--muted:#5b6570;--grid:#e4e7eb;--paper:#ffffff;--c1:#0072b2;--c2:#b85c00;--c3:#007a5a;--c4:#b0468b;--c5:#7d6e00;--c6:#c0392b;--good:#1a7f4b;--bad:#c62828;--warn:#9a6700';

/** The same for dark paper: the hues of `LIGHT_COLORS`, lightened. */
export const DARK_COLORS: string =
  '--ink:#e6e8eb;--muted:#9aa3ad;--grid:#2b3138;--paper:#14181d;--c1:#6cb6ff;--c2:#ffb454;--c3:#4fd1a5;--c4:#f29bd4;--c5:#e5d45a;--c6:#ff8b6b;--good:#4fd18b;--bad:#ff7b72;--warn:#e3b341';
