import { describe, expect, it } from 'vitest';
import { PRUNE_DEFAULTS } from '../../src/index.ts';
import { checkPruneOptions } from '../../src/prune-options.ts';

describe('options that nobody gave', () => {
  it('are the defaults', () => {
    expect(checkPruneOptions({ structured: 0.5 })).toEqual({
      ...PRUNE_DEFAULTS,
      structured: 0.5,
      heads: undefined,
      headDim: undefined,
      layers: [],
      allowApproximate: false,
      force: false,
      exclude: [],
      only: [],
      dryRun: false,
      requireChange: false,
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
