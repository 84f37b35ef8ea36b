import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import type { Group } from '../../src/channels/group.ts';
import { present } from '../../src/errors.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import type { Activations, Spread, Stage } from '../../src/recover/activations.ts';
import { rankUnits } from '../../src/recover/rank-units.ts';
import { measureReadings } from '../../src/recover/readings.ts';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';
import { inputsOf, normalised } from '../support/model-parts.ts';
import { createRandom } from '../support/random.ts';
import { Workshop } from './calibrated.ts';
import { conv, norm } from './nets.ts';

const workshop = Workshop.open();

/** Which channels of "first" are sums of others: channel → others with factors. */
const PLANTED = { 2: { 0: 1.5, 5: -0.5 }, 6: { 1: -1, 3: 2 } } as const;
const CHANNELS = 8;

/** The rows [8, size], of which those planted are sums of others. */
function plantedRows(size: number, seed: number): number[] {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: CHANNELS * size }, () => random.normal() / Math.sqrt(size));
  for (const [channel, parts] of Object.entries(PLANTED))
    for (let i = 0; i < size; i++)
      values[Number(channel) * size + i] = Object.entries(parts).reduce(
        (sum, [other, factor]) => sum + factor * (values[Number(other) * size + i] as number),
        0,
      );
  return [...values];
}

/** A weight of such rows. */
function planted(b: ModelBuilder, name: string, rest: readonly number[], seed: number): string {
  const size = rest.reduce((product, each) => product * each, 1);
  return b.constant(name, 'float32', [CHANNELS, ...rest], plantedRows(size, seed));
}

/** A weight with them as columns, as MatMul has it. */
function plantedColumns(b: ModelBuilder, name: string, from: number, seed: number): string {
  const rows = plantedRows(from, seed);
  const columns = rows.map((_, i) => rows[(i % CHANNELS) * from + Math.floor(i / CHANNELS)] as number);
  return b.constant(name, 'float32', [from, CHANNELS], columns);
}

function image(middle: (b: ModelBuilder, x: string) => string): ModelBuilder {
  const b = new ModelBuilder({ seed: 11 });
  b.output(middle(b, b.input('image', 'float32', ['N', 3, 6, 6])), 'float32');
  return b;
}

// With biases of their own they would be sums but for a constant, which ends at the border.
const first = (b: ModelBuilder, x: string, seed = 1): string =>
  b.node('Conv', [x, planted(b, 'first', [3, 3, 3], seed)], { pads: [1, 1, 1, 1] });
const end = (b: GraphBuilder, x: string, from: number, name = 'end'): string => conv(b, x, name, [from, 4]);

/** Nets in which two channels of "first" say what others say, to whoever reads them. */
const NETS: Readonly<Record<string, ModelBuilder>> = {
  'a chain of convolutions': image((b, x) => end(b, first(b, x), CHANNELS)),
  'a pointwise reader': image((b, x) => conv(b, first(b, x), 'end', [CHANNELS, 4], { kernel: 1 })),
  'a normalization between': image((b, x) =>
    conv(b, norm(b, first(b, x), 'n', CHANNELS), 'end', [CHANNELS, 4], { kernel: 1 }),
  ),
  'a normalization behind the reader': image((b, x) =>
    norm(b, conv(b, first(b, x), 'end', [CHANNELS, 4], { bias: false }), 'n', 4),
  ),
  'a pool between': image((b, x) =>
    end(b, b.node('AveragePool', [first(b, x)], { kernel_shape: [2, 2], strides: [2, 2] }), CHANNELS),
  ),
  'two readers': image((b, x) => {
    const made = first(b, x);
    return b.node('Mul', [end(b, made, CHANNELS), b.node('Tanh', [end(b, made, CHANNELS, 'other')])]);
  }),
  'a reader that reads others too': image((b, x) => {
    const others = b.node('Relu', [conv(b, x, 'others', [3, 5])]);
    return end(b, b.node('Concat', [others, first(b, x)], { axis: 1 }), CHANNELS + 5);
  }),
  'a residual sum read twice': image((b, x) => {
    const stream = first(b, x);
    const more = b.node('Conv', [b.node('Relu', [conv(b, x, 'wide', [3, 5])]), planted(b, 'second', [5, 3, 3], 2)], {
      pads: [1, 1, 1, 1],
    });
    const added = b.node('Add', [stream, more]);
    return b.node('Mul', [end(b, added, CHANNELS), b.node('Tanh', [end(b, added, CHANNELS, 'other')])]);
  }),
  'a flattened image': image((b, x) => {
    const flat = b.node('Flatten', [b.node('AveragePool', [first(b, x)], { kernel_shape: [3, 3], strides: [3, 3] })]);
    return b.node('Gemm', [flat, b.weight('end', [4, CHANNELS * 4])], { transB: 1 });
  }),
  'a MatMul without a bias': (() => {
    const b = new ModelBuilder({ seed: 11 });
    const x = b.input('tokens', 'float32', ['N', 4, 6]);
    const made = b.node('MatMul', [x, plantedColumns(b, 'first', 6, 1)]);
    b.output(
      b.node('MatMul', [b.node('Add', [made, b.vector('offset', CHANNELS)]), b.weight('end', [CHANNELS, 3])]),
      'float32',
    );
    return b;
  })(),
};

