import { describe, expect, it } from 'vitest';
import { checkStudyOptions, checkTolerance, parseAmounts, splitWays } from '../../src/options/study-options.ts';

describe('Amounts', () => {
  it.each([
    ['0:90:30', [0, 0.3, 0.6, 0.9]],
    ['0:95:30', [0, 0.3, 0.6, 0.9]],
    ['10%:30%:10%', [0.1, 0.2, 0.3]],
    ['0:0.9:0.3', [0, 0.3, 0.6, 0.9]],
    ['25,50,75', [0.25, 0.5, 0.75]],
    ['99, 0 ,50%', [0, 0.5, 0.99]],
    ['0.7,0.25', [0.25, 0.7]],
    ['0.7%', [0.007]],
    ['50,50', [0.5]],
    ['1', [0.01]],
    ['0:80:40, 95,99', [0, 0.4, 0.8, 0.95, 0.99]],
    ['97,10:20:5,0:10:5', [0, 0.05, 0.1, 0.15, 0.2, 0.97]],
    [
      [0.5, 0.25],
      [0.25, 0.5],
    ],
    [
      [10, 90],
      [0.1, 0.9],
    ],
  ])('%j are %j', (found, expected) => {
    expect(parseAmounts('--structured', found)).toEqual(expected);
  });

  it.each([
    ['100', 'amounts of at least 0% and below 100%'],
    ['', 'amounts of at least 0%'],
    ['a,b', 'amounts of at least 0%'],
    ['-5,10', 'amounts of at least 0%'],
    [[], 'amounts of at least 0%'],
    ['0.5,1', 'need their percent signs'],
    ['0:90', 'a range such as "0:90:10"'],
    ['0:90:0', 'a step above 0'],
    ['95,0:90', 'a range such as "0:90:10"'],
    ['0:90:10,', 'amounts of at least 0%'],
    ['90:0:10', 'an end not before its start'],
    ['0:90:0.1', 'a range of at most 200 amounts'],
  ])('%j are refused in one sentence', (found, words) => {
    const refused = (): unknown => parseAmounts('--structured', found);
    expect(refused).toThrow(words);
    expect(refused).toThrow(/^--structured must be .*[.?]$/);
  });
});

describe('Ways', () => {
  it.each([
    ['l1,l2', ['l1', 'l2']],
    ['max(abs(w), 1), l2', ['max(abs(w), 1)', 'l2']],
    ['l1,l1,', ['l1']],
    ['abs(w)', ['abs(w)']],
  ])('%j are %j: commas inside parentheses part nothing', (found, expected) => {
    expect(splitWays(found)).toEqual(expected);
  });
});

describe('How a study is carried out', () => {
  it('has a journal beside the model unless told otherwise', () => {
    expect(checkStudyOptions({}, 'm.onnx.sweep.jsonl')).toMatchObject({ journal: 'm.onnx.sweep.jsonl', fresh: false });
    expect(checkStudyOptions({ journal: false }, 'x').journal).toBeUndefined();
    expect(checkStudyOptions({ journal: 'j', workers: '3', fresh: true }, 'x')).toEqual({
      journal: 'j',
      workers: 3,
      fresh: true,
    });
  });

  it.each([{ workers: 0 }, { workers: 'two' }, { workers: 1000 }])('refuses %j', (options) => {
    expect(() => checkStudyOptions(options, 'x')).toThrow(/^--workers must be a whole number from 1 to 64, but is/);
  });

  it('tolerates one point unless told otherwise', () => {
    expect([checkTolerance(undefined), checkTolerance('0.5%'), checkTolerance(0.02)]).toEqual([0.01, 0.005, 0.02]);
    expect(() => checkTolerance('5')).toThrow('did you mean "5%"');
  });
});
