import { describe, expect, it } from 'vitest';
import { missedGoal } from '../src/missed-goal.ts';
import type { DropReport, SoughtReport, TargetReport } from '../src/report/report.ts';

const sought: SoughtReport = { of: 'channels', by: 'target', amount: 0.999, found: true, tries: [] };
const target: TargetReport = { kind: 'macs', limit: 1000, original: 40_000, reached: 1500, met: false };
const drop: DropReport = {
  limit: 0.01,
  reached: 0.0235,
  met: false,
  by: 'accuracy',
  output: 'logits',
  on: 'test data',
  answers: 2000,
};

describe('a missed goal', () => {
  it('is none where everything is met', () => {
    expect(missedGoal({ target: null, drop: null, sought: null }, 'so nothing was written')).toBeUndefined();
    const met = { target: { ...target, met: true }, drop: { ...drop, met: true }, sought };
    expect(missedGoal(met, 'so nothing was written')).toBeUndefined();
  });

  it('says what stays where no amount meets a target', () => {
    expect(missedGoal({ target, drop: null, sought: { ...sought, found: false } }, 'so nothing was written')).toBe(
      '--target macs= cannot be met: at the largest amount of channels, 99.9%, 1,500 multiplications of 40,000 stay, more than 1,000, so nothing was written; aim higher, or let more layers take part (--exclude, --only, --max-ratio and --align hold some back).',
    );
  });

  it('says of a result that it came out otherwise than the try', () => {
    const slow: TargetReport = { kind: 'latency', limit: 4, original: 9.87654, reached: 4.56789, met: false };
    expect(missedGoal({ target: slow, drop: null, sought }, 'so nothing was written')).toBe(
      'The result misses --target latency=4ms: it came to 4.57 ms per run of 9.88, so nothing was written; times vary from run to run, so try again on a machine that does nothing else, or aim lower.',
    );
    expect(missedGoal({ target, drop: null, sought }, 'so nothing was written')).toBe(
      'The result misses --target macs=1,000: it came to 1,500 multiplications of 40,000, so nothing was written; aim a little lower, or give an amount.',
    );
  });

  it('says how many answers too many are lost', () => {
    expect(missedGoal({ target: null, drop, sought: null }, 'so nothing was written')).toBe(
      '2.35 points of right answers were lost (on 2,000 answers of output "logits", test data), 1.35 points more than --max-drop 1% allows, so nothing was written; remove less, or allow more.',
    );
    const agreement: DropReport = { ...drop, by: 'agreement', on: 'held-out calibration data' };
    expect(missedGoal({ target: null, drop: agreement, sought: null }, 'so nothing was written')).toBe(
      '2.35 points of answers are not those of the original (on 2,000 answers of output "logits", held-out calibration data), 1.35 points more than --max-drop 1% allows, so nothing was written; remove less, or allow more, or give labels with --test, since an answer that differs need not be wrong.',
    );
    expect(
      missedGoal(
        { target: null, drop, sought: { ...sought, by: 'drop', amount: 0.02, found: false } },
        'so nothing was written',
      ),
    ).toMatch(
      /so nothing was written; 2% is the least amount that is tried, so allow more, or leave sensitive layers out with --exclude\.$/,
    );
  });
});
