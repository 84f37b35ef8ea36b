import { expect, it } from 'vitest';
import * as api from '../src/index.ts';

it('The package exports these names and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'CheckFailed',
    'ComparisonFailed',
    'FORMULA_FUNCTIONS',
    'FORMULA_VARIABLES',
    'OnnxPruneError',
    'PRUNE_DEFAULTS',
    'SCHEMA_VERSION',
    'checkReportPath',
    'compareModels',
    'criteria',
    'inspect',
    'prune',
    'renderJson',
    'sensitivity',
    'sweep',
    'writeReport',
  ]);
});
