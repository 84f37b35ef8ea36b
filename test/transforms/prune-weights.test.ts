import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { Graph } from '../../src/ir/graph.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { type PruneWeightsOptions, type PruneWeightsReport, pruneWeights } from '../../src/transforms/prune-weights.ts';
import { slowestLeave } from '../numeric/weights.ts';
import { featureNet, imageNet } from '../ops/nets.ts';
import { recurrent } from '../ops/recurrent-layers.ts';
import { branching, looping } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

async function read(b: ModelBuilder): Promise<Model> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, createEngine(child));
  return model;
}

const HALF: PruneWeightsOptions = {
  how: { kind: 'amount', amount: 0.5, scope: 'uniform' },
  criterion: 'magnitude',
  exclude: [],
  only: [],
  include: [],
  layers: [],
  seed: 1,
  memory: 'copy',
};

const numbersOf = (graph: Graph): Record<string, number[]> =>
  Object.fromEntries(
    initializersIn(graph).flatMap(({ name, tensor }) =>
      tensor === undefined || !tensor.type.includes('float') ? [] : [[name, [...tensor.floats()]]],
    ),
  );

const zerosIn = (values: readonly number[] | undefined): number => (values ?? []).filter((value) => value === 0).length;

interface Outcome {
  readonly report: PruneWeightsReport;
  readonly model: Model;
  readonly before: Record<string, number[]>;
  readonly after: Record<string, number[]>;
}

async function prune(from: ModelBuilder | Model, options: Partial<PruneWeightsOptions> = {}): Promise<Outcome> {
  const model = from instanceof ModelBuilder ? await read(from) : from;
  const before = numbersOf(model.graph);
  const report = await pruneWeights(model, { ...HALF, ...options });
  return { report, model, before, after: numbersOf(model.graph) };
}

/** Zeros of the initializers that took part. */
const zerosOf = ({ report }: Outcome): Record<string, number> =>
  Object.fromEntries(report.layers.map(({ initializer, zerosAfter }) => [initializer, zerosAfter]));

const reasonsOf = ({ report }: Outcome): Record<string, string> =>
  Object.fromEntries(report.kept.flatMap(({ reason, layers }) => layers.map((each) => [each.initializer, reason])));

/** A chain of products whose weights hold these numbers, four rows of one column each and more. */
function chain(weights: Readonly<Record<string, readonly number[]>>, dtype: ElementType = 'float32'): ModelBuilder {
  const b = new ModelBuilder();
  const sums = Object.entries(weights).map(([name, values]) => {
    const x = b.input(`${name}.x`, dtype, ['N', values.length]);
    return b.node('MatMul', [x, b.constant(name, dtype, [values.length, 1], values)], {}, { name: `${name}.product` });
  });
  for (const sum of sums) b.output(sum, dtype, ['N', 1]);
  return b;
}

