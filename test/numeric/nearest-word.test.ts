import { expect, test } from 'vitest';
import { nearestWord } from '../../src/numeric/nearest-word.ts';

test.each([
  ['sqr', 'sqrt'],
  ['SQRT', 'sqrt'],
  ['asb', 'abs'],
  ['floor', 'floor'],
  ['rounding', undefined],
  ['strutured', 'structured'],
  ['fpmg', 'fpgm'],
  ['xyz', undefined],
])('of %s is %s', (word, near) => {
  expect(nearestWord(word, ['abs', 'sqrt', 'floor', 'fpgm', 'structured'])).toBe(near);
});
