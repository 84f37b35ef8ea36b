import { describe, expect, test } from 'vitest';
import { exportModel, importModel } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { imageNet } from '../ops/nets.ts';
import { recurrent } from '../ops/recurrent-layers.ts';
import { branching, looping } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';
import { HALF, products, prune, read, zerosIn, zerosOf } from './pruned-weights.ts';

describe('weights', { timeout: 60_000 }, () => {
  test.each(['float32', 'float64', 'float16', 'bfloat16'] as const)(
    'of %s lose those with the lowest magnitude',
    async (dtype) => {
      // Products of bfloat16 are no matter of the runtime, so nothing is inferred for them.
      const model = importModel(decodeModel(products({ w: [1, -2, 0.5, 4, -0.25, 8] }, dtype).bytes()));
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
        !Buffer.from(atHand(tensor.rawData ?? new Uint8Array())).equals(
          atHand(before.graph?.initializer?.[i]?.rawData ?? new Uint8Array()),
        ),
    );
    expect(changed.map(({ name }) => name)).toEqual([...pruned]);
    for (const proto of [before, after])
      for (const tensor of proto.graph?.initializer ?? [])
        if (pruned.has(tensor.name ?? '')) tensor.rawData = new Uint8Array();
    expect(encodeModel(after)).toEqual(encodeModel(before));
  });

  test('that are not finite are named and not ranked', async () => {
    const net = products({ good: [1, 2], bad: [Number.NaN, 1, -Infinity, Infinity] });
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
