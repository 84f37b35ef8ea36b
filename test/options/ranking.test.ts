import { describe, expect, it } from 'vitest';
import { criteria } from '../../src/index.ts';
import { parseRanking } from '../../src/options/ranking.ts';
import { refusalBy } from './refusal.ts';

const CHANNELS = { channels: true, weights: false };
const WEIGHTS = { channels: false, weights: true };
const BOTH = { channels: true, weights: true };
const NEITHER = { channels: false, weights: false };
const USUAL = { channels: 'fan-out', weights: 'magnitude', formula: undefined };

function messageOf(...args: Parameters<typeof parseRanking>): string {
  const { subject, message } = refusalBy(() => parseRanking(...args));
  expect(subject).toBe('--criterion');
  return message;
}

describe('a criterion', () => {
  it.each([CHANNELS, WEIGHTS, BOTH, NEITHER])('that nobody named is the usual one: %j', (wanted) => {
    expect(parseRanking(undefined, wanted)).toEqual(USUAL);
  });

  it.each(criteria.map(({ name }) => name))('%s ranks channels, and weights by what is usual', (name) => {
    const calibrated = name === 'reconstruction';
    expect(parseRanking(name, { ...CHANNELS, calibrated })).toMatchObject({ channels: name });
    expect(parseRanking(name, { ...BOTH, calibrated })).toEqual({
      ...USUAL,
      channels: name,
      ...(name === 'random' && { weights: name }),
    });
  });

  it('reconstruction is the usual one where there are data, and refused where there are none', () => {
    expect(parseRanking(undefined, { ...BOTH, calibrated: true })).toEqual({ ...USUAL, channels: 'reconstruction' });
    expect(messageOf('reconstruction', CHANNELS)).toContain('none were given; add --calibration');
  });

  it('magnitude ranks weights, and channels by what is usual', () => {
    expect(parseRanking('magnitude', WEIGHTS)).toEqual(USUAL);
    expect(parseRanking('magnitude', BOTH)).toEqual(USUAL);
  });

  it('random ranks both', () => {
    for (const wanted of [WEIGHTS, BOTH])
      expect(parseRanking('random', wanted)).toMatchObject({ weights: 'random', channels: 'random' });
  });

  it.each(['abs(w)', '(w)', 'abs(w) * row_norm', 'w + 1', '-(w)'])('%j is a formula for both', (formula) => {
    for (const wanted of [CHANNELS, WEIGHTS, BOTH])
      expect(parseRanking(formula, wanted)).toEqual({ ...USUAL, formula });
  });

  it('of channels is refused where only weights leave', () => {
    for (const name of ['l1', 'l2', 'fan-out', 'fpgm', 'bn-scale'])
      expect(messageOf(name, WEIGHTS)).toBe(
        `--criterion ${name} cannot rank weights, and --structured, which it is for, was not given; weights are ranked by magnitude, random, or a formula such as "abs(w) * row_norm".`,
      );
  });

  it('of weights is refused where only channels leave', () => {
    expect(messageOf('magnitude', CHANNELS)).toBe(
      '--criterion magnitude cannot rank channels, and --unstructured, which it is for, was not given; channels are ranked by reconstruction, fan-out, l1, l2, bn-scale, fpgm, random, or a formula such as "abs(w) * row_norm".',
    );
  });

  it.each(['l1', 'magnitude', 'random'])('%s is refused where nothing is ranked', (name) => {
    expect(messageOf(name, NEITHER)).toContain(`--criterion ${name} ranks what leaves, and nothing says how much`);
  });

  it.each([
    ['magnitud', WEIGHTS, 'magnitude'],
    ['fpmg', CHANNELS, 'fpgm'],
    ['Random', BOTH, 'random'],
  ])('%s is no name, and the nearest is guessed', (found, wanted, meant) => {
    expect(messageOf(found, wanted)).toContain(`(did you mean "${meant}"?)`);
  });

  it.each(['w', 'row_norm', 'hessian', '1'])('%s is one word, so no formula', (found) => {
    expect(messageOf(found, WEIGHTS)).toMatch(/^--criterion must be one of magnitude, random.*, but is "/);
  });

  it.each(['w', 'row_norm', 'w-mean', '-w'])('%s may be meant for a formula, and is told how to write one', (found) => {
    expect(messageOf(found, WEIGHTS)).toMatch(/formula.*parentheses/);
  });

  it('need not be a string to be refused', () => {
    const wrong: { criterion?: string } = JSON.parse('{ "criterion": 5 }');
    expect(messageOf(wrong.criterion, WEIGHTS)).toMatch(/^--criterion must be one of magnitude, random/);
  });
});