describe('an amount of the weights', { timeout: 60_000 }, () => {
  const numbers = fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 2, -3);
  const lists = fc.array(fc.array(numbers, { minLength: 2, maxLength: 7 }), { minLength: 1, maxLength: 3 });

  test('is exact over the model and over each tensor, as sorting has it, and the second time changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(
        lists,
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.constantFrom('uniform' as const, 'global' as const),
        async (values, amount, scope) => {
          const names = values.map((_, i) => `w${i}`);
          const magnitudes = values.map((list) => list.map(Math.abs));
          const wanted =
            scope === 'global'
              ? slowestLeave(magnitudes, Math.round(amount * values.flat().length))
              : magnitudes.flatMap((list) => slowestLeave([list], Math.round(amount * list.length)));
          const net = chain(Object.fromEntries(values.map((list, i) => [`w${i}`, list])));
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
    const net = chain({ large: [10, 20, 30, 40], small: [0.1, 0.1, 0.1, 4] });
    const { after } = await prune(net, { how: { kind: 'amount', amount: 0.5, scope: 'lamp' } });
    // 100/3000, 400/2900 of the large; 0.01/16.03, 0.01/16.03, 0.01/16.03 of the small.
    expect(after).toMatchObject({ large: [0, 20, 30, 40], small: [0, 0, 0, 4] });
  });

  test('is reported by layer and over all', async () => {
    const { report } = await prune(chain({ a: [1, 2, 0, 4], b: [5, 6] }), {
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
    const net = chain({ a: [1, 2, 3, 4], b: [5, 6, 7, 8], c: [0.5, 9, 10, 11] });
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
    const { after } = await prune(chain({ a: [0.1, -0.25, 0.25, 1], b: [-0.2, 3] }), {
      how: { kind: 'threshold', threshold: 0.25 },
    });
    expect(after).toMatchObject({ a: [0, -0.25, 0.25, 1], b: [0, 3] });
  });
});

describe('a pattern', { timeout: 60_000 }, () => {
  /** Most non-zeros in a run of four along an axis. */
  function most(values: readonly number[], dims: readonly number[], axis: number): number {
    const inner = dims.slice(axis + 1).reduce((product, each) => product * each, 1);
    const size = dims[axis] ?? 1;
    const filled = new Map<string, number>();
    values.forEach((value, flat) => {
      const [outer, at, k] = [Math.floor(flat / (inner * size)), Math.floor(flat / inner) % size, flat % inner];
      const run = `${outer} ${Math.floor(at / 4)} ${k}`;
      filled.set(run, (filled.get(run) ?? 0) + (value === 0 ? 0 : 1));
    });
    return Math.max(...filled.values());
  }

  test('holds along the axis that Conv, Gemm and MatMul sum over', async () => {
    const shapes: Record<string, [dims: number[], axis: number]> = {
      conv: [[6, 8, 3, 3], 1],
      grouped: [[4, 8, 1, 1], 1],
      turned: [[12, 4], 1],
      plain: [[12, 8], 0],
      last: [[8, 4], 0],
    };
    const b = new ModelBuilder();
    const weight = (name: string): string => b.weight(name, shapes[name]?.[0] ?? []);
    const conv = b.node('Conv', [b.input('image', 'float32', ['N', 8, 3, 3]), weight('conv')]);
    b.output(conv, 'float32');
    b.output(b.node('Conv', [b.input('wide', 'float32', ['N', 16, 1, 1]), weight('grouped')], { group: 2 }), 'float32');
    const turned = b.node('Gemm', [b.input('rows', 'float32', ['N', 4]), weight('turned')], { transB: 1 });
    const plain = b.node('Gemm', [turned, weight('plain')]);
    b.output(b.node('MatMul', [plain, weight('last')]), 'float32');
    const outcome = await prune(b, { how: { kind: 'pattern', keep: 2, of: 4 } });
    expect(Object.keys(zerosOf(outcome)).sort()).toEqual(Object.keys(shapes).sort());
    for (const [name, [dims, axis]] of Object.entries(shapes)) {
      expect(most(outcome.before[name] ?? [], dims, axis), name).toBe(4);
      expect(most(outcome.after[name] ?? [], dims, axis), name).toBe(2);
      expect(zerosIn(outcome.after[name])).toBe((outcome.before[name]?.length ?? 0) / 2);
    }
    expect(outcome.report.sparsity).toBe(0.5);
  });

  test('says of every weight that it does not fit why it stays', async () => {
    const net = imageNet(
      (b, x) => {
        const depthwise = b.node('Conv', [x, b.weight('depthwise', [8, 1, 3, 3])], { group: 8, pads: [1, 1, 1, 1] });
        return b.node('ConvTranspose', [depthwise, b.weight('up', [8, 4, 1, 1])], { group: 4 });
      },
      { read: 16 },
    );
    const outcome = await prune(net, { how: { kind: 'pattern', keep: 2, of: 4 } });
    expect(zerosOf(outcome)).toEqual({ last: 32 });
    expect(reasonsOf(outcome)).toEqual({
      first: 'its summed axis has length 3, which is not a multiple of 4',
      depthwise: 'its layer has 1 input per group',
      up: 'its summed axis has length 2 in each group, which is not a multiple of 4',
      first_bias: 'it is a bias (--include takes it)',
      last_bias: 'it is a bias (--include takes it)',
    });
  });

  test('that fits no weight is refused with an example', async () => {
    const net = featureNet((_, x) => x, { channels: 6 });
    await expect(prune(net, { how: { kind: 'pattern', keep: 2, of: 4 } })).rejects.toMatchObject({
      code: 'unsupported',
      subject: 'first',
      message: expect.stringMatching(
        /^The pattern 2:4 fits no weight of the model: weight "first" of node ".+", for one, stays whole because its summed axis has length 5, which is not a multiple of 4; give/,
      ),
    });
  });
});

describe('weights', { timeout: 60_000 }, () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)(
    'of %s lose those with the lowest magnitude',
    async (dtype) => {
      // Products of bfloat16 are no matter of the runtime, so nothing is inferred for them.
      const model = importModel(decodeModel(chain({ w: [1, -2, 0.5, 4, -0.25, 8] }, dtype).bytes()));
      const { after } = await prune(model);
      expect(after).toEqual({ w: [0, -2, 0, 4, 0, 8] });
    },
  );

  test('in bodies, of recurrent layers and behind conversions lose theirs', async () => {
    for (const [net, names] of [
      [branching(), ['first', 'last', 'yes.up', 'yes.down', 'no.up', 'no.down']],
      [looping(), ['first', 'last', 'body.up', 'body.down']],
    ] as const) {
      const outcome = await prune(net);
      expect(Object.keys(zerosOf(outcome))).toEqual(names);
      for (const name of names)
        expect(zerosIn(outcome.after[name]), name).toBe(Math.round((outcome.before[name]?.length ?? 0) / 2));
    }
    const b = new ModelBuilder();
    const [y = ''] = recurrent(b, b.input('x', 'float32', [6, 2, 8]), { opType: 'LSTM', bias: true });
    const cast = b.node('Cast', [b.weight('half', [6, 4], { dtype: 'float16' })], { to: 1 });
    b.output(b.node('MatMul', [y, cast]), 'float32');
    const outcome = await prune(b);
    expect(zerosOf(outcome)).toEqual({ lstm_w: 96, lstm_r: 72, half: 12 });
    expect(zerosIn(outcome.after['lstm_b'])).toBe(0);
  });

  test('that initializers share are pruned once, and all hold the result', async () => {
    const b = new ModelBuilder();
    const shared = b.weight('shared', [4, 4]);
    const x = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), shared]);
    b.output(b.node('MatMul', [x, shared], {}, { name: 'last' }), 'float32');
    const model = await read(b);
    const tied = initializersIn(model.graph)[0]?.tensor ?? expect.fail();
    const last = [...model.graph.nodes].find(({ name }) => name === 'last') ?? expect.fail();
    model.graph.setInput(last, 1, model.graph.addInitializer('copy', tied));
    const { report, after } = await prune(model);
    expect([report.weights, report.zeros]).toEqual([16, 8]);
    expect(zerosIn(after['shared'])).toBe(8);
    const [one, other] = initializersIn(model.graph).map(({ tensor }) => tensor);
    expect(one).toBe(other);
  });

  test.each(['copy', 'reuse'] as const)(
    'of two tensors over the same bytes are pruned apart, by %s',
    async (memory) => {
      const b = new ModelBuilder();
      const x = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), b.weight('one', [4, 4])]);
      b.output(b.node('MatMul', [x, b.weight('other', [4, 4])]), 'float32');
      const model = await read(b);
      const [one, other] = initializersIn(model.graph);
      const bytes = one?.tensor?.proto.rawData ?? expect.fail();
      model.graph.setTensor(other ?? expect.fail(), other?.tensor?.withData([4, 4], bytes) ?? expect.fail());
      const outcome = await prune(model, { memory, layers: [{ match: ['one'], amount: 0.25 }] });
      expect(zerosOf(outcome)).toEqual({ one: 4, other: 8 });
      expect([zerosIn(outcome.after['one']), zerosIn(outcome.after['other'])]).toEqual([4, 8]);
    },
  );

  test.each(['raw', 'typed'] as const)(
    'are copied or written over, with the same result, from %s data',
    async (storage) => {
      const net = (): ModelBuilder => imageNet((_, x) => x, { storage });
      const copied = await read(net());
      const tensors = initializersIn(copied.graph).map(({ tensor }) => ({
        tensor,
        numbers: tensor && [...tensor.floats()],
      }));
      const { after } = await prune(copied, { memory: 'copy' });
      // The tensors from before are what they were.
      for (const { tensor, numbers } of tensors) expect(tensor && [...tensor.floats()]).toEqual(numbers);
      const model = await read(net());
      const [first] = initializersIn(model.graph);
      const bytes = first?.tensor?.raw();
      const reused = await prune(model, { memory: 'reuse' });
      expect(reused.after).toEqual(after);
      if (storage === 'raw') expect(first?.tensor?.raw()).toBe(bytes);
    },
  );

  test('alone change: all else in the file is what it was, bit by bit', async () => {
    const net = imageNet((b, x) => b.node('Conv', [x, b.weight('between', [8, 8, 1, 1])], {}, { name: 'mid' }));
    const before = decodeModel(encodeModel(exportModel(await read(net))));
    const { model } = await prune(net, { exclude: ['mid'] });
    const after = decodeModel(encodeModel(exportModel(model)));
    const pruned = new Set(['first', 'last']);
    const changed = (after.graph?.initializer ?? []).filter(
      (tensor, i) =>
        !Buffer.from(tensor.rawData ?? []).equals(before.graph?.initializer?.[i]?.rawData ?? new Uint8Array()),
    );
    expect(changed.map(({ name }) => name)).toEqual([...pruned]);
    for (const proto of [before, after])
      for (const tensor of proto.graph?.initializer ?? [])
        if (pruned.has(tensor.name ?? '')) tensor.rawData = new Uint8Array();
    expect(encodeModel(after)).toEqual(encodeModel(before));
  });

  test('that are not finite are named and not ranked', async () => {
    const net = chain({ good: [1, 2], bad: [Number.NaN, 1, -Infinity, Infinity] });
    for (const how of [
      HALF.how,
      { kind: 'amount', amount: 0.5, scope: 'global' },
      { kind: 'amount', amount: 0.5, scope: 'lamp' },
      { kind: 'threshold', threshold: 1 },
      { kind: 'pattern', keep: 2, of: 4 },
    ] as const) {
      await expect(prune(net, { how }), how.kind).rejects.toMatchObject({
        code: 'bad-model',
        subject: 'bad',
        message:
          'Weight "bad" holds 3 NaN or infinite numbers, which no one can rank; repair the model, or leave it out with --exclude "bad".',
      });
    }
    expect(zerosOf(await prune(net, { exclude: ['bad'] }))).toEqual({ good: 1 });
  });
});

