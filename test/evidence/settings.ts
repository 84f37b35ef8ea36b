import type { Setting } from './measure.ts';

/** How weights are ranked without data. */
const DATA_FREE_WEIGHTS: readonly (readonly [string, Setting['scope']])[] = [
  ['magnitude', 'uniform'],
  ['magnitude', 'global'],
  ['magnitude', 'lamp'],
  ['abs(w) / sqrt(row_norm * column_norm)', 'global'],
];

/**
 * How weights are ranked by what they read. "w^2 * mean_square_in" ranks weights as "abs(w) * sqrt(mean_square_in)" does,
 * whose square it is. A fourth root takes the square root of what the inputs measure (their root mean square), as RIA does
 * (Zhang et al., "Plug-and-Play: An Efficient Post-training Pruning Method for Large Language Models", ICLR 2024).
 */
const CALIBRATED_WEIGHTS: readonly (readonly [string, Setting['scope']])[] = [
  ['abs(w) * sqrt(mean_square_in)', 'uniform'],
  ['abs(w) * sqrt(mean_square_in)', 'global'],
  ['abs(w) * sqrt(var_in)', 'global'],
  ['abs(w) / row_norm * sqrt(mean_square_in)', 'global'],
  ['abs(w) / sqrt(row_norm * column_norm) * mean_square_in ^ 0.25', 'global'],
  ['abs(w) * mean_square_in ^ 0.25', 'global'],
];

const DATA_FREE_NEURONS: readonly string[] = ['fan-out', 'l1', 'l2', 'fpgm'];

const CALIBRATED_NEURONS: readonly string[] = [
  'abs(w) * sqrt(mean_square_in)',
  'abs(w) * mean_square_in ^ 0.25',
  'w^2 * mean_square_in',
  'w^2 * var_in',
];

const weights = ([criterion, scope]: readonly [string, Setting['scope']]): Setting => ({
  prunes: 'weights',
  criterion,
  scope,
});
const neurons = (criterion: string): Setting => ({ prunes: 'neurons', criterion, scope: 'uniform' });

/** Of each kind the setting that did best on the nets of the README, one for all of them. */
export const CHOSEN: readonly Setting[] = [
  weights(['magnitude', 'lamp']),
  weights(['abs(w) * mean_square_in ^ 0.25', 'global']),
  neurons('fpgm'),
  neurons('w^2 * mean_square_in'),
];

/** Settings that compete with one another: of each kind the best one that is the same for all nets is told. */
export const CONTESTS: Readonly<Record<string, readonly Setting[]>> = {
  weights: DATA_FREE_WEIGHTS.map(weights),
  'weights, calibrated': CALIBRATED_WEIGHTS.map(weights),
  neurons: DATA_FREE_NEURONS.map(neurons),
  'neurons, calibrated': CALIBRATED_NEURONS.map(neurons),
};
