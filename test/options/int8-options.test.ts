import { describe, expect, it } from 'vitest';
import type { PruneOptions } from '../../src/index.ts';
import type { Int8Wishes } from '../../src/options/int8-options.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';

const WITHOUT_DATA: Int8Wishes = {
  mode: 'auto',
  ranges: 'mse',
  rounding: 'nearest',
  bits: 8,
  portable: undefined,
  equalize: undefined,
  float: [],
};
/** Data change what few bits are rounded by. */
const GPTQ: Int8Wishes = { ...WITHOUT_DATA, rounding: 'gptq' };

describe('options about integers', () => {
  it.each<[PruneOptions, boolean, Int8Wishes]>([
    [{ int8: true }, false, WITHOUT_DATA],
    [{ int8: true }, true, WITHOUT_DATA],
    [{ int8: 'auto' }, false, WITHOUT_DATA],
    [{ int8: 'dynamic' }, false, { ...WITHOUT_DATA, mode: 'dynamic' }],
    [{ int8: 'static' }, true, { ...WITHOUT_DATA, mode: 'static' }],
    [{ int8: 'weights' }, false, { ...WITHOUT_DATA, mode: 'weights' }],
    [{ int8: 'weights', bits: 4 }, false, { ...WITHOUT_DATA, mode: 'weights', bits: 4 }],
    [{ int8: 'weights', bits: '4' }, true, { ...GPTQ, mode: 'weights', bits: 4 }],
    [{ int8: 'auto', bits: '8' }, false, WITHOUT_DATA],
    [{ int8: true, rounding: 'gptq' }, true, GPTQ],
    [{ int8: true, ranges: 'entropy' }, true, { ...WITHOUT_DATA, ranges: 'entropy' }],
    [
      { int8: true, portable: true, equalize: false, float: ['head*'] },
      false,
      { ...WITHOUT_DATA, portable: true, equalize: false, float: ['head*'] },
    ],
  ])('%j, with data: %j, are read', (options, calibrated, expected) => {
    expect(checkPruneOptions(options, calibrated)).toMatchObject({ int8: expected, prunesChannels: false });
  });

  it.each<PruneOptions>([{ int8: false }, { int8: undefined }, { int8: false, float: [] }])(
    '%j asks for none',
    (options) => {
      expect(checkPruneOptions({ ...options, lossless: true }).int8).toBeUndefined();
    },
  );

  it('are not the only work where others are given', () => {
    const both = checkPruneOptions({ int8: true, structured: '30%', unstructured: 0.5 });
    expect(both).toMatchObject({ int8: WITHOUT_DATA, prunesChannels: true, structured: 0.3 });
    // A drop alone seeks no amount then: it decides which layers stay in float.
    expect(checkPruneOptions({ int8: true, maxDrop: '1%' })).toMatchObject({ sought: undefined, maxDrop: 0.01 });
    expect(checkPruneOptions({ maxDrop: '1%' })).toMatchObject({ sought: 'channels' });
  });

  it.each<[PruneOptions, boolean, string, string]>([
    [{ int8: 'static' }, false, '--int8 static', 'add --calibration'],
    [{ int8: 'statik' }, true, '--int8', 'did you mean "static"'],
    [{ int8: '' }, true, '--int8', 'auto'],
    [{ int8: true, ranges: 'mse' }, false, '--ranges', 'add --calibration'],
    [{ int8: true, ranges: 'entrpy' }, true, '--ranges', 'did you mean "entropy"'],
    [{ int8: true, rounding: 'gptq' }, false, '--rounding gptq', 'add --calibration'],
    [{ int8: true, rounding: 'near' }, true, '--rounding', 'nearest'],
    [{ int8: 'weights', bits: 2 }, false, '--bits', '8'],
    [{ int8: 'weights', bits: '4.0' }, false, '--bits', '8'],
    [{ int8: true, bits: 4 }, false, '--bits', 'add --int8 weights'],
    [{ int8: 'static', bits: 4 }, true, '--bits', 'add --int8 weights'],
    [{ int8: 'dynamic', bits: 4 }, false, '--bits', 'add --int8 weights'],
    [{ lossless: true, ranges: 'mse' }, true, '--ranges', 'add --int8'],
    [{ lossless: true, rounding: 'gptq' }, true, '--rounding', 'add --int8'],
    [{ lossless: true, bits: 8 }, false, '--bits', 'add --int8'],
    [{ lossless: true, portable: false }, false, '--portable', 'add --int8'],
    [{ lossless: true, equalize: true }, false, '--equalize', 'add --int8'],
    [{ int8: false, lossless: true, float: ['a'] }, false, '--float', 'add --int8'],
    [{ int8: true, float: [''] }, false, '--float', 'name'],
  ])('%j, with data: %j, are refused', (options, calibrated, subject, words) => {
    expect(() => checkPruneOptions(options, calibrated)).toThrow(
      expect.objectContaining({ code: 'bad-option', subject, message: expect.stringContaining(words) }),
    );
  });
});
