/** Colours by the name of their CSS variable. */
export type Palette = Readonly<Record<(typeof COLOURS)[number], string>>;

/**
 * What charts and page are painted with. `paper` is behind all, `card` behind boxes; `ink` and `muted` are text on both, as are `good`,
 * `bad`, `warn` and `link`; `c1` to `c6` are series, told apart by colour-blind readers, too.
 */
export const COLOURS = [
  'paper',
  'card',
  'ink',
  'muted',
  'grid',
  'edge',
  'link',
  'c1',
  'c2',
  'c3',
  'c4',
  'c5',
  'c6',
  'good',
  'bad',
  'warn',
] as const;

/** By day, and on paper. Series follow Okabe and Ito, "Color Universal Design", darkened to stand out from white. */
export const LIGHT: Palette = {
  paper: '#fbfaf7',
  card: '#ffffff',
  ink: '#1c2024',
  muted: '#5a626b',
  grid: '#e5e3dc',
  edge: '#868b91',
  link: '#00609a',
  c1: '#0072b2',
  c2: '#bf6200',
  c3: '#00805f',
  c4: '#a8428a',
  c5: '#857300',
  c6: '#b83a2c',
  good: '#17723f',
  bad: '#b3261e',
  warn: '#855a00',
};

/** By night. */
export const DARK: Palette = {
  paper: '#12161a',
  card: '#191e24',
  ink: '#e7e9ec',
  muted: '#a2abb5',
  grid: '#2c333b',
  edge: '#727c87',
  link: '#7cbcff',
  c1: '#6cb6ff',
  c2: '#ffb454',
  c3: '#4fd1a5',
  c4: '#f29bd4',
  c5: '#e5d45a',
  c6: '#ff8b6b',
  good: '#5bd592',
  bad: '#ff8a80',
  warn: '#e8b93f',
};

function declared(palette: Palette): string {
  return COLOURS.map((name) => `--${name}:${palette[name]}`).join(';');
}

/** The variables as CSS: by the system's wish, unless `data-theme` of the root says `light` or `dark`; black on white on paper. */
export const THEME_CSS: string = `
:root{color-scheme:light;${declared(LIGHT)}}
@media (prefers-color-scheme:dark){:root:not([data-theme=light]){color-scheme:dark;${declared(DARK)}}}
:root[data-theme=dark]{color-scheme:dark;${declared(DARK)}}
@media print{:root:root:root{color-scheme:light;${declared({ ...LIGHT, paper: '#ffffff', ink: '#000000', muted: '#3d444b' })}}}
`;
