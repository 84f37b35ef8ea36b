import { refuse } from '../options/parse.ts';
import type { PruneOptions } from '../options/prune-options.ts';
import { type StudyOptions, splitWays } from '../options/study-options.ts';

/** Options that may name several ways, each tried with each of the others. */
type Way = 'criterion' | 'weightCriterion' | 'scope' | 'weightScope' | 'recover';

/** One combination of ways. */
export type Choices = Readonly<Partial<Record<Way, string>>>;

/** The ways that matter to what is removed. */
const WAYS = {
  channels: ['criterion', 'scope', 'recover'],
  weights: ['criterion', 'weightCriterion', 'scope', 'weightScope'],
} as const satisfies Record<string, readonly Way[]>;

/**
 * What a sweep tries of one kind of removal: all combinations of what the options name, and those that differ.
 * @throws OnnxPruneError `bad-option` for an option that names nothing
 */
export function combinations(of: 'channels' | 'weights', options: StudyOptions): { all: Choices[]; several: Way[] } {
  let all: Choices[] = [{}];
  const several: Way[] = [];
  for (const way of WAYS[of]) {
    const found = options[way];
    if (found === undefined) continue;
    const values = splitWays(String(found));
    if (values.length === 0)
      refuse(`--${way.replace('C', '-c').replace('S', '-s')}`, found, 'a name, or several with commas between them');
    if (values.length > 1) several.push(way);
    all = all.flatMap((each) => values.map((value) => ({ ...each, [way]: value })));
  }
  return { all, several };
}

/** What every job of a study is told: the options without those of the study, without ways, and without those of the other kind. */
export function sharedOptions(of: 'channels' | 'weights', options: StudyOptions): PruneOptions {
  const {
    structured: _s,
    unstructured: _u,
    workers: _w,
    journal: _j,
    fresh: _f,
    criterion: _c,
    weightCriterion: _wc,
    scope: _sc,
    weightScope: _ws,
    recover: _r,
    oneShot,
    include,
    ...rest
  } = options;
  return { ...rest, ...(of === 'weights' && { oneShot, include }), bench: false };
}
