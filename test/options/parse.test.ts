import { describe, expect, it } from 'vitest';
import {
  parseAlign,
  parseAmount,
  parseChoice,
  parseCriterion,
  parseFraction,
  parsePatterns,
  parseWhole,
  rejectUnknownKeys,
} from '../../src/options/parse.ts';
import { refusalBy } from './refusal.ts';

const messageOf = (parse: () => unknown): string => refusalBy(parse).message;

describe('an amount', () => {
  it.each([
    ['50%', 0.5],
    ['0.5', 0.5],
    [0.5, 0.5],
    [' 50 % ', 0.5],
    ['12.5%', 0.125],
    ['5e-1', 0.5],
    ['0', 0],
    ['0%', 0],
    [0, 0],
    ['99.9%', 0.999],
  ])('of %j is %d', (found, fraction) => expect(parseAmount('--structured', found)).toBeCloseTo(fraction, 12));

  it.each([
    '100%',
    '1',
    1,
    '150%',
    150,
    '100',
    '-10%',
    -0.1,
    '',
    '  ',
    '%',
    'abc',
    '50%%',
    '0,5',
    'NaN',
    'Infinity',
    'half',
  ])('of %j is refused', (found) => {
    expect(messageOf(() => parseAmount('--structured', found))).toBe(
      `--structured must be at least 0% and below 100% (such as "50%" or 0.5), but is ${JSON.stringify(found)}.`,
    );
  });

  it.each([
    ['50', '50%'],
    [50, '50%'],
    ['1.5', '1.5%'],
    [99, '99%'],
  ])('of %j lacks its percent sign', (found, meant) => {
    expect(messageOf(() => parseAmount('--structured', found))).toContain(`; did you mean "${meant}"?`);
  });
});

describe('a fraction up to and with 100%', () => {
  it.each([
    ['100%', 1],
    [1, 1],
    ['25%', 0.25],
  ])('of %j is %d', (found, fraction) => {
    expect(parseFraction('--max-ratio', found, { value: 1, included: true })).toBe(fraction);
  });

  it('is refused above', () => {
    const message = messageOf(() => parseFraction('--max-ratio', '101%', { value: 1, included: true }));
    expect(message).toContain('at least 0% and at most 100%');
  });
});

describe('a whole number', () => {
  it.each([
    ['3', 3],
    [3, 3],
    [' 7 ', 7],
    ['9007199254740991', 9007199254740991],
  ])('is read from %j', (found, number) => expect(parseWhole('--seed', found, 0)).toBe(number));

  it.each(['', ' ', 'x', '1.5', 1.5, '-1', -1, '9007199254740992', Number.NaN, 'Infinity'])('is not %j', (found) => {
    expect(messageOf(() => parseWhole('--seed', found, 0))).toContain('--seed must be a whole number of at least 0');
  });

  it('has an upper bound where there is one', () => {
    expect(parseWhole('--threads', 8, 1, 8)).toBe(8);
    expect(messageOf(() => parseWhole('--threads', 9, 1, 8))).toBe(
      '--threads must be a whole number from 1 to 8, but is 9.',
    );
  });
});

describe('an alignment', () => {
  it.each([
    ['auto', 'auto'],
    ['none', 'none'],
    ['8', 8],
    [16, 16],
    [1, 1],
  ])('of %j is %j', (found, alignment) => expect(parseAlign('--align', found)).toBe(alignment));

  it.each(['', '0', 0, -8, '8.5', 'Auto', 'on'])('of %j is refused', (found) => {
    expect(messageOf(() => parseAlign('--align', found))).toContain('"auto", "none" or a whole number of channels');
  });
});

describe('a choice', () => {
  it('is one of its words', () => expect(parseChoice('--scope', 'global', ['uniform', 'global'])).toBe('global'));

  it('is told the nearest word', () => {
    expect(messageOf(() => parseChoice('--scope', 'Globl', ['uniform', 'global']))).toBe(
      '--scope must be one of uniform, global, but is "Globl" (did you mean "global"?).',
    );
  });

  it('is told no word where none is near', () => {
    expect(messageOf(() => parseCriterion('--criterion', 'hessian'))).toMatch(/but is "hessian"\.$/);
  });
});

describe('patterns', () => {
  it('are a list of words', () => expect(parsePatterns('--only', ['a', '*.b'])).toEqual(['a', '*.b']));

  it.each([[['a', '']], [[' ']]])('may not be empty: %j', (found) => {
    expect(messageOf(() => parsePatterns('--only', found))).toContain('--only must be a name or a glob');
  });
});

describe('unknown keys', () => {
  it('are refused with the nearest known one', () => {
    expect(messageOf(() => rejectUnknownKeys({ dryrun: true }, ['dryRun', 'seed']))).toBe(
      'There is no option "dryrun"; did you mean "dryRun"?',
    );
  });

  it('are refused without one where none is near', () => {
    expect(messageOf(() => rejectUnknownKeys({ colour: 'red' }, ['dryRun', 'seed']))).toBe(
      'There is no option "colour".',
    );
  });

  it('are not the known ones', () => expect(() => rejectUnknownKeys({ seed: 1 }, ['dryRun', 'seed'])).not.toThrow());
});
