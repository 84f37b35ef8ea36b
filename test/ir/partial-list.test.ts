import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { elementsOf, type PartialList, withElements } from '../../src/ir/partial-list.ts';
import type { Value } from '../../src/ir/value.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { type Feeds, RuntimeChild, run } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** A part of a list: numbers that stand in the file, or so many that are computed. */
type Part = { readonly known: readonly number[] } | { readonly open: number };

const lengthOf = (part: Part): number => ('known' in part ? part.known.length : part.open);

/** A model whose output is the Concat of the parts; computed ones are twice an input. */
function listOf(parts: readonly Part[]): { model: Model; list: Value } {
  const b = new ModelBuilder();
  const values = parts.map((part, i) =>
    'known' in part
      ? b.constant(`known${i}`, 'int64', [part.known.length], part.known)
      : b.node('Add', [b.input(`x${i}`, 'int64', [part.open]), `x${i}`], {}, { outputs: [`open${i}`] }),
  );
  b.node('Concat', values, { axis: 0 }, { outputs: ['list'] });
  b.output(b.node('Neg', ['list'], {}, { outputs: ['y'] }), 'int64');
  const model = importModel(decodeModel(b.bytes()));
  const find = (name: string): Value => {
    const value = [...model.graph.values].find((each) => each.name === name);
    if (value === undefined) throw new Error(`no ${name}`);
    return value;
  };
  parts.forEach((part, i) => {
    if ('open' in part) model.graph.setType(find(`open${i}`), { type: 'int64', dims: [part.open] });
  });
  return { model, list: find('list') };
}

/** What the list holds when input i is 100, 101, … + 10 · i. */
function naive(parts: readonly Part[]): number[] {
  return parts.flatMap((part, i) =>
    'known' in part ? part.known : Array.from({ length: part.open }, (_, j) => 2 * (100 + 10 * i + j)),
  );
}

function feedsFor(parts: readonly Part[]): Feeds {
  return Object.fromEntries(
    parts.flatMap((part, i) =>
      'known' in part
        ? []
        : [
            [
              `x${i}`,
              {
                type: 'int64' as const,
                dims: [part.open],
                data: BigInt64Array.from({ length: part.open }, (_, j) => BigInt(100 + 10 * i + j)),
              },
            ],
          ],
    ),
  );
}

/** The list that onnxruntime makes of a model that gives out minus the list. */
async function computed(model: Model, feeds: Feeds): Promise<number[]> {
  const outputs = await run(child, encodeModel(exportModel(model)), feeds);
  const data: Iterable<unknown> = outputs['y']?.data ?? [];
  return Array.from(data, (element) => 0 - Number(element));
}

const parts = fc.array(
  fc.oneof(
    fc.array(fc.integer({ min: -1, max: 9 }), { minLength: 1, maxLength: 3 }).map((known): Part => ({ known })),
    fc.integer({ min: 1, max: 3 }).map((open): Part => ({ open })),
  ),
  { minLength: 1, maxLength: 4 },
);

describe('a list that is known in part', { timeout: 60_000 }, () => {
  test('has the elements that constants give', () => {
    fc.assert(
      fc.property(parts, (parts) => {
        const { list } = listOf(parts);
        expect(elementsOf(list)).toEqual(
          parts.flatMap((part): PartialList => ('known' in part ? part.known : Array(part.open).fill(undefined))),
        );
      }),
    );
  });

  test('with other elements is what replacing them in an array gives', async () => {
    const cases = parts.chain((parts) => {
      const length = parts.reduce((sum, part) => sum + lengthOf(part), 0);
      const element = fc.option(fc.integer({ min: 20, max: 29 }), { nil: undefined });
      return fc.record({
        parts: fc.constant(parts),
        elements: fc.array(element, { minLength: length, maxLength: length }),
      });
    });
    await fc.assert(
      fc.asyncProperty(cases, async ({ parts, elements }) => {
        const { model, list } = listOf(parts);
        const changed = withElements(model.graph, list, elements);
        const wanted = naive(parts).map((each, i) => elements[i] ?? each);
        const known = parts.flatMap(
          (part): PartialList => ('known' in part ? part.known : Array(part.open).fill(undefined)),
        );
        expect(changed.tensor?.integers() ?? elementsOf(changed)).toEqual(known.map((each, i) => elements[i] ?? each));
        model.graph.replaceUses(list, changed);
        checkGraph(model.graph);
        // What reads the list reads it as it is wanted, and the list itself is as it was.
        expect(await computed(model, feedsFor(parts))).toEqual(wanted);
      }),
      { numRuns: 60 },
    );
  });

  test('that no Concat makes is open throughout, or a constant', () => {
    const { model } = listOf([{ open: 3 }, { known: [4, 5] }]);
    const values = new Map([...model.graph.values].map((value) => [value.name, value]));
    const [open, known] = [values.get('open0'), values.get('known1')];
    if (open === undefined || known === undefined) expect.fail('the net has changed');
    expect(elementsOf(open)).toEqual([undefined, undefined, undefined]);
    expect(elementsOf(known)).toEqual([4, 5]);
    expect(withElements(model.graph, open, [undefined, undefined, undefined])).toBe(open);
    expect(withElements(model.graph, open, [1, 2, 3]).tensor?.integers()).toEqual([1, 2, 3]);
  });

  test.each<[string, readonly (number | string)[] | undefined]>([
    ['the length', undefined],
    ['the length but for its name', ['M']],
    ['the rank: a number', []],
    ['the rank: a matrix', [1, 2]],
  ])('is not known at all without %s of a part', (_, dims) => {
    const { model, list } = listOf([{ open: 2 }, { known: [7] }]);
    const part = list.producer?.inputs[0];
    if (part === undefined) expect.fail('the net has changed');
    model.graph.setType(part, dims === undefined ? { type: 'int64' } : { type: 'int64', dims });
    expect(elementsOf(list)).toBeUndefined();
  });

  test('takes what is open from the whole list where its parts are not known', async () => {
    const given = [{ open: 2 }, { known: [7] }, { open: 1 }];
    const { model, list } = listOf(given);
    for (const part of list.producer?.inputs ?? [])
      if (part !== undefined && part.tensor === undefined) model.graph.setType(part, { type: 'int64' });
    const changed = withElements(model.graph, list, [undefined, 21, undefined, 22]);
    model.graph.replaceUses(list, changed);
    // The Gathers that were made of it must go on reading the list itself.
    for (const gather of model.graph.nodes) if (gather.opType === 'Gather') model.graph.setInput(gather, 0, list);
    expect(await computed(model, feedsFor(given))).toEqual([200, 21, 7, 22]);
  });
});
