/** What options are when nobody says. */
export const PRUNE_DEFAULTS = {
  criterion: 'fan-out',
  weightCriterion: 'magnitude',
  scope: 'uniform',
  lossless: true,
  steps: 10,
  initial: 0,
  maxRatio: 1,
  align: 'auto',
  verify: true,
  bench: true,
  seed: 0,
  threads: 1,
  timeout: 300,
  memory: '512MB',
} as const;
