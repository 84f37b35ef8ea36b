import { describe, expect, it } from 'vitest';
import { contextOf } from '../../cli/render/context.ts';
import { goalLines, isMissed, renderGoal } from '../../cli/render/goal.ts';
import type { GoalReport } from '../../src/index.ts';

const plain = contextOf({ colors: false, width: 100, verbose: false });

const byTarget: GoalReport = {
  target: { kind: 'size', limit: 500_000, original: 1_200_000, reached: 480_000, met: true },
  drop: null,
  sought: {
    of: 'weights',
    by: 'target',
    amount: 0.377,
    found: true,
    tries: [
      { amount: 0, reached: 1_200_000, met: false },
      { amount: 0.377, reached: 480_000, met: true },
    ],
  },
};

const byDrop: GoalReport = {
  target: null,
  drop: {
    limit: 0.01,
    reached: 0.0235,
    met: false,
    by: 'agreement',
    output: 'logits',
    on: 'held-out calibration data',
    answers: 1024,
  },
  sought: {
    of: 'channels',
    by: 'drop',
    amount: 0.02,
    found: false,
    tries: [{ amount: 0.02, reached: 0.0235, met: false }],
  },
};

describe('a goal in words', () => {
  it('is nothing where none was set', () => {
    expect(goalLines(null)).toEqual([]);
    expect(renderGoal(plain, null)).toEqual([]);
  });

  it('says what was sought, tried and reached', () => {
    expect(isMissed(byTarget)).toBe(false);
    expect(goalLines(byTarget)).toEqual(['found 37.7% of weights for a size of at most 500 kB, in 2 tries']);
    expect(renderGoal(plain, byTarget)).toEqual([
      'Goal',
      '  tried     size',
      '  ─────────────────────────────',
      '     0%  1.20 MB  missed',
      '  37.7%   480 kB  met     taken',
      '  ✓ size 480 kB (40.00% of the original), at most 500 kB',
    ]);
  });

  it('says so where nothing was found', () => {
    expect(isMissed(byDrop)).toBe(true);
    expect(goalLines(byDrop)).toEqual(['no amount of channels was found for a drop of at most 1.00 points, in 1 try']);
    const lines = renderGoal(plain, byDrop);
    expect(lines).toContain('     2%  2.35 points  missed');
    expect(lines.slice(-2)).toEqual([
      "  ✗ 2.35 points of answers unlike the original's, more than 1.00 points: 1,024 answers of logits,",
      '    held-out calibration data',
    ]);
  });

  it('is a mere check where the amount was given', () => {
    const drop = { ...(byDrop.drop ?? expect.fail()), by: 'accuracy' as const, met: true, on: 'test data' as const };
    const gate = (reached: number): string[] =>
      renderGoal(plain, { target: null, sought: null, drop: { ...drop, reached } });
    expect(goalLines({ target: null, sought: null, drop })).toEqual([]);
    expect(gate(0.004)).toEqual([
      'Goal',
      '  ✓ 0.40 points of right answers lost, at most 1.00 points: 1,024 answers of logits, test data',
    ]);
    expect(gate(-0.002).at(-1)).toMatch(/^ {2}✓ 0\.20 points more right answers, at most/);
  });
});
