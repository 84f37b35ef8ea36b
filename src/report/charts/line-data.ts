/** A measured point of a line. */
export interface LinePoint {
  readonly x: number;
  readonly y: number;
  /** Whiskers from and to; absent where there are none. */
  readonly span?: readonly [number, number];
  /** Drawn without a filling: what it shows may be chance. */
  readonly hollow?: boolean;
  readonly title: string;
}

/** A point that has no value, since its run failed. */
export interface FailedPoint {
  readonly x: number;
  readonly title: string;
}

/** A line with a name. */
export interface Line {
  readonly name: string;
  readonly points: readonly LinePoint[];
  readonly failed: readonly FailedPoint[];
}

/** A level that the lines are held against. */
export interface Level {
  readonly value: number;
  /** What it is from and to where it was measured several times. */
  readonly span?: readonly [number, number];
  readonly label: string;
  readonly title: string;
}

/** What a panel of lines shows. */
export interface LinePanel {
  readonly width: number;
  readonly height: number;
  /** All x, ascending; the axis begins at 0. */
  readonly xs: readonly number[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly yDomain: readonly [number, number];
  readonly log: boolean;
  readonly lines: readonly Line[];
  readonly level: Level | null;
  /** Names at the line ends, in a column of this many pixels; 0 for none. */
  readonly labels: number;
}

/** Between whiskers of series at the same x, and between those of the first and the last series at most. */
const DODGE = { step: 5, most: 22 } as const;

/** Where the x axis ends. */
export function mostX({ xs }: LinePanel): number {
  return xs.at(-1) || 1;
}

/** Pixels by which a line with whiskers is moved aside, so that those at the same amount do not hide one another. */
export function dodge({ lines }: LinePanel, index: number): number {
  if (lines[index]?.points.some((point) => point.span !== undefined) !== true) return 0;
  const step = Math.min(DODGE.step, DODGE.most / Math.max(1, lines.length - 1));
  return (index - (lines.length - 1) / 2) * step;
}
