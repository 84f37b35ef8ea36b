import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OnnxPruneError } from '../../src/errors.ts';
import { type Consumer, type Elimination, eliminate } from '../../src/numeric/eliminate.ts';
import { multiply, randomMoments, randomRows, solveByElimination } from '../support/dense.ts';

/** A random layer over features of these units. */
function layer(unitOf: readonly number[], rows: number, seed: number, importance = 1, damping = 0.01): Consumer {
  const features = unitOf.length;
  return {
    weight: randomRows(rows, features, seed),
    rows,
    features,
    moments: randomMoments(features, 2 * features + 3, seed + 1),
    damping,
    unitOf: Int32Array.from(unitOf),
    importance,
  };
}

/** tr((W − Ŵ)·H·(W − Ŵ)ᵀ) with the best Ŵ that is zero in the features of units that are gone, by the normal equations. */
function errorWithout(
  { weight, rows, features, moments, damping, unitOf }: Consumer,
  gone: ReadonlySet<number>,
): number {
  const h = moments.map((each, i) => (i % (features + 1) === 0 ? each + damping : each));
  const kept = [...unitOf.keys()].filter((feature) => !gone.has(unitOf[feature] ?? -1));
  const normal = Float64Array.from(kept.flatMap((i) => kept.map((j) => h[i * features + j] ?? 0)));
  const all = multiply(weight, h, rows, features, features);
  const right = Float64Array.from(
    kept.flatMap((i) => Array.from({ length: rows }, (_, row) => all[row * features + i] ?? 0)),
  );
  const solution = solveByElimination(normal, right, kept.length, rows);
  const difference = weight.slice();
  kept.forEach((feature, i) => {
    for (let row = 0; row < rows; row++) {
      const at = row * features + feature;
      difference[at] = (difference[at] ?? 0) - (solution[i * rows + row] ?? 0);
    }
  });
  const weighed = multiply(difference, h, rows, features, features);
  return difference.reduce((sum, each, i) => sum + each * (weighed[i] ?? 0), 0);
}

function totalWithout(consumers: readonly Consumer[], gone: ReadonlySet<number>): number {
  return consumers.reduce((sum, each) => sum + each.importance * errorWithout(each, gone), 0);
}

/** Checks every step against all that could have been done instead. */
function expectGreedy(
  consumers: readonly Consumer[],
  count: number,
  { order, losses, rest, restScores }: Elimination,
): void {
  const gone = new Set<number>();
  let total = 0;
  const costs = (): Map<number, number> =>
    new Map(
      Array.from({ length: count }, (_, unit) => unit)
        .filter((unit) => !gone.has(unit))
        .map((unit) => [unit, totalWithout(consumers, new Set([...gone, unit])) - totalWithout(consumers, gone)]),
    );
  const scale = totalWithout(consumers, new Set(Array.from({ length: count }, (_, unit) => unit))) + 1;
  for (const [step, unit] of order.entries()) {
    const cost = costs();
    const loss = losses[step] ?? Number.NaN;
    expect(Math.abs(loss - (cost.get(unit) ?? Number.NaN)) / scale).toBeLessThan(1e-9);
    expect(loss / scale).toBeLessThan(Math.min(...cost.values()) / scale + 1e-9);
    gone.add(unit);
    total += loss;
    expect(Math.abs(total - totalWithout(consumers, gone)) / scale).toBeLessThan(1e-9);
  }
  const cost = costs();
  expect([...rest].sort((a, b) => a - b)).toEqual([...cost.keys()]);
  for (const [place, unit] of rest.entries()) {
    expect(Math.abs((restScores[place] ?? Number.NaN) - (cost.get(unit) ?? Number.NaN)) / scale).toBeLessThan(1e-9);
    expect(restScores[place]).toBeGreaterThanOrEqual(restScores[place - 1] ?? 0);
  }
}

/** Units of equal size, feature by feature. */
function blocks(count: number, size: number): number[] {
  return Array.from({ length: count * size }, (_, i) => Math.floor(i / size));
}