/** Ranks of the group whose channels "first" makes. */
async function rankingOf(net: ModelBuilder): Promise<{ group: Group; order: number[]; losses: Float64Array }> {
  const model = await normalised(net.bytes(), workshop.child);
  const stages = await workshop.stages([0, 1, 2, 3].map((seed) => inputsOf(model, seed, 16)));
  const map = buildChannelMap(model.graph, ruleOf, {});
  const readings = await measureReadings(model, map, stages, ruleOf);
  await stages.close();
  const group = present(
    map.groups.find(({ count }) => count === CHANNELS),
    'the group of 8',
  );
  const { scores, losses } = present(rankUnits(group, map, readings), 'a ranking');
  const order = [...scores.keys()].sort((a, b) => (scores[a] as number) - (scores[b] as number));
  return { group, order, losses: present(losses, 'losses') };
}

describe('channels that are sums of others', { timeout: 60_000 }, () => {
  test.each(Object.entries(NETS))('leave first, and readers take them over: %s', async (name, net) => {
    const { order, losses } = await rankingOf(net);
    // Any of a channel and those that it is a sum of may leave, but only one of each.
    const related = Object.entries(PLANTED).map(([channel, parts]) => [
      Number(channel),
      ...Object.keys(parts).map(Number),
    ]);
    for (const each of related)
      expect(
        order.slice(0, 2).filter((unit) => each.includes(unit)),
        name,
      ).toHaveLength(1);
    expect(losses[0]).toBe(0);
    expect(losses[2]).toBeLessThan(0.005);
    for (let k = 1; k < losses.length; k++) expect(losses[k]).toBeGreaterThanOrEqual(losses[k - 1] as number);
    expect(losses).toHaveLength(CHANNELS);

    const only = { only: ['first'], criterion: 'reconstruction' } as const;
    const { cut, recovered, report } = await workshop.prune(net, {
      amount: 0.25,
      criterion: 'reconstruction',
      options: only,
    });
    expect(report.groups.find(({ before }) => before === CHANNELS)?.after).toBe(6);
    expect(cut).toBeGreaterThan(0.005);
    // All but what the ridge keeps back.
    expect(recovered).toBeLessThan(1e-6);
  });
});

