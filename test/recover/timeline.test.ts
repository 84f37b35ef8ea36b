import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { extractModel } from '../../src/ir/extract.ts';
import type { Model } from '../../src/ir/model.ts';
import type { Value } from '../../src/ir/value.ts';
import { Timeline } from '../../src/recover/timeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { ModelBuilder } from '../support/build.ts';
import { canBeFed, inputsOf, normalised, Observed, valueNamed } from '../support/model-parts.ts';
import { createRandom } from '../support/random.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const namesOf = (values: Iterable<Value>): string[] => Array.from(values, ({ name }) => name);

/** Expects that what is kept is enough for all that is wanted from now on, and that nothing is kept that is not read for it. */
function expectEnough(model: Model, timeline: Timeline, time: number, wanted: readonly Value[]): void {
  const later = wanted.filter((value) => timeline.timeOf(value) >= time);
  const part = extractModel(model, timeline.kept, later);
  for (const value of part.inputs) expect(namesOf(timeline.kept)).toContain(value.name);
  for (const node of model.graph.sorted()) {
    const made = node.outputs.filter((value) => value !== undefined);
    const isRun = made.some(
      (value) => [...part.model.graph.values].some(({ name }) => name === value.name) && !timeline.kept.has(value),
    );
    if (!isRun || made.every((value) => timeline.timeOf(value) >= time)) continue;
    // Only what cannot be kept is made again.
    expect(
      made.some((value) => !canBeFed(value)),
      namesOf(made).join(),
    ).toBe(true);
  }
  expect(new Set(namesOf(timeline.kept))).toEqual(new Set(namesOf(part.inputs)));
}

