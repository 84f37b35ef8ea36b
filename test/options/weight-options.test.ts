import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OnnxPruneError } from '../../src/index.ts';
import { checkPruneOptions, type PruneOptions } from '../../src/options/prune-options.ts';
import { checkWeightWishes, type WeightOptions } from '../../src/options/weight-options.ts';
import { refusalBy } from './refusal.ts';

const refusalOf = (
  options: PruneOptions,
  check: (options: PruneOptions) => unknown = checkWeightWishes,
): OnnxPruneError => refusalBy(() => check(options));

describe('wishes about weights', () => {
  it.each<[WeightOptions, unknown]>([
    [{}, undefined],
    [{ unstructured: '90%' }, { kind: 'amount', amount: 0.9 }],
    [{ unstructured: 0.25 }, { kind: 'amount', amount: 0.25 }],
    [{ unstructured: 0 }, { kind: 'amount', amount: 0 }],
    [{ threshold: '1e-3' }, { kind: 'threshold', threshold: 0.001 }],
    [{ threshold: 2 }, { kind: 'threshold', threshold: 2 }],
    [{ pattern: '2:4' }, { kind: 'pattern', keep: 2, of: 4 }],
    [{ pattern: ' 1 : 16 ' }, { kind: 'pattern', keep: 1, of: 16 }],
  ])('%j are read', (options, how) => {
    expect(checkWeightWishes(options)?.how).toEqual(how);
    expect(checkWeightWishes(options)?.schedule).toBeUndefined();
  });

  it('keep every pattern that leaves something and takes something', () => {
    const seed = 4;
    const of = fc.integer({ min: 2, max: 1024 });
    const patterns = of.chain((m) => fc.record({ keep: fc.integer({ min: 1, max: m - 1 }), of: fc.constant(m) }));
    fc.assert(
      fc.property(patterns, (each) => {
        const read = checkWeightWishes({ pattern: `${each.keep}:${each.of}` });
        expect(read?.how).toEqual({ kind: 'pattern', ...each });
      }),
      { seed },
    );
  });

  it.each(['', ':', '2', '2:', ':4', '2:4:8', '2/4', '-2:4', '2.5:4', '4:2', '4:4', '0:4', '0:0', '1:1025', '٢:٤'])(
    'refuse the pattern %j',
    (pattern) => {
      const { subject, message } = refusalOf({ pattern });
      expect(subject).toBe('--pattern');
      expect(message).toContain(`such as "2:4"`);
      expect(message).toContain(`but is ${JSON.stringify(pattern)}.`);
    },
  );

  it.each(['0', 0, -1, 'x', '', Number.NaN, Number.POSITIVE_INFINITY, '5%'])('refuse the threshold %j', (threshold) => {
    expect(refusalOf({ threshold }).message).toContain('--threshold must be a number above 0 (such as 0.01)');
  });

  it.each<[WeightOptions, string]>([
    [{ unstructured: 0.5, pattern: '2:4' }, '--unstructured and --pattern'],
    [{ unstructured: 0.5, threshold: 1 }, '--unstructured and --threshold'],
    [{ threshold: 1, pattern: '2:4' }, '--threshold and --pattern'],
    [{ unstructured: 0.5, threshold: 1, pattern: '2:4' }, '--unstructured and --threshold and --pattern'],
  ])('refuse %j, of which one is wanted', (options, named) => {
    expect(refusalOf(options).message).toBe(`${named} each say which weights become zero; give one of them.`);
  });
});

describe('a schedule', () => {
  const half = { unstructured: '50%' };

  it('has steps and a beginning, which have defaults', () => {
    expect(checkWeightWishes({ ...half, schedule: 'polynomial' })?.schedule).toEqual({
      kind: 'polynomial',
      steps: 10,
      initial: 0,
    });
    const own = { schedule: 'polynomial', steps: '5', initial: '20%' };
    expect(checkWeightWishes({ ...half, ...own })?.schedule).toEqual({ kind: 'polynomial', steps: 5, initial: 0.2 });
  });

  it('may begin at its end', () => {
    expect(checkWeightWishes({ ...half, schedule: 'polynomial', initial: '50%' })?.schedule?.initial).toBe(0.5);
  });

  it.each<[WeightOptions, string, string]>([
    [{ ...half, initial: 0.1 }, '--initial', 'belongs to a schedule'],
    [{ pattern: '2:4', schedule: 'polynomial' }, '--schedule', 'the amount of --unstructured'],
    [{ threshold: 1, schedule: 'constant' }, '--schedule', 'the amount of --unstructured'],
    [{ schedule: 'constant' }, '--schedule', 'the amount of --unstructured'],
    [{ ...half, schedule: 'cubic' }, '--schedule', 'must be one of constant, polynomial'],
    [{ ...half, schedule: 'constant', steps: 0 }, '--steps', 'must be a whole number from 1 to 1000'],
    [{ ...half, schedule: 'constant', steps: 1001 }, '--steps', 'must be a whole number from 1 to 1000'],
    [{ ...half, schedule: 'polynomial', initial: '51%' }, '--initial', 'at most 50%'],
    [{ ...half, schedule: 'polynomial', initial: -0.1 }, '--initial', 'must be at least 0%'],
  ])('is refused where it makes no sense: %j', (options, subject, words) => {
    const error = refusalOf(options);
    expect(error.subject).toBe(subject);
    expect(error.message).toContain(words);
  });
});

