import type { PruneOptions } from '../../src/index.ts';

/** A name in {@link WAYS}. */
export type Way =
  | 'structured'
  | 'global'
  | 'heads'
  | 'aligned'
  | 'unstructured'
  | 'pattern'
  | 'sparse'
  | 'lossless'
  | 'halves'
  | 'weights8'
  | 'weights4'
  | 'dynamic'
  | 'recovered'
  | 'oneShot'
  | 'static'
  | 'everything';

/** What is asked of a mutated model, by name. */
export const WAYS: Readonly<Record<Way, PruneOptions>> = {
  structured: { structured: 0.5, align: 'none' },
  global: { structured: 0.4, align: 'none', scope: 'global', criterion: 'l1', allowApproximate: true },
  heads: { heads: 0.5, headDim: 0.5, align: 'none', criterion: 'l2' },
  aligned: { structured: 0.3, criterion: 'fpgm', lossless: false },
  unstructured: { unstructured: 0.5 },
  pattern: { pattern: '2:4', gzip: true },
  sparse: { unstructured: 0.9, sparseFormat: true, weightScope: 'global' },
  lossless: { lossless: true },
  halves: { lossless: true, fp16Storage: true },
  weights8: { int8: 'weights' },
  weights4: { structured: 0.5, align: 'none', int8: 'weights', bits: 4 },
  dynamic: { int8: 'dynamic' },
  recovered: { structured: 0.5, align: 'none' },
  oneShot: { unstructured: 0.5 },
  static: { int8: 'static' },
  everything: { structured: 0.3, unstructured: 0.3, int8: true, align: 'none' },
};

/** The ways that learn from calibration data. */
export const CALIBRATED: ReadonlySet<Way> = new Set(['recovered', 'oneShot', 'static', 'everything']);
