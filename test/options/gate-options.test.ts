import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OnnxPruneError } from '../../src/index.ts';
import {
  checkGateOptions,
  GATE_KEYS,
  type GateLimits,
  type GateOptions,
  gateTexts,
} from '../../src/options/gate-options.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';
import { refusalBy } from './refusal.ts';

const ALL = { verify: true, bench: true };

const limitsOf = (options: GateOptions): GateLimits => checkGateOptions(options, ALL);

const refusalOf = (options: GateOptions, measured = ALL): OnnxPruneError =>
  refusalBy(() => checkGateOptions(options, measured));

describe('gates', () => {
  it.each<[GateOptions, Partial<GateLimits>]>([
    [{ minAgreement: '99%' }, { minAgreement: 0.99 }],
    [{ minAgreement: '0.999' }, { minAgreement: 0.999 }],
    [{ minAgreement: 1 }, { minAgreement: 1 }],
    [{ minCosine: '0.999' }, { minCosine: 0.999 }],
    [{ minCosine: -1 }, { minCosine: -1 }],
    [{ maxError: '1e-3' }, { maxError: 1e-3 }],
    [{ maxError: 0 }, { maxError: 0 }],
    [{ minSpeedup: '1.5' }, { minSpeedup: 1.5 }],
    [{ minSpeedup: '1.5x' }, { minSpeedup: 1.5 }],
    [{ minSpeedup: '2 ×' }, { minSpeedup: 2 }],
    [{ minSpeedup: 0.9 }, { minSpeedup: 0.9 }],
    [{ maxSize: '500KB' }, { maxSize: { absolute: 500_000 } }],
    [{ maxSize: '1.5MiB' }, { maxSize: { absolute: 1.5 * 2 ** 20 } }],
    [{ maxSize: '40%' }, { maxSize: { fraction: 0.4 } }],
    [{ maxSize: '120%' }, { maxSize: { fraction: 1.2 } }],
    [{ maxSize: 500_000 }, { maxSize: { absolute: 500_000 } }],
    [{ maxLatency: '5ms' }, { maxLatency: { absolute: 5 } }],
    [{ maxLatency: ' 80% ' }, { maxLatency: { fraction: 0.8 } }],
    [{ maxLatency: '250us' }, { maxLatency: { absolute: 0.25 } }],
    [{ maxLatency: 0.5 }, { maxLatency: { absolute: 0.5 } }],
  ])('%j is understood', (options, limits) => {
    const none = Object.fromEntries(GATE_KEYS.map((key) => [key, undefined]));
    expect(limitsOf(options)).toEqual({ ...none, ...limits });
  });

  it.each<[GateOptions, string]>([
    [
      { minAgreement: '99' },
      '--min-agreement must be at least 0% and at most 100% (such as "50%" or 0.5), but is "99"; did you mean "99%"?',
    ],
    [
      { minAgreement: '101%' },
      '--min-agreement must be at least 0% and at most 100% (such as "50%" or 0.5), but is "101%".',
    ],
    [{ minCosine: '99%' }, '--min-cosine must be a cosine from -1 to 1 (such as 0.999), but is "99%".'],
    [{ minCosine: '' }, '--min-cosine must be a cosine from -1 to 1 (such as 0.999), but is "".'],
    [{ minCosine: Number.NaN }, '--min-cosine must be a cosine from -1 to 1 (such as 0.999), but is NaN.'],
    [
      { maxError: '-1e-3' },
      '--max-error must be a number of at least 0 (such as 1e-3), in the unit of the outputs, but is "-1e-3".',
    ],
    [
      { maxError: 'Infinity' },
      '--max-error must be a number of at least 0 (such as 1e-3), in the unit of the outputs, but is "Infinity".',
    ],
    [
      { minSpeedup: '0' },
      '--min-speedup must be a multiple of the original’s speed, above 0 (such as 1.5, or 1 for no slower), but is "0".',
    ],
    [
      { minSpeedup: 'x' },
      '--min-speedup must be a multiple of the original’s speed, above 0 (such as 1.5, or 1 for no slower), but is "x".',
    ],
    [
      { minSpeedup: '20%' },
      '--min-speedup must be a multiple of the original’s speed, above 0 (such as 1.5, or 1 for no slower), but is "20%".',
    ],
    [
      { maxSize: '0.4' },
      '--max-size must be the most bytes of the file, such as "500KB" or "40%" of the original, but is "0.4"; did you mean "40%"?',
    ],
    [
      { maxSize: 0.4 },
      '--max-size must be the most bytes of the file, such as "500KB" or "40%" of the original, but is 0.4; did you mean "40%"?',
    ],
    [
      { maxSize: '500' },
      '--max-size must be the most bytes of the file, such as "500KB" or "40%" of the original, but is "500"; did you mean "500KB"?',
    ],
    [
      { maxSize: '5ms' },
      '--max-size must be the most bytes of the file, such as "500KB" or "40%" of the original, but is "5ms".',
    ],
    [
      { maxSize: '0%' },
      '--max-size must be the most bytes of the file, such as "500KB" or "40%" of the original, but is "0%".',
    ],
    [
      { maxLatency: '5' },
      '--max-latency must be the most time of a run, such as "5ms" or "80%" of the original, but is "5"; did you mean "5ms"?',
    ],
    [
      { maxLatency: -5 },
      '--max-latency must be the most time of a run, such as "5ms" or "80%" of the original, but is -5.',
    ],
  ])('%j is refused', (options, message) => {
    expect(refusalOf(options).message).toBe(message);
  });

  it.each([
    ['minAgreement', '--min-agreement', '--no-verify', 'outputs are not compared'],
    ['minCosine', '--min-cosine', '--no-verify', 'outputs are not compared'],
    ['maxError', '--max-error', '--no-verify', 'outputs are not compared'],
    ['minSpeedup', '--min-speedup', '--no-bench', 'speed is not measured'],
    ['maxLatency', '--max-latency', '--no-bench', 'speed is not measured'],
  ])('%s is refused where it cannot be measured', (key, option, by, why) => {
    const measured = { verify: by !== '--no-verify', bench: by !== '--no-bench' };
    expect(refusalOf({ [key]: '0.5' }, measured).message).toBe(
      `${option} cannot be held against anything under ${by}, since ${why} then; leave one of them out.`,
    );
  });

  it('of the size needs neither runs nor times', () => {
    const blind = { verify: false, bench: false };
    expect(checkGateOptions({ maxSize: '40%' }, blind).maxSize).toEqual({ fraction: 0.4 });
  });

  it('are refused as words that no program may mean', () => {
    fc.assert(
      fc.property(fc.constantFrom(...GATE_KEYS), fc.anything(), (key, found) => {
        fc.pre(found !== undefined && typeof found !== 'string' && typeof found !== 'number');
        const options: GateOptions = JSON.parse(JSON.stringify({ [key]: found }) ?? '{}');
        fc.pre(options[key] !== undefined && typeof options[key] !== 'string' && typeof options[key] !== 'number');
        expect(refusalOf(options).message).toContain('must be');
      }),
    );
  });

  it('are told again as they may be given, and mean the same then', () => {
    const options = {
      minAgreement: '99%',
      minCosine: '0.999',
      maxError: '1e-3',
      minSpeedup: '1.5x',
      maxSize: '500KB',
      maxLatency: '80%',
    };
    const texts = gateTexts(limitsOf(options));
    expect(texts).toEqual({
      minAgreement: 0.99,
      minCosine: 0.999,
      maxError: 0.001,
      minSpeedup: 1.5,
      maxSize: '500000B',
      maxLatency: '80%',
    });
    expect(limitsOf(texts)).toEqual(limitsOf(options));
    expect(gateTexts(limitsOf({}))).toEqual({});
  });

  it('are options of a pruning run, which refuses them before any work', () => {
    const settled = checkPruneOptions({ structured: 0.5, minCosine: '0.9', keep: true });
    expect(settled).toMatchObject({ gates: { minCosine: 0.9, maxSize: undefined }, keep: true });
    expect(refusalBy(() => checkPruneOptions({ structured: 0.5, minSpeedup: 1, bench: false })).message).toContain(
      '--min-speedup cannot be held against anything under --no-bench',
    );
  });
});
