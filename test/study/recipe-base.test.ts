import { expect, it } from 'vitest';
import type { SensitivityOptions } from '../../src/options/study-options.ts';
import { recipeBase } from '../../src/study/recipe-base.ts';

it('says all that decides what becomes of the model, and nothing of how it is judged', () => {
  const options: SensitivityOptions = {
    ...{ criterion: 'l1', align: 'none', exclude: ['*head*'], only: [], samples: 32, seed: '3' },
    ...{ workers: 2, bench: false, threads: 4, timeout: 9, journal: 'a.jsonl' },
  };
  expect(recipeBase('channels', options, false)).toEqual({
    ...{ criterion: 'l1', align: 'none', exclude: ['*head*'], samples: 32, seed: '3' },
  });
});

it('leaves out what the command line gives always', () => {
  expect(recipeBase('channels', { seed: '0' }, false)).toEqual({});
});

it('says what calibration data bring about, so that a run without them is refused', () => {
  expect(recipeBase('channels', {}, true)).toEqual({ criterion: 'reconstruction', recover: 'least-squares' });
  expect(recipeBase('channels', { criterion: 'l2', recover: 'bias' }, true)).toEqual({
    criterion: 'l2',
    recover: 'bias',
  });
});

it('makes no other weights zero than those it names', () => {
  expect(recipeBase('weights', { weightCriterion: 'magnitude', oneShot: 'wanda', recover: 'none' }, true)).toEqual({
    unstructured: 0,
    weightCriterion: 'magnitude',
    oneShot: 'wanda',
  });
});
