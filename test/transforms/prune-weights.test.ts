import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initializersIn } from '../../src/ir/node.ts';
import { slowestLeave } from '../numeric/weights.ts';
import { numbersOf, products, prune, read, reasonsOf, zerosIn, zerosOf } from './pruned-weights.ts';

describe('an amount of the weights', { timeout: 60_000 }, () => {
  const numbers = fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 2, -3);
  const lists = fc.array(fc.array(numbers, { minLength: 2, maxLength: 7 }), { minLength: 1, maxLength: 3 });

  test('is exact over the model and over each tensor, as sorting has it, and the second time changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
        fc.constantFrom('uniform' as const, 'global' as const),
        async (values, amount, scope) => {
          const names = values.map((_, i) => `w${i}`);
          const magnitudes = values.map((list) => list.map(Math.abs));
          const wanted =
            scope === 'global'
              ? slowestLeave(magnitudes, Math.round(amount * values.flat().length))
              : magnitudes.flatMap((list) => slowestLeave([list], Math.round(amount * list.length)));
          const net = products(Object.fromEntries(values.map((list, i) => [`w${i}`, list])));
          const how = { kind: 'amount', amount, scope } as const;
          const outcome = await prune(net, { how });
          const left = values.map((list, i) => list.map((value, j) => (wanted[i]?.[j] && value !== 0 ? 0 : value)));
          expect(names.map((name) => outcome.after[name])).toEqual(left);
          expect(outcome.report.zeros).toBe(zerosIn(left.flat()));
          expect(outcome.report.zeroed).toBe(zerosIn(left.flat()) - zerosIn(values.flat()));
          const again = await prune(outcome.model, { how });
          expect([again.report.zeroed, again.after]).toEqual([0, outcome.after]);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('is taken from what scores lowest in its layer', async () => {
    // The large weights of a small tensor carry all of it: w²/Σ is 1 for the last of each.
    const net = products({ large: [10, 20, 30, 40], small: [0.1, 0.1, 0.1, 4] });
    const { after } = await prune(net, { how: { kind: 'amount', amount: 0.5, scope: 'lamp' } });
    // 100/3000, 400/2900 of the large; 0.01/16.03, 0.01/16.03, 0.01/16.03 of the small.
    expect(after).toMatchObject({ large: [0, 20, 30, 40], small: [0, 0, 0, 4] });
  });

  test('is reported by layer and over all', async () => {
    const { report } = await prune(products({ a: [1, 2, 0, 4], b: [5, 6] }), {
      how: { kind: 'amount', amount: 0.5, scope: 'global' },
    });
    expect(report).toEqual({
      name: 'prune weights',
      how: { kind: 'amount', amount: 0.5, scope: 'global' },
      criterion: 'magnitude',
      weights: 6,
      zeroed: 2,
      zeros: 3,
      sparsity: 0.5,
      layers: [
        {
          initializer: 'a',
          nodes: ['a.product'],
          dims: [4, 1],
          weights: 4,
          zerosBefore: 1,
          zerosAfter: 3,
          sparsity: 0.75,
        },
        {
          initializer: 'b',
          nodes: ['b.product'],
          dims: [2, 1],
          weights: 2,
          zerosBefore: 0,
          zerosAfter: 0,
          sparsity: 0,
        },
      ],
      kept: [],
    });
  });

  test('of a recipe holds for the layers it names, and the others share theirs', async () => {
    const net = products({ a: [1, 2, 3, 4], b: [5, 6, 7, 8], c: [0.5, 9, 10, 11] });
    const options = {
      layers: [
        { match: ['a'], amount: 0.25 },
        { match: ['c.product'], exclude: true },
      ],
    };
    const outcome = await prune(net, { how: { kind: 'amount', amount: 0.5, scope: 'global' }, ...options });
    expect(zerosOf(outcome)).toEqual({ a: 1, b: 2 });
    expect(reasonsOf(outcome)).toEqual({ c: 'the recipe excludes it' });
  });
});

describe('a threshold', { timeout: 60_000 }, () => {
  test('takes what is smaller, and not what is equal', async () => {
    const { after } = await prune(products({ a: [0.1, -0.25, 0.25, 1], b: [-0.2, 3] }), {
      how: { kind: 'threshold', threshold: 0.25 },
    });
    expect(after).toMatchObject({ a: [0, -0.25, 0.25, 1], b: [0, 3] });
  });
});

describe('a schedule', { timeout: 60_000 }, () => {
  const schedule = { kind: 'polynomial', steps: 3, initial: 0 } as const;
  const values = Array.from({ length: 27 }, (_, i) => i + 1);

  test('prunes to the sparsity of each step, and hands the weights over between them', async () => {
    const model = await read(products({ w: values }));
    const seen: [number, number][] = [];
    const { report, after } = await prune(model, {
      how: { kind: 'amount', amount: 1, scope: 'global' },
      schedule,
      between: async (step) => {
        await Promise.resolve();
        seen.push([step, zerosIn(numbersOf(model.graph)['w'])]);
      },
    });
    // 27 · (1 − (1 − t/3)³) zeros after step t.
    expect(seen).toEqual([
      [1, 19],
      [2, 26],
    ]);
    expect(zerosIn(after['w'])).toBe(27);
    expect(report.steps?.map((each) => Math.round(27 * each))).toEqual([19, 26, 27]);
    expect(report.layers[0]).toMatchObject({ zerosBefore: 0, zerosAfter: 27 });
  });

  test('ends where one step would', async () => {
    const [once, stepwise] = [await prune(products({ w: values })), await prune(products({ w: values }), { schedule })];
    expect(stepwise.after).toEqual(once.after);
    expect(once.report.steps).toBeUndefined();
  });

  test('ranks what the weights have become in between', async () => {
    const model = await read(products({ w: [1, 2, 3, 4] }));
    const { after } = await prune(model, {
      how: { kind: 'amount', amount: 0.5, scope: 'uniform' },
      schedule: { kind: 'polynomial', steps: 2, initial: 0 },
      between: () => {
        const [value] = initializersIn(model.graph);
        const tensor = value?.tensor ?? expect.fail();
        const healed = tensor.floats().map((each) => (each === 4 ? 0.5 : each));
        if (value !== undefined)
          model.graph.setTensor(value, tensor.withData(tensor.dims, new Uint8Array(healed.buffer)));
      },
    });
    // Two leave at the first step already.
    expect(after['w']).toEqual([0, 0, 3, 0.5]);
  });
});
