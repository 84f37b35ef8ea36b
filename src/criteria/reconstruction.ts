import type { NamedCriterion } from './criterion.ts';

/**
 * What the layers that read a channel lose without it, on calibration data, once the other channels have taken over: see
 * `rankUnits`. Undefined where nothing was measured.
 */
export const reconstruction: NamedCriterion = {
  name: 'reconstruction',
  summary: 'error that the layers which read a channel cannot make up for, on calibration data',
  score: (group, { measuredRanking }) => measuredRanking?.(group)?.scores,
};
