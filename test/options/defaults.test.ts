import { describe, expect, it } from 'vitest';
import { PRUNE_DEFAULTS } from '../../src/index.ts';
import { checkPruneOptions } from '../../src/options/prune-options.ts';

describe('options that nobody gave', () => {
  it('are the defaults', () => {
    const { criterion, weightCriterion, steps: _steps, initial: _initial, ...defaults } = PRUNE_DEFAULTS;
    expect(checkPruneOptions({ structured: 0.5 })).toEqual({
      ...defaults,
      ranking: { channels: criterion, weights: weightCriterion, formula: undefined, weightFormula: undefined },
      weightScope: 'uniform',
      structured: 0.5,
      prunesChannels: true,
      target: undefined,
      maxDrop: undefined,
      sought: undefined,
      recover: 'none',
      rounds: 1,
      oneShot: undefined,
      samples: undefined,
      batch: undefined,
      weights: undefined,
      include: [],
      sparseFormat: undefined,
      fp16Storage: false,
      gzip: false,
      heads: undefined,
      headDim: undefined,
      layers: [],
      allowApproximate: false,
      force: false,
      exclude: [],
      only: [],
      changedOnly: false,
      memory: 512e6,
      dryRun: false,
      requireChange: false,
      keep: false,
      gates: {
        minAgreement: undefined,
        minCosine: undefined,
        maxError: undefined,
        minSpeedup: undefined,
        maxSize: undefined,
        maxLatency: undefined,
      },
    });
  });

  it('may be given as undefined, as a command line does', () => {
    expect(checkPruneOptions({ structured: 0.5, criterion: undefined, seed: undefined, bench: undefined })).toEqual(
      checkPruneOptions({ structured: 0.5 }),
    );
  });

  it('leave proof and measurement on', () => {
    expect(checkPruneOptions({ structured: 0.5 })).toMatchObject({ verify: true, bench: true });
  });
});