describe('what is kept on the way through a model', { timeout: 60_000 }, () => {
  test('is enough for the rest, and no more, at any time of any net', async () => {
    let moves = 0;
    const property = fc.asyncProperty(problems, fc.nat({ max: 99999 }), async (problem, seed) => {
      const model = await normalised(buildNet(problem), child);
      const random = createRandom(seed);
      const made = [...model.graph.values].filter((value) => value.producer !== undefined);
      const wanted = made.filter((value) => canBeFed(value) && random.uniform() < 0.3);
      if (wanted.length === 0) return;
      const timeline = new Timeline(model.graph, wanted);
      expectEnough(model, timeline, 0, wanted);
      for (let time = 0; time < model.graph.nodes.size; time += 1 + random.below(4)) {
        const before = new Set(timeline.kept);
        const { added, dropped } = timeline.advance(time);
        for (const value of added) {
          expect(before.has(value)).toBe(false);
          expect(timeline.timeOf(value)).toBeLessThan(time);
        }
        const after = new Set([...before, ...added]);
        for (const value of dropped) expect(after.delete(value), value.name).toBe(true);
        expect(timeline.kept).toEqual(after);
        expectEnough(model, timeline, time, wanted);
        moves++;
      }
    });
    await fc.assert(property, { numRuns: 60, seed: 2 });
    expect(moves).toBeGreaterThan(100);
  });

  test('makes everything that is wanted when the net is run move by move', async () => {
    const property = fc.asyncProperty(problems, fc.nat({ max: 99999 }), async (problem, seed) => {
      const model = await normalised(buildNet(problem), child);
      const whole = await Observed.of(model, child, inputsOf(model, seed));
      const random = createRandom(seed);
      const values = [...model.graph.values].filter((value) => value.producer !== undefined && canBeFed(value));
      const wanted = values.filter(() => random.uniform() < 0.2);
      const timeline = new Timeline(model.graph, wanted);
      const order = wanted.toSorted((a, b) => timeline.timeOf(a) - timeline.timeOf(b));
      for (const value of order.filter((_, i) => i % 3 === 0)) {
        const given = new Set(timeline.kept);
        const { added } = timeline.advance(timeline.timeOf(value));
        // Expects what is run to be what the whole net makes of the same.
        await whole.expectPart(given, [...new Set([value, ...added])]);
      }
    });
    await fc.assert(property, { numRuns: 12, seed: 3 });
  });

  test('forgets what was read for the last time, and inputs with it', async () => {
    const b = new ModelBuilder();
    const [x, z] = [b.input('x', 'float32', ['N', 3]), b.input('z', 'float32', ['N', 3])];
    b.node('Relu', [x], {}, { outputs: ['a'] });
    b.node('Tanh', ['a'], {}, { outputs: ['c'] });
    b.node('Add', ['c', 'a'], {}, { outputs: ['d'] });
    b.node('Mul', ['d', z], {}, { outputs: ['e'] });
    b.output(b.node('Neg', ['e'], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
    const model = await normalised(b.bytes(), child);
    const timeline = new Timeline(model.graph, [valueNamed(model, 'e')]);
    const keptAt = (time: number): string[] => {
      timeline.advance(time);
      return namesOf(timeline.kept).sort();
    };
    expect(timeline.timeOf(valueNamed(model, 'x'))).toBe(-1);
    expect([0, 1, 2, 3, 4, 5].map(keptAt)).toEqual([['x', 'z'], ['a', 'z'], ['a', 'c', 'z'], ['d', 'z'], [], []]);
  });

  test.each([
    ['a sequence', 'SplitToSequence', (b: ModelBuilder, x: string) => b.node('ConcatFromSequence', [x], { axis: 1 })],
    ['bfloat16', 'Cast', (b: ModelBuilder, x: string) => b.node('Cast', [x], { to: 1 })],
    ['float8', 'Cast', (b: ModelBuilder, x: string) => b.node('Cast', [x], { to: 1 })],
  ])('holds %s as what it was made of', async (type, opType, back) => {
    const b = new ModelBuilder({ opset: 19, irVersion: 9 });
    b.node('Relu', [b.input('x', 'float32', ['N', 2])], {}, { outputs: ['a'] });
    const to = type === 'bfloat16' ? { to: 16 } : { to: 17 };
    b.node(opType, ['a'], opType === 'Cast' ? to : { axis: 1 }, { outputs: ['odd'] });
    b.node('Tanh', ['a'], {}, { outputs: ['even'] });
    const returned = back(b, 'odd');
    b.output(b.node('Add', [returned, 'even'], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    const model = await normalised(b.bytes(), child);
    const y = valueNamed(model, 'y');
    const timeline = new Timeline(model.graph, [y]);
    expect(valueNamed(model, 'odd').producer).toBeDefined();
    timeline.advance(timeline.timeOf(valueNamed(model, returned)));
    expect(namesOf(timeline.kept)).toContain('a');
    expect(namesOf(timeline.kept)).not.toContain('odd');
    expect(namesOf(timeline.kept)).not.toContain('x');
    const inputs = await (await Observed.of(model, child, inputsOf(model, 1))).expectPart(timeline.kept, [y]);
    expect(inputs.inputs.map(({ name }) => name)).toContain('a');
  });

  test('gives up what something odd was made of once that is not read any more', async () => {
    const b = new ModelBuilder();
    b.node('Relu', [b.input('x', 'float32', ['N', 2])], {}, { outputs: ['a'] });
    const odd = b.node('Cast', ['a'], { to: 16 }, { outputs: ['odd'] });
    b.node('Cast', [odd], { to: 1 }, { outputs: ['c'] });
    b.node('Tanh', ['c'], {}, { outputs: ['d'] });
    b.output(b.node('Neg', ['d'], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    const model = await normalised(b.bytes(), child);
    const timeline = new Timeline(model.graph, [valueNamed(model, 'y')]);
    const kept = [1, 2, 3, 4].map((time) => {
      timeline.advance(time);
      return namesOf(timeline.kept);
    });
    expect(kept).toEqual([['a'], ['a'], ['c'], ['d']]);
  });
});
