import type { Level } from '../budget/allocate.ts';
import { freedBy } from '../report/sensitivity-answer.ts';
import type { PointFigures, Quality, SensitivityReport, SensitivityRow } from '../report/study.ts';

/** What may be done to one group or weight: an amount that leaves, what that loses, and what then is left of the model. */
export interface LossLevel extends Level {
  /** Fraction that leaves. */
  readonly amount: number;
}

/** The study that levels are read from. */
export type Measured = Pick<SensitivityReport, 'rows' | 'original' | 'of'>;

/** Steps between nothing and the largest amount that was measured. */
const STEPS = 32;
/** An amount that was measured. */
interface Knot {
  readonly amount: number;
  readonly error: number;
  /** Fraction of the model that leaves with it. */
  readonly gain: number;
}

const NOTHING: Knot = { amount: 0, error: 0, gain: 0 };

/**
 * The levels of each row, from nothing to the largest amount that was measured. Between measured amounts the error grows in
 * proportion. It grows faster the more has left, so that this is the most that it may be: where little was measured, little is
 * promised, and what is measured goes before what is guessed. The cost of a level is what is left of the model: half of it counted in
 * parameters and half in multiplications, or in weights that are not zero.
 *
 * Errors are taken from how far outputs are from the original's, not from right answers: of those too few change to tell
 * layers apart.
 */
export function lossLevels({ rows, original, of }: Measured): LossLevel[][] {
  const errorOf = errorBy(rows, original.quality);
  const weights = rows.reduce((sum, { size }) => sum + size, 0);
  return rows.map((row) => {
    const share = row.size / Math.max(1, weights);
    const gainOf = of === 'weights' ? (reached: number): number => reached * share : undefined;
    return levelsThrough(row, knotsOf(row, errorOf, gainOf ?? ((_, figures) => freed(original, figures))));
  });
}

/** How far a model is from the original; what is told of every point is told the same way of all. */
function errorBy(rows: readonly SensitivityRow[], original: Quality): (quality: Quality) => number {
  const all = rows.flatMap(({ points }) => points.flatMap(({ figures }) => figures?.quality ?? []));
  if (all.every(({ cosine }) => cosine !== null)) return ({ cosine }) => 1 - (cosine ?? 0);
  if (all.every(({ agreement }) => agreement !== null)) return ({ agreement }) => 1 - (agreement ?? 0);
  return ({ accuracy }) => (original.accuracy ?? 0) - (accuracy ?? 0);
}

function freed(original: SensitivityReport['original'], figures: PointFigures): number {
  const { parameters, macs } = freedBy({ original }, figures);
  return (parameters + macs) / 2;
}

function knotsOf(
  { points }: SensitivityRow,
  errorOf: (quality: Quality) => number,
  gainOf: (reached: number, figures: PointFigures) => number,
): Knot[] {
  const knots: Knot[] = [];
  for (const { amount, reached, figures } of points) {
    // Rounding may leave nothing to remove, and says nothing of what comes after then.
    if (figures === null || reached <= 0) continue;
    const before = knots.at(-1);
    // What is measured is noisy; more never loses less.
    const error = Math.max(0, before?.error ?? 0, errorOf(figures.quality));
    knots.push({ amount, error, gain: Math.max(0, before?.gain ?? 0, gainOf(reached, figures)) });
  }
  return knots;
}

/** Amounts are those that leave whole units: a row of four heads has a quarter, a half, and three quarters. */
function levelsThrough({ size, unit }: SensitivityRow, knots: readonly Knot[]): LossLevel[] {
  const most = knots.at(-1)?.amount ?? 0;
  const units = Math.max(1, Math.round(size / unit));
  const last = Math.floor(units * most + 1e-9);
  const step = Math.max(1, Math.ceil(last / STEPS));
  const levels: LossLevel[] = [{ amount: 0, error: 0, cost: 1 }];
  for (let gone = step; gone <= last; gone += step) {
    const amount = gone / units;
    const { error, gain } = between(knots, amount);
    levels.push({ amount, error, cost: 1 - gain });
  }
  return levels;
}

/** Error and gain at an amount up to the last one that was measured. */
function between(knots: readonly Knot[], amount: number): Pick<Knot, 'error' | 'gain'> {
  const index = knots.findIndex((knot) => knot.amount >= amount - 1e-9);
  const [before, next] = [knots[index - 1] ?? NOTHING, knots[index] ?? NOTHING];
  const part = (amount - before.amount) / Math.max(Number.MIN_VALUE, next.amount - before.amount);
  return {
    error: before.error + part * (next.error - before.error),
    gain: before.gain + part * (next.gain - before.gain),
  };
}