describe('what a run is asked for', () => {
  it.each<[PruneOptions, boolean, boolean]>([
    [{ structured: 0.5 }, true, false],
    [{ unstructured: 0.5 }, false, true],
    [{ structured: 0.5, unstructured: 0.5 }, true, true],
    [{ heads: 0.5, pattern: '2:4' }, true, true],
    [{ lossless: true }, false, false],
    [{ fp16Storage: true }, false, false],
    [{ sparseFormat: true }, false, false],
    [{ gzip: true }, false, false],
    [{ layers: [{ match: 'a', amount: '10%' }] }, true, false],
    [{ unstructured: 0.5, layers: [{ match: 'a', amount: '10%' }] }, false, true],
  ])('%j prunes channels: %s, weights: %s', (options, channels, weights) => {
    const settled = checkPruneOptions(options);
    expect(settled.prunesChannels).toBe(channels);
    expect(settled.weights !== undefined).toBe(weights);
  });

  it('is lossless first unless that is switched off', () => {
    expect(checkPruneOptions({ unstructured: 0.5 }).lossless).toBe(true);
    expect(checkPruneOptions({ unstructured: 0.5, lossless: false }).lossless).toBe(false);
  });

  it('leaves the format of tensors open', () => {
    expect(checkPruneOptions({ unstructured: 0.5 }).sparseFormat).toBeUndefined();
    expect(checkPruneOptions({ unstructured: 0.5, sparseFormat: false }).sparseFormat).toBe(false);
  });

  it('refuses options that would do nothing', () => {
    const refusals: readonly (readonly [PruneOptions, RegExp])[] = [
      [
        { include: ['a'], structured: 0.5 },
        /^--include lets elements of further tensors become zero, and nothing says how many/,
      ],
      [
        { unstructured: 0.5, schedule: 'constant', initial: 0.1 },
        /^--initial is where --schedule polynomial starts from/,
      ],
      [
        { pattern: '2:4', scope: 'global' },
        /^--scope global shares out an amount, but --pattern holds for every tensor alike/,
      ],
      [
        { threshold: 0.1, scope: 'global' },
        /^--scope global shares out an amount, but --threshold holds for every tensor alike/,
      ],
    ];
    for (const [options, message] of refusals) expect(() => checkPruneOptions(options)).toThrow(message);
    expect(() => checkPruneOptions({ structured: 0.5, pattern: '2:4', scope: 'global' })).not.toThrow();
  });

  it.each<PruneOptions>([{}, { lossless: false }, { sparseFormat: false }, { gzip: false }])(
    'is nothing in %j, which is refused',
    (options) => {
      expect(refusalOf(options, checkPruneOptions).message).toMatch(
        /^Nothing says how much to remove: give --structured or/,
      );
    },
  );

  it.each<PruneOptions>([
    { structured: 0.5, scope: 'lamp' },
    { lossless: true, scope: 'lamp' },
  ])('is refused for scope lamp without an amount of weights: %j', (options) => {
    expect(refusalOf(options, checkPruneOptions).message).toBe(
      '--scope lamp shares out the amount of --unstructured, which was not given.',
    );
  });

  it('takes scope lamp with both amounts', () => {
    const scopes = checkPruneOptions({ structured: 0.5, unstructured: 0.5, scope: 'lamp' });
    expect(scopes).toMatchObject({ scope: 'uniform', weightScope: 'lamp' });
  });

  it('takes a criterion and a scope of their own for weights', () => {
    const both = { structured: 0.5, unstructured: 0.5, criterion: 'l2', scope: 'global' };
    expect(checkPruneOptions(both)).toMatchObject({ scope: 'global', weightScope: 'global' });
    expect(checkPruneOptions({ ...both, weightCriterion: 'w ^ 2', weightScope: 'lamp' })).toMatchObject({
      scope: 'global',
      weightScope: 'lamp',
      ranking: { channels: 'l2', formula: undefined, weights: 'magnitude', weightFormula: 'w ^ 2' },
    });
    expect(checkPruneOptions({ ...both, criterion: 'abs(w)', weightCriterion: 'random' }).ranking).toEqual({
      channels: 'fan-out',
      formula: 'abs(w)',
      weights: 'random',
      weightFormula: undefined,
    });
    const refused: readonly (readonly [PruneOptions, RegExp])[] = [
      [
        { structured: 0.5, weightCriterion: 'random' },
        /^--weight-criterion ranks weights, and nothing says which become zero/,
      ],
      [
        { structured: 0.5, weightScope: 'lamp' },
        /^--weight-scope lamp shares out the amount of --unstructured, which was not/,
      ],
      [
        { pattern: '2:4', weightScope: 'uniform' },
        /^--weight-scope uniform shares out an amount, but --pattern holds for/,
      ],
      [{ unstructured: 0.5, weightCriterion: 'l2' }, /^--weight-criterion l2 cannot rank weights/],
      [
        { unstructured: 0.5, weightCriterion: 'magnitud' },
        /^--weight-criterion must be one of magnitude, random, or a formula .*mean "magnitude"/,
      ],
    ];
    for (const [options, message] of refused) expect(() => checkPruneOptions(options)).toThrow(message);
  });

  it.each(['include', 'exclude', 'only'])('has names or globs in %s', (option) => {
    expect(refusalOf({ unstructured: 0.5, [option]: [''] }, checkPruneOptions).subject).toBe(`--${option}`);
  });

  it.each(['gzip', 'fp16Storage', 'sparseFormat', 'lossless'])('has a yes or no in %s', (option) => {
    const wrong = Object.assign({ unstructured: 0.5 }, { [option]: 'false' });
    expect(refusalOf(wrong, checkPruneOptions).message).toBe(`${option} must be true or false, but is "false".`);
  });
});
