import { describe, expect, test } from 'vitest';
import type { PruneHooks, PruneOptions, Report } from '../../src/index.ts';
import { type HostTensor, type InputSpec, makeInputs } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { createRandom } from '../support/random.ts';
import { prune } from '../support/shared-runtime.ts';
import { languageModel } from '../support/transformer.ts';
import { fixture, freshFolder } from './folder.ts';
import { replay, weightsOf } from './replay.ts';

const SAMPLES = 48;

/** Random samples; of words where inputs are integers. */
const calibration: PruneHooks['calibration'] = (inputs: readonly InputSpec[]) => {
  const random = createRandom(5);
  const made = makeInputs(inputs, { seed: 4, batch: SAMPLES, dims: new Map() });
  const feeds = Object.entries(made).map(([name, tensor]): [string, HostTensor] => {
    if (tensor.type !== 'int64') return [name, tensor];
    return [
      name,
      { ...tensor, data: BigInt64Array.from({ length: tensor.data.length }, () => BigInt(random.below(11))) },
    ];
  });
  return Promise.resolve({ count: SAMPLES, feeds: new Map(feeds), labels: undefined });
};

interface Pruned {
  readonly report: Report;
  readonly output: string;
}

async function pruned(input: string, options: PruneOptions): Promise<Pruned> {
  const output = freshFolder().path('out.onnx');
  const wanted = { align: 'none', bench: false, verify: false, lossless: false, ...options, output } as const;
  return { report: await prune(input, wanted, { calibration }), output };
}

/** How many positions stay along each axis that was cut. */
function widthsOf({ report }: Pruned): Record<string, number> {
  return Object.fromEntries(
    report.pruning.axes.map(({ initializer, axis, kept }) => [`${initializer} ${axis}`, kept.length]),
  );
}

/** Weights of more than one axis are those of the file without what the report says has left. */
function expectReplayed(input: string, { report, output }: Pruned): number {
  const [before, after] = [weightsOf(input), weightsOf(output)];
  let compared = 0;
  for (const [name, weight] of after) {
    const original = before.get(name);
    if (original === undefined || weight.dims.length < 2) continue;
    expect(replay(name, original, report.pruning.axes), name).toEqual(weight);
    compared++;
  }
  return compared;
}

/** The halves of what one weight makes go different ways, so that both have groups of their own. */
function halved(): Uint8Array {
  const b = new ModelBuilder({ seed: 4 });
  const x = b.input('x', 'float32', ['N', 6]);
  const both = b.node('MatMul', [x, b.weight('both', [6, 22], { fanIn: 6 })]);
  const [one = '', two = ''] = b.nodes('Split', [both, b.constant('sizes', 'int64', [2], [8, 14])], 2, { axis: 1 });
  const left = b.node('MatMul', [b.node('Relu', [one]), b.weight('left', [8, 3], { fanIn: 8 })]);
  const right = b.node('MatMul', [b.node('Tanh', [two]), b.weight('right', [14, 3], { fanIn: 14 })]);
  b.output(b.node('Mul', [left, right]), 'float32');
  return b.bytes();
}

const language = (): Uint8Array => languageModel({ blocks: 1 }).bytes();

/** Attention with two heads of eight dimensions. */
function attention(): Uint8Array {
  const b = new ModelBuilder({ seed: 4 });
  const x = b.input('tokens', 'float32', ['N', 5, 16]);
  const dense = (y: string, name: string): string => b.node('MatMul', [y, b.weight(name, [16, 16], { fanIn: 16 })]);
  const heads = b.constant('heads', 'int64', [4], [0, 0, 2, 8]);
  const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) =>
    b.node('Transpose', [b.node('Reshape', [dense(x, name), heads])], {
      perm: name === 'k' ? [0, 2, 3, 1] : [0, 2, 1, 3],
    }),
  );
  const mixed = b.node('MatMul', [b.node('Softmax', [b.node('MatMul', [q, k])], { axis: -1 }), v]);
  const rows = b.node('Reshape', [
    b.node('Transpose', [mixed], { perm: [0, 2, 1, 3] }),
    b.constant('whole', 'int64', [3], [0, 0, 16]),
  ]);
  b.output(dense(rows, 'out'), 'float32');
  return b.bytes();
}

describe('channels that leave in rounds', { timeout: 60_000 }, () => {
  test.each<[string, (write: (name: string, bytes: Uint8Array) => string) => string, PruneOptions]>([
    ['of gates that are split', () => fixture('structural/split-gate.onnx'), { structured: '40%' }],
    ['of the halves of a weight', (write) => write('halved.onnx', halved()), { structured: '40%' }],
    ['of a file of IR 3', () => fixture('structural/ir3.onnx'), { structured: '40%' }],
    ['of a language model', (write) => write('lm.onnx', language()), { structured: '40%' }],
    [
      'of layers with amounts of their own',
      (write) => write('halved.onnx', halved()),
      { structured: '20%', layers: [{ match: 'both', amount: '60%' }] },
    ],
  ])('are as many as leave in one, and say which they were: %s', async (_, path, options) => {
    const input = path(freshFolder().write);
    const once = await pruned(input, { ...options, recover: 'bias' });
    for (const steps of [3]) {
      const rounds = await pruned(input, { ...options, steps, recover: 'bias' });
      expect(widthsOf(rounds)).toEqual(widthsOf(once));
      expect(expectReplayed(input, rounds)).toBeGreaterThan(2);
      expect(rounds.report.pruning.removedChannels).toBe(once.report.pruning.removedChannels);
      const groups = (of: Pruned): string[] =>
        of.report.pruning.groups.map(
          ({ weight, part, before, after }) => `${weight.initializer} ${part} ${before} ${after}`,
        );
      expect(groups(rounds).sort()).toEqual(groups(once).sort());
      for (const { kept, after } of rounds.report.pruning.groups) expect(kept).toHaveLength(after);
    }
  });

  test('are as many heads and dimensions inside heads as in one', async () => {
    const input = freshFolder().write('attention.onnx', attention());
    const options = { heads: '50%', headDim: '50%', recover: 'bias' } as const;
    const [once, rounds] = [await pruned(input, options), await pruned(input, { ...options, steps: 3 })];
    // One of two heads, and four of its eight dimensions.
    expect(widthsOf(once)).toMatchObject({ 'q 1': 4, 'k 1': 4, 'v 1': 4, 'out 0': 4 });
    expect(widthsOf(rounds)).toEqual(widthsOf(once));
    expect(expectReplayed(input, rounds)).toBe(4);
  });

  test('keep the shapes of what layers made up for', async () => {
    const input = freshFolder().write('lm.onnx', language());
    const { report, output } = await pruned(input, { structured: '40%', steps: 3, recover: 'least-squares' });
    const [before, after] = [weightsOf(input), weightsOf(output)];
    let changed = 0;
    for (const [name, { dims, values }] of after) {
      const original = before.get(name);
      if (original === undefined) continue;
      const cut = replay(name, original, report.pruning.axes);
      expect(cut.dims, name).toEqual(dims);
      if (cut.values.some((each, i) => each !== values[i])) changed++;
    }
    expect(changed).toBeGreaterThan(3);
    expect(report.recovery).toMatchObject({ kind: 'least-squares', rounds: 3, samples: SAMPLES });
    expect(report.recovery?.layers.length).toBeGreaterThan(2);
  });
});
