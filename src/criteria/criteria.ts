import type { Group } from '../channels/group.ts';
import { OnnxPruneError } from '../errors.ts';
import { bnScale } from './bn-scale.ts';
import type { Criterion, CriterionName, Evidence, NamedCriterion, RankedBy, Scores } from './criterion.ts';
import { fpgm } from './fpgm.ts';
import { fanOut, l1, l2 } from './magnitude.ts';
import { random } from './random.ts';
import { reconstruction } from './reconstruction.ts';

export type { CriterionName, RankedBy };

/** Every criterion there is, by the name users give. */
export const criteria: readonly NamedCriterion[] = [reconstruction, fanOut, l1, l2, bnScale, fpgm, random];

/** The criterion of a name. */
export function criterionNamed(name: RankedBy): Criterion {
  return criteria.find((criterion) => criterion.name === name) ?? l2;
}

/**
 * Scores a group by a criterion, or by the norm of weights where the criterion has nothing to look at.
 * @returns the scores and the name of the criterion that gave them
 * @throws OnnxPruneError `bad-model` naming the weights when a score is not a finite number
 */
export function scoreGroup(criterion: Criterion, group: Group, evidence: Evidence): { scores: Scores; by: string } {
  const own = criterion.score(group, evidence);
  const other = own === undefined ? insteadOf(criterion) : criterion;
  const scores = own ?? other.score(group, evidence) ?? new Float64Array(group.count);
  if (!scores.every(Number.isFinite)) {
    const weight = group.members[0]?.axis.value.name ?? group.name;
    throw new OnnxPruneError(
      'bad-model',
      group.name,
      `The weights that make or read the channels of "${weight}" hold NaN or infinite numbers, so they cannot be ranked; repair the model, or leave the layer out with --exclude "${weight}".`,
    );
  }
  return { scores, by: other.name };
}

/** What ranks a group where a criterion has nothing to look at: readers where it was about readers, else all weights. */
function insteadOf({ name }: Criterion): Criterion {
  return name === reconstruction.name ? fanOut : l2;
}
