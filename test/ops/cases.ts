import { describe, expect, test } from 'vitest';
import type { ModelBuilder } from '../support/build.ts';
import { type CutOptions, useCutEqualsMasked } from '../support/cut-equals-masked.ts';

/** A net, the groups that must be found in it, and why the weights named must stay. */
export interface Case {
  readonly net: ModelBuilder;
  /** `weight count` of each group, in the map's order. */
  readonly groups: readonly string[];
  readonly refusals?: Readonly<Record<string, RegExp>>;
  readonly options?: CutOptions;
}

// One runtime for all cases of a test file, whose own copy of this module this is.
const cutEqualsMasked = useCutEqualsMasked();

/** Cases by what they are about. */
export type Cases = Readonly<Record<string, Case>>;

const ALL_CAN_LEAVE = ['first 8'];

/** The eight channels of "first" can leave. */
export function free(net: ModelBuilder, options: CutOptions = {}): Case {
  return { net, groups: ALL_CAN_LEAVE, options };
}

/** These groups are found. */
export function found(net: ModelBuilder, ...groups: readonly string[]): Case {
  return { net, groups };
}

/** Nothing can leave, and "first" says why. */
export function held(net: ModelBuilder, reason: RegExp): Case {
  return { net, groups: [], refusals: { first: reason } };
}

/** Groups of one weight have names of their own, "weight[4…]"; here they go by the weight. */
const byWeight = (group: string): string => group.replace(/\[[:, ]*\d+…\] /, ' ');

/** Checks every case, with choices of its own, and every other one with the shapes of all values declared in the file. */
export function testCases(title: string, cases: Cases): void {
  const numbered = Object.entries(cases).map(([name, each], index) => [name, each, index + 1] as const);
  describe(title, () => {
    test.each(numbered)('%s', async (_, { net, groups, refusals = {}, options = {} }, seed) => {
      const outcome = await cutEqualsMasked(net, { seed, declared: seed % 2 === 0, ...options });
      expect(outcome.groups.map(byWeight)).toEqual(groups);
      // A group of one unit is found, but its last unit stays.
      expect(outcome.removed > 0).toBe(groups.some((group) => !group.endsWith(' 1')));
      for (const [weight, reason] of Object.entries(refusals)) expect(outcome.refusals[weight], weight).toMatch(reason);
    });
  });
}
