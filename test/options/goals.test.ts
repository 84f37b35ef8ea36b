import { describe, expect, it } from 'vitest';
import type { OnnxPruneError } from '../../src/index.ts';
import { checkDropMeasurable } from '../../src/options/goals.ts';
import { checkPruneOptions, type PruneOptions, withAmount } from '../../src/options/prune-options.ts';
import { refusalBy } from './refusal.ts';

const refusalOf = (options: PruneOptions): OnnxPruneError => refusalBy(() => checkPruneOptions(options));

const zeros = { unstructured: 'auto', gzip: true };

describe('what is sought', () => {
  it.each<[PruneOptions, 'channels' | 'weights' | undefined, string]>([
    [{ target: 'macs=40%' }, 'channels', 'by a target'],
    [{ target: 'size=40%', gzip: true }, 'channels', 'by a target of the compressed file'],
    [{ target: 'macs=40%', unstructured: '80%' }, 'channels', 'where weights have an amount of their own'],
    [{ target: 'macs=40%', pattern: '2:4' }, 'channels', 'where weights have a pattern'],
    [{ target: 'macs=40%', heads: '25%', headDim: 0.5 }, 'channels', 'where heads have amounts of their own'],
    [{ target: 'macs=40%', maxDrop: '1%' }, 'channels', 'by a target, and the drop is a gate'],
    [{ target: 'latency=5ms' }, 'channels', 'by a target of latency'],
    [{ maxDrop: '1%' }, 'channels', 'by a drop alone'],
    [{ maxDrop: '1%', layers: [{ match: 'head', exclude: true }] }, 'channels', 'by a drop, with some layers kept'],
    [{ ...zeros, target: 'size=30%' }, 'weights', 'by a target of the size'],
    [{ unstructured: 'auto', sparseFormat: true, target: 'size=1.2MB' }, 'weights', 'where zeros are not stored'],
    [{ unstructured: 'auto', maxDrop: '1%' }, 'weights', 'by a drop'],
    [{ ...zeros, target: 'size=30%', structured: 0.25 }, 'weights', 'where channels have an amount'],
    [{ structured: 0.5, maxDrop: '1%' }, undefined, 'where the amount is given: the drop is a gate'],
    [{ heads: 0.5, maxDrop: '1%' }, undefined, 'where heads have an amount'],
    [{ threshold: 0.1, maxDrop: '1%' }, undefined, 'where weights have a threshold'],
    [{ layers: [{ match: 'head', amount: 0.5 }], maxDrop: '1%' }, undefined, 'where a recipe has amounts'],
    [{ lossless: true, maxDrop: '1%' }, undefined, 'where nothing is to be lost'],
    [{ fp16Storage: true, maxDrop: '1%' }, undefined, 'where weights lose bits'],
    [{ structured: 0.5 }, undefined, 'without a goal'],
  ])('%j: %s, %s', (options, sought, _) => {
    expect(checkPruneOptions(options).sought).toBe(sought);
  });

  it('is an amount of channels that is not there yet', () => {
    const settled = checkPruneOptions({ target: 'macs=40%', heads: 0.25, unstructured: '80%' });
    expect(settled).toMatchObject({
      target: { kind: 'macs', limit: { fraction: 0.4 } },
      structured: undefined,
      heads: 0.25,
      prunesChannels: true,
      weights: { how: { kind: 'amount', amount: 0.8 } },
    });
    expect(withAmount(settled, 0.3)).toEqual({ ...settled, structured: 0.3 });
  });

  it('is an amount of weights that is none yet', () => {
    const settled = checkPruneOptions({ ...zeros, target: 'size=40%', weightScope: 'lamp', criterion: 'magnitude' });
    expect(settled).toMatchObject({
      prunesChannels: false,
      weightScope: 'lamp',
      weights: { how: { kind: 'amount', amount: 0 }, schedule: undefined },
    });
    const weights = { how: { kind: 'amount', amount: 0.3 }, schedule: undefined };
    expect(withAmount(settled, 0.3)).toEqual({ ...settled, weights });
  });

  it('is nothing, and options stay as they are, where the amount is given', () => {
    const settled = checkPruneOptions({ structured: 0.5, maxDrop: '0.5%' });
    expect(settled).toMatchObject({ structured: 0.5, maxDrop: 0.005, target: undefined });
    expect(withAmount(settled, 0.3)).toBe(settled);
  });

  it('may be ranked and shared out like any amount', () => {
    for (const goal of [{ target: 'macs=40%' }, { maxDrop: 0 }])
      expect(checkPruneOptions({ ...goal, criterion: 'l1', scope: 'global' })).toMatchObject({
        ranking: { channels: 'l1' },
        scope: 'global',
      });
  });
});

describe('goals are refused', () => {
  it.each<[PruneOptions, string, string]>([
    [
      { target: 'macs=40%', structured: 0.5 },
      '--target',
      '--target and --structured each say how many channels leave; give one of them.',
    ],
    [
      { unstructured: 'auto' },
      '--unstructured',
      '--unstructured auto finds the amount by --target size= or --max-drop, and neither was given; give one of them, or an amount such as "90%".',
    ],
    [
      { ...zeros, target: 'macs=40%' },
      '--target',
      '--target macs= cannot be met by --unstructured auto, since weights that are zero stay in the model; leave --unstructured auto out, so that channels leave, or aim at size=.',
    ],
    [{ ...zeros, target: 'params=40%' }, '--target', '--target params= cannot be met by --unstructured auto,'],
    [{ ...zeros, target: 'latency=5ms' }, '--target', '--target latency= cannot be met by --unstructured auto,'],
    [
      { unstructured: 'auto', target: 'size=40%' },
      '--target',
      '--target size= cannot be met by --unstructured auto alone, since zeros take as many bytes as other numbers; add --gzip or --sparse-format, or leave',
    ],
    [
      { target: 'latency=60%', bench: false },
      '--target',
      '--target latency= has to measure latency; leave --no-bench out.',
    ],
    [{ ...zeros, target: 'size=40%', schedule: 'polynomial' }, '--schedule', '--schedule leads to an amount'],
    [{ ...zeros, target: 'size=40%', threshold: 1 }, '--threshold', '--unstructured and --threshold each say'],
    [{ target: 'macs=0%' }, '--target', '--target must be macs= with the most that may stay'],
    [{ maxDrop: '-1%' }, '--max-drop', '--max-drop must be percentage points of accuracy'],
    [{ unstructured: 'Auto', target: 'size=40%' }, '--unstructured', '--unstructured must be at least 0%'],
  ])('%#: %j', (options, subject, message) => {
    const refusal = refusalOf(options);
    expect(refusal.message.startsWith(message)).toBe(true);
    expect(refusal.subject).toBe(subject);
  });
});

describe('data for a drop', () => {
  it('must be there', () => {
    const settled = checkPruneOptions({ maxDrop: '1%' });
    expect(() => checkDropMeasurable(settled, true)).not.toThrow();
    expect(() => checkDropMeasurable(settled, false)).toThrow(
      '--max-drop has to see how many right answers are lost, and no data were given; add --test with inputs and labels, or --calibration, of which a quarter is held out to compare answers with those of the original.',
    );
    expect(() => checkDropMeasurable(checkPruneOptions({ target: 'macs=40%' }), false)).not.toThrow();
  });
});