describe('what stays', { timeout: 60_000 }, () => {
  function embedded(): ModelBuilder {
    const b = new ModelBuilder();
    const ids = b.input('ids', 'int64', ['N', 3]);
    const x = b.node('Gather', [b.weight('table', [10, 4]), ids], {}, { name: 'embed' });
    const normal = b.node('LayerNormalization', [x, b.vector('gain', 4), b.vector('shift', 4)], { axis: -1 });
    const hidden = b.node('Gemm', [
      b.node('Reshape', [normal, b.constant('rows', 'int64', [2], [-1, 4])]),
      b.weight('dense', [4, 6]),
      b.vector('bias', 6),
    ]);
    b.output(b.node('MatMul', [hidden, b.weight('head', [6, 2])], {}, { name: 'head/MatMul' }), 'float32');
    return b;
  }

  test('says why', async () => {
    const outcome = await prune(embedded());
    expect(Object.keys(zerosOf(outcome))).toEqual(['dense', 'head']);
    expect(reasonsOf(outcome)).toEqual({
      table: 'it is an embedding (--include takes it)',
      gain: 'it is a parameter of a normalization (--include takes it)',
      shift: 'it is a parameter of a normalization (--include takes it)',
      bias: 'it is a bias (--include takes it)',
    });
    for (const name of ['table', 'gain', 'shift', 'bias']) expect(outcome.after[name]).toEqual(outcome.before[name]);
  });

  test('is for the user to say, by names of initializers and nodes', async () => {
    expect(zerosOf(await prune(embedded(), { include: ['embed', 'bi*'] }))).toEqual({
      table: 20,
      dense: 12,
      bias: 3,
      head: 6,
    });
    const excluded = await prune(embedded(), { exclude: ['head/*'] });
    expect([zerosOf(excluded), reasonsOf(excluded)['head']]).toEqual([{ dense: 12 }, '--exclude "head/*"']);
    const only = await prune(embedded(), { only: ['head'] });
    expect([zerosOf(only), reasonsOf(only)['dense']]).toEqual([{ head: 6 }, 'no --only pattern matches it']);
  });

  test.each([
    [{ exclude: ['nowhere'] }, '--exclude'],
    [{ only: ['nowhere'] }, '--only'],
    [{ include: ['nowhere'] }, '--include'],
    [{ layers: [{ match: ['nowhere'], amount: 0.1 }] }, 'The recipe’s "match"'],
  ])('is not decided by a name that nothing bears: %o', async (options, option) => {
    await expect(prune(embedded(), options)).rejects.toMatchObject({
      code: 'bad-option',
      message: expect.stringContaining(`${option} "nowhere" matches no node and no initializer`),
    });
    await expect(prune(embedded(), { ...options, again: true })).resolves.toBeDefined();
  });

  test('includes weights that are stored as integers', async () => {
    const b = new ModelBuilder({ opset: 13 });
    const stored = b.constant(
      'stored',
      'int8',
      [4, 4],
      Array.from({ length: 16 }, (_, i) => i - 8),
    );
    const weight = b.node('DequantizeLinear', [stored, b.constant('scale', 'float32', [], [0.1])]);
    b.output(b.node('MatMul', [b.input('x', 'float32', ['N', 4]), weight]), 'float32');
    const outcome = await prune(b);
    expect(outcome.report).toMatchObject({ weights: 0, zeroed: 0, sparsity: 0 });
    expect(reasonsOf(outcome)).toEqual({ stored: 'it stores int8' });
  });
});

