import type { Case } from './case.ts';

/**
 * A case that fails alike with fewer mutations: each is left out where the failure stays without it, until none can be.
 * @param fails whether a case fails as the first one did
 */
export async function minimise(first: Case, fails: (each: Case) => Promise<boolean>): Promise<Case> {
  let best = first;
  for (let index = best.steps.length - 1; index >= 0; ) {
    const less = { ...best, steps: best.steps.filter((_, other) => other !== index) };
    if (await fails(less)) best = less;
    index = Math.min(index, best.steps.length) - 1;
  }
  return best;
}
