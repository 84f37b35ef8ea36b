import { PRUNE_DEFAULTS } from '../options/prune-defaults.ts';
import type { PruneOptions } from '../options/prune-options.ts';
import type { SensitivityOptions } from '../options/study-options.ts';

/** Options that decide what becomes of a model, besides the amounts; all others say how it is judged, or where it goes. */
const SHAPING = {
  channels: ['criterion', 'recover'],
  weights: ['criterion', 'weightCriterion', 'oneShot', 'include'],
  both: [
    ...(['exclude', 'only', 'align', 'maxRatio', 'allowApproximate'] as const),
    ...(['lossless', 'samples', 'batch', 'seed', 'fp16Storage', 'sparseFormat'] as const),
  ],
} as const;

/**
 * What a recipe says besides amounts, so that it gives the model that was studied wherever it is used: every option that was given
 * and has a say in that. With calibration data it says, too, what these bring about by themselves; so a run that has none is
 * refused, and does not give another model.
 *
 * @param calibrated whether there are such data
 */
export function recipeBase(of: 'channels' | 'weights', options: SensitivityOptions, calibrated: boolean): PruneOptions {
  const ofChannels: PruneOptions = calibrated ? { criterion: 'reconstruction', recover: 'least-squares' } : {};
  const usual = of === 'weights' ? { unstructured: 0 } : ofChannels;
  const given = [...SHAPING[of], ...SHAPING.both].flatMap((key) => {
    const value = options[key];
    // The command line gives it always.
    const isUsual = key === 'seed' && Number(value) === PRUNE_DEFAULTS.seed;
    return value === undefined || isUsual || (Array.isArray(value) && value.length === 0)
      ? []
      : [[key, value] as const];
  });
  return { ...usual, ...Object.fromEntries(given) };
}