describe('eliminate', () => {
  test('follows the closed form where features are independent', () => {
    // Nothing can take over, so that each costs its own energy: h · w².
    const consumer: Consumer = {
      weight: Float64Array.of(3, 1, 2, 0.5),
      rows: 1,
      features: 4,
      moments: Float64Array.of(1, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0.5, 0, 0, 0, 0, 8),
      damping: 0,
      unitOf: Int32Array.of(0, 1, 2, 3),
      importance: 10,
    };
    const { order, losses, rest, restScores, dampings } = eliminate([consumer], 4, { least: 1 });
    // Units 2 and 3 cost the same: the higher number leaves first.
    expect([...order]).toEqual([3, 2, 1]);
    expect([...losses]).toEqual([20, 20, 40].map((each) => expect.closeTo(each, 12)));
    expect([...rest]).toEqual([0]);
    expect([...restScores]).toEqual([expect.closeTo(90, 12)]);
    expect([...dampings]).toEqual([0]);
  });

  test('lets one of two correlated features take over', () => {
    // y = a + b with E[a²] = E[b²] = 1, E[ab] = r: without b, a takes 1 + r, and 1 − r² of energy is lost.
    const r = 0.6;
    const consumer: Consumer = {
      ...{ weight: Float64Array.of(1, 1), rows: 1, features: 2, damping: 0, importance: 1 },
      moments: Float64Array.of(1, r, r, 1),
      unitOf: Int32Array.of(0, 1),
    };
    const { order, losses } = eliminate([consumer], 2, { least: 0 });
    expect([...order]).toEqual([1, 0]);
    expect([...losses]).toEqual([expect.closeTo(1 - r * r, 12), expect.closeTo((1 + r) ** 2, 12)]);
  });

  test.each([
    ['single features', blocks(12, 1)],
    ['blocks of four', blocks(7, 4)],
    ['blocks of nine', blocks(5, 9)],
    ['interleaved units, with features that stay', [0, 1, 2, -1, 0, 1, 2, 3, -1, 3, 4, 4, 0, -1]],
    ['units of different sizes, one of them without features', [0, 0, 0, 0, 0, 2, 3, 3, 4, 4, 4, 5, 5, 6]],
  ])('is as greedy as trying everything, and its losses are true errors: %s', (_, unitOf) => {
    const count = Math.max(...unitOf) + 1;
    for (const [rows, least] of [
      [1, 1],
      [6, 0],
      [40, 2],
    ] as const) {
      const consumers = [layer(unitOf, rows, rows)];
      expectGreedy(consumers, count, eliminate(consumers, count, { least }));
    }
  });

  test('is as greedy as trying everything for any group', () => {
    const consumer = fc
      .record({
        unitOf: fc.array(fc.integer({ min: -1, max: 5 }), { minLength: 1, maxLength: 14 }),
        rows: fc.integer({ min: 1, max: 5 }),
        seed: fc.integer({ min: 0, max: 2 ** 30 }),
        importance: fc.double({ min: 0.1, max: 4, noNaN: true }),
      })
      .map(({ unitOf, rows, seed, importance }) => layer(unitOf, rows, seed, importance));
    fc.assert(
      fc.property(
        fc.array(consumer, { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 0, max: 6 }),
        (consumers, least) => {
          expectGreedy(consumers, 6, eliminate(consumers, 6, { least }));
        },
      ),
      { numRuns: 40 },
    );
  });

  test('adds up what all layers lose, by their importance', () => {
    // Each layer alone would let another unit go first.
    const one = { ...layer([0, 1, 2], 1, 1), moments: Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), damping: 0 };
    const consumers: Consumer[] = [
      { ...one, weight: Float64Array.of(1, 3, 2), importance: 1 },
      { ...one, weight: Float64Array.of(6, 1, 2), importance: 0.5 },
    ];
    const { order, losses } = eliminate(consumers, 3, { least: 0 });
    expect([...order]).toEqual([2, 1, 0]);
    expect([...losses]).toEqual([4 + 2, 9 + 0.5, 1 + 18].map((each) => expect.closeTo(each, 12)));
  });

  test('takes out first what is a combination of the others, for nothing', () => {
    // Unit 3 has two features, which are sums of those of units 0 and 5.
    const unitOf = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5];
    const samples = 60;
    const inputs = randomRows(12, samples, 5);
    for (let k = 0; k < samples; k++) {
      const at = (feature: number): number => inputs[feature * samples + k] ?? 0;
      inputs[6 * samples + k] = at(0) - 2 * at(10);
      inputs[7 * samples + k] = at(1) + 0.5 * at(11) + at(0);
    }
    const moments = Float64Array.from({ length: 144 }, (_, place) => {
      const [i, j] = [Math.floor(place / 12), place % 12];
      let sum = 0;
      for (let k = 0; k < samples; k++) sum += (inputs[i * samples + k] ?? 0) * (inputs[j * samples + k] ?? 0);
      return sum / samples;
    });
    const consumer: Consumer = { ...layer(unitOf, 8, 9, 1, 1e-8), moments };
    const { order, losses, dampings } = eliminate([consumer], 6, { least: 2 });
    // Units 0 and 5 are as superfluous until one of the three has left; none of them is after that.
    expect([0, 3, 5]).toContain(order[0]);
    expect(losses[0]).toBeLessThan(1e-5);
    expect(losses[1]).toBeGreaterThan(0.1);
    expect([...dampings]).toEqual([1e-8]);
    const gone = new Set<number>();
    let total = 0;
    for (const [step, unit] of order.entries()) {
      gone.add(unit);
      total += losses[step] ?? Number.NaN;
      const error = errorWithout(consumer, gone);
      expect(Math.abs(total - error)).toBeLessThan(1e-6 * error + 1e-9);
    }
  });

  test('finds the one unit that others can stand in for', () => {
    // Unit 2 reads the same as unit 0 in its first feature and as unit 4 in its second, while those have more of their own.
    const unitOf = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4];
    const moments = randomMoments(10, 40, 8);
    const copy = (to: number, from: number): void => {
      for (let j = 0; j < 10; j++) moments[to * 10 + j] = moments[from * 10 + j] ?? 0;
      for (let i = 0; i < 10; i++) moments[i * 10 + to] = moments[i * 10 + from] ?? 0;
    };
    copy(4, 0);
    copy(5, 8);
    const consumer: Consumer = { ...layer(unitOf, 4, 3, 1, 0), moments };
    const { order, losses, dampings } = eliminate([consumer], 5, { least: 3 });
    expect(order[0]).toBe(2);
    expect(losses[0]).toBeLessThan(1e-9);
    expect(losses[1]).toBeGreaterThan(0.1);
    // Singular moments are damped, and that is said.
    expect(dampings[0]).toBeGreaterThan(0);
    expect(dampings[0]).toBeLessThan(1e-9);
  });

  test('takes out one of each pair of equal channels before any other, without damping asked for', () => {
    const half = randomMoments(10, 40, 11);
    const moments = Float64Array.from({ length: 400 }, (_, i) => half[(Math.floor(i / 20) % 10) * 10 + (i % 10)] ?? 0);
    const consumer: Consumer = { ...layer(blocks(20, 1), 6, 12, 1, 0), moments };
    const { order, losses } = eliminate([consumer], 20, { least: 5 });
    expect([...order.subarray(0, 10)].map((unit) => unit % 10).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(Math.max(...losses.subarray(0, 10))).toBeLessThan(1e-8);
    expect(losses[10]).toBeGreaterThan(1e-3);
  });

  test('sums up to the error after many steps', () => {
    const consumers = [layer(blocks(40, 2), 11, 1, 0.5), layer(blocks(40, 1), 70, 2, 2)];
    const { order, losses, rest } = eliminate(consumers, 40, { least: 4 });
    const error = totalWithout(consumers, new Set(order));
    const total = losses.reduce((sum, each) => sum + each, 0);
    expect(Math.abs(total / error - 1)).toBeLessThan(1e-9);
    expect([...order, ...rest].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, unit) => unit));
  });

  test('counts what a live feature costs in a unit whose other feature is as good as dead', () => {
    const consumer: Consumer = {
      ...{ weight: Float64Array.of(1, 1, 5, 5), rows: 1, features: 4, importance: 1, damping: 1e-12 },
      moments: Float64Array.of(1000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1),
      unitOf: Int32Array.of(0, 0, 1, 1),
    };
    const { order, losses } = eliminate([consumer], 2, { least: 0 });
    expect([...order]).toEqual([1, 0]);
    expect([...losses]).toEqual([expect.closeTo(50, 9), expect.closeTo(1000, 9)]);
  });

  test('takes dead units first, the highest number first', () => {
    const consumer = layer(blocks(5, 2), 3, 4);
    for (const feature of [2, 3, 6, 7]) {
      for (let row = 0; row < 3; row++) consumer.weight[row * 10 + feature] = 0;
      for (let i = 0; i < 10; i++) {
        consumer.moments[feature * 10 + i] = 0;
        consumer.moments[i * 10 + feature] = 0;
      }
    }
    const { order, losses } = eliminate([consumer], 5, { least: 2 });
    expect([...order.subarray(0, 2)]).toEqual([3, 1]);
    expect([...losses.subarray(0, 2)]).toEqual([0, 0]);
  });

  test('does nothing where all units have to stay, and changes none of its input', () => {
    const consumer = layer(blocks(4, 3), 5, 6);
    const { weight, moments } = consumer;
    const before = [weight.slice(), moments.slice()];
    for (const least of [4, 9]) {
      const { order, losses, rest } = eliminate([consumer], 4, { least });
      expect([order.length, losses.length, rest.length]).toEqual([0, 0, 4]);
    }
    eliminate([consumer], 4, { least: 1 });
    expect([weight, moments]).toEqual(before);
    expect(eliminate([], 2, { least: 0 }).order).toEqual(Int32Array.of(1, 0));
  });

  test.each(['weight', 'moments'] as const)('refuses a %s that is not finite', (name) => {
    const consumer = layer([0, 1, 2], 2, 7);
    consumer[name][3] = Number.NaN;
    expect(() => eliminate([consumer], 3, { least: 1 })).toThrow(OnnxPruneError);
  });
});
