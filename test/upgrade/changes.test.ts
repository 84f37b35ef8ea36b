import { describe, expect, test } from 'vitest';
import { changeOf } from '../../src/upgrade/changes.ts';
import { NEWEST, VERSIONS } from '../../src/upgrade/versions.ts';

/** Every version of an operator but its first, which changes nothing: `Operator-version`. */
const steps = [...VERSIONS].flatMap(([operator, versions]) =>
  versions.slice(1).map((version) => ({ operator, version })),
);

describe('the table of changes', () => {
  test('has every change since operator set 8', () => {
    const missing = steps.filter(({ operator, version }) => version >= 8 && changeOf(operator, version) === undefined);
    expect(missing).toEqual([]);
  });

  test('has none before, and none that no operator made', () => {
    const made = new Set(steps.map(({ operator, version }) => `${operator}-${version}`));
    for (const operator of VERSIONS.keys()) {
      for (let version = 1; version <= NEWEST; version++) {
        const isKnown = version >= 8 && made.has(`${operator}-${version}`);
        expect(`${operator}-${version} ${changeOf(operator, version) !== undefined}`).toBe(
          `${operator}-${version} ${isKnown}`,
        );
      }
    }
  });

  test('lists versions once each, ascending', () => {
    for (const [, versions] of VERSIONS) expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    expect(Math.max(...[...VERSIONS.values()].flat())).toBe(NEWEST);
  });
});