describe('a criterion', { timeout: 60_000 }, () => {
  test('by lot is the same for a seed, whatever else is pruned, and another for another', async () => {
    const all = await prune(
      imageNet((_, x) => x),
      { criterion: 'random' },
    );
    const last = await prune(
      imageNet((_, x) => x),
      { criterion: 'random', exclude: ['first'] },
    );
    expect(last.after['last']).toEqual(all.after['last']);
    const other = await prune(
      imageNet((_, x) => x),
      { criterion: 'random', seed: 2 },
    );
    expect(other.after['last']).not.toEqual(all.after['last']);
    expect(zerosOf(other)).toEqual(zerosOf(all));
    const again = await prune(all.model, { criterion: 'random' });
    expect(again.report.zeroed).toBe(0);
  });

  test('of one’s own ranks by what it returns, negative numbers included, and zeros go first', async () => {
    const criterion = {
      name: 'signed',
      score: (_: unknown, values: Float32Array | Float64Array) => Float32Array.from(values, (value) => -value),
    };
    const { after, report } = await prune(chain({ w: [1, -2, 3, 0] }), { criterion });
    expect([after['w'], report.criterion]).toEqual([[1, -2, 0, 0], 'signed']);
    const below = await prune(chain({ w: [1, -2, 3, 0.5] }), {
      criterion,
      how: { kind: 'threshold', threshold: -0.75 },
    });
    expect(below.after['w']).toEqual([0, -2, 0, 0.5]);
  });

  test('of one’s own may give the weights themselves back', async () => {
    const criterion = { name: 'w', score: (_: unknown, values: Float32Array | Float64Array) => values as Float32Array };
    const { after } = await prune(chain({ w: [1, -2, 3, 4] }), { criterion });
    expect(after['w']).toEqual([0, 0, 3, 4]);
  });

  test('of one’s own that is not finite, or gives too few, is refused by name', async () => {
    const failing = (scores: readonly number[]) => ({ name: 'broken', score: () => Float32Array.from(scores) });
    await expect(prune(chain({ w: [1, -2, 3] }), { criterion: failing([0, Number.NaN, 1]) })).rejects.toMatchObject({
      code: 'bad-option',
      subject: 'broken',
      message: expect.stringContaining('"broken" gives NaN for element 1 of weight "w", which is -2'),
    });
    await expect(prune(chain({ w: [1, -2, 3] }), { criterion: failing([0]) })).rejects.toMatchObject({
      code: 'internal',
    });
  });

  test('other than the magnitude does not go with layer-adaptive scores', async () => {
    const how = { kind: 'amount', amount: 0.5, scope: 'lamp' } as const;
    await expect(prune(chain({ w: [1, 2] }), { how, criterion: 'random' })).rejects.toMatchObject({
      code: 'bad-option',
      subject: '--scope',
    });
  });
});

describe('a schedule', { timeout: 60_000 }, () => {
  const schedule = { kind: 'polynomial', steps: 3, initial: 0 } as const;
  const values = Array.from({ length: 27 }, (_, i) => i + 1);

  test('prunes to the sparsity of each step, and hands the weights over between them', async () => {
    const model = await read(chain({ w: values }));
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
    const [once, stepwise] = [await prune(chain({ w: values })), await prune(chain({ w: values }), { schedule })];
    expect(stepwise.after).toEqual(once.after);
    expect(once.report.steps).toBeUndefined();
  });

  test('ranks what the weights have become in between', async () => {
    const model = await read(chain({ w: [1, 2, 3, 4] }));
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