describe('channels that hardly vary around large numbers', { timeout: 60_000 }, () => {
  // Sums of squares in float32 are off in the last bits, so that variances may come out below zero.
  test.each([0.1, 1000.1, 4097.3, 77777.7, 1e6 / 3])('are ranked, and taken over: %d', async (large) => {
    const b = new ModelBuilder({ seed: 3 });
    const x = b.input('tokens', 'float32', ['N', 7, 5]);
    const weight = b.constant('first', 'float32', [5, CHANNELS], new Float32Array(5 * CHANNELS));
    const offset = b.constant(
      'offset',
      'float32',
      [CHANNELS],
      Float32Array.from({ length: CHANNELS }, (_, i) => large * (1 + i / 7)),
    );
    const made = b.node('Relu', [b.node('Add', [b.node('MatMul', [x, weight]), offset])]);
    const back = b.node('MatMul', [made, b.weight('end', [CHANNELS, 5])]);
    b.output(b.node('Add', [back, b.node('Mul', [x, b.constant('much', 'float32', [], [large])])]), 'float32');
    const model = await normalised(b.bytes(), workshop.child);
    const stages = await workshop.stages([0, 1, 2, 3].map((seed) => inputsOf(model, seed, 16)));
    const map = buildChannelMap(model.graph, ruleOf, {});
    const readings = await measureReadings(model, map, stages, ruleOf);
    await stages.close();
    const ranked = rankUnits(present(map.groups[0], 'a group'), map, readings);
    for (const loss of ranked?.losses ?? []) expect(loss).toBeGreaterThanOrEqual(0);

    const { cut, recovered } = await workshop.prune(b, { criterion: 'l2' });
    expect(cut).toBeGreaterThan(0.01);
    expect(recovered).toBeLessThan(1e-6);
  });

  test('whatever rounding makes of their variances', async () => {
    const b = new ModelBuilder();
    const x = b.input('rows', 'float32', ['N', 2]);
    const made = b.node('Relu', [b.node('MatMul', [x, b.weight('first', [2, CHANNELS])])]);
    b.output(
      b.node('MatMul', [made, b.constant('end', 'float32', [CHANNELS, 1], new Float32Array(CHANNELS).fill(1))]),
      'float32',
    );
    const model = await normalised(b.bytes(), workshop.child);
    const stages = await workshop.stages([inputsOf(model, 1, 4)]);
    const map = buildChannelMap(model.graph, ruleOf, {});
    const readings = await measureReadings(model, map, stages, ruleOf);
    await stages.close();
    // All are 1 on 100 positions, but for roundings of their products.
    const rounded = [...readings].map(([node, reading]) => {
      const gram = reading.gram.map((_, at) => 100 * (1 + (at % (CHANNELS + 1) === 0 ? -1 : 1) * 2 ** -23));
      return [node, { ...reading, count: 100, sum: reading.sum.map(() => 100), gram }] as const;
    });
    // What is the same everywhere says nothing of one another.
    expect(rankUnits(present(map.groups[0], 'a group'), map, new Map(rounded))).toBeUndefined();
  });
});

/** Notes what it is asked for, and gives nothing. */
class Asked implements Activations {
  readonly samples = 1;
  readonly stages: Stage[] = [];

  run(stage: Stage): Promise<ReadonlyMap<string, readonly Float64Array[]>> {
    this.stages.push(stage);
    return Promise.resolve(new Map());
  }

  spread(): Promise<Spread> {
    return Promise.resolve({ histograms: new Map(), most: new Map() });
  }

  drop(): Promise<void> {
    return Promise.resolve();
  }
}

/** How many matrices of second moments are asked for. */
async function gramsOf(net: ModelBuilder): Promise<number> {
  const model = await normalised(net.bytes(), workshop.child);
  const asked = new Asked();
  await measureReadings(model, buildChannelMap(model.graph, ruleOf, {}), asked, ruleOf);
  return asked.stages.flatMap(({ sum }) => sum).filter((name) => name.includes('gram')).length;
}

describe('what layers read is measured', { timeout: 30_000 }, () => {
  const rows = (widths: readonly number[]): ModelBuilder => {
    const b = new ModelBuilder();
    let x = b.input('rows', 'float32', ['N', 2]);
    [2, ...widths].forEach((from, i) => {
      const to = widths[i] ?? 2;
      x = b.node('Relu', [b.node('MatMul', [x, b.weight(`w${i}`, [from, to])])]);
    });
    b.output(x, 'float32');
    return b;
  };

  test('as far as there is room for the moments, which are square', async () => {
    expect(await gramsOf(rows([64, 32]))).toBe(2);
    expect(await gramsOf(rows([8200]))).toBe(0);
    // What there is no room for takes none.
    expect(await gramsOf(rows([8200, 32]))).toBe(1);
  });

  test('not at all where nothing can leave', async () => {
    const b = new ModelBuilder();
    b.output(b.node('MatMul', [b.input('rows', 'float32', ['N', 2]), b.weight('w', [2, 3])]), 'float32');
    const model = await normalised(b.bytes(), workshop.child);
    const asked = new Asked();
    expect((await measureReadings(model, buildChannelMap(model.graph, ruleOf, {}), asked, ruleOf)).size).toBe(0);
    expect(asked.stages).toEqual([]);
  });
});
