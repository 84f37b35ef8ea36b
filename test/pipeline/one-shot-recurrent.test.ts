import { describe, expect, it } from 'vitest';
import { present } from '../../src/errors.ts';
import type { Feeds, HostTensor, PruneOptions, Report } from '../../src/index.ts';
import type { SparseLayer } from '../../src/recover/one-shot.ts';
import { run } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { createRandom } from '../support/random.ts';
import { prune, sharedChild } from '../support/shared-runtime.ts';
import { decodeWeights } from './decode.ts';
import { freshFolder } from './folder.ts';
import type { Weights } from './slow-sparsity.ts';

const GATES: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 };
const [STEPS, INPUTS, HIDDEN] = [12, 16, 20];

interface Kind {
  readonly opType: string;
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly attributes?: Readonly<Record<string, number>>;
  /** Which output is read: all states, or the last alone. */
  readonly reads?: 'all' | 'last';
}

/** x [N, steps, inputs] → Transpose → the operator → y. */
function net({ opType, direction = 'forward', attributes = {}, reads = 'all' }: Kind): ModelBuilder {
  const b = new ModelBuilder({ seed: 5 });
  const x = b.node('Transpose', [b.input('x', 'float32', ['N', STEPS, INPUTS])], { perm: [1, 0, 2] });
  operator(b, x, { opType, direction, attributes }, undefined, reads === 'all' ? ['y'] : ['', 'y']);
  b.output('y', 'float32');
  return b;
}

/** An operator with weights "w", "r" and "b", after its name where it has one. */
function operator(
  b: ModelBuilder,
  x: string,
  { opType, direction = 'forward', attributes = {} }: Kind,
  name: string | undefined,
  outputs: readonly string[],
  inputs = INPUTS,
): string[] {
  const directions = direction === 'bidirectional' ? 2 : 1;
  const rows = (GATES[opType] ?? 0) * HIDDEN;
  const named = (weight: string): string => (name === undefined ? weight : `${name}.${weight}`);
  const weights = [
    b.weight(named('w'), [directions, rows, inputs], { fanIn: inputs }),
    b.weight(named('r'), [directions, rows, HIDDEN], { fanIn: HIDDEN }),
    b.weight(named('b'), [directions, 2 * rows], { std: 0.3 }),
  ];
  const all = { hidden_size: HIDDEN, direction, ...attributes };
  return b.nodes(opType, [x, ...weights], outputs.length, all, { name: name ?? 'inside', outputs });
}

/** Sequences of a few slow signals that are mixed into the inputs, with a little noise: [count, steps, inputs]. */
function sequences(count: number, seed: number): HostTensor {
  const mix = createRandom(77);
  const [latent, noise] = [5, 0.15];
  const matrix = Float64Array.from({ length: latent * INPUTS }, () => mix.normal());
  const random = createRandom(seed);
  const data: number[] = [];
  for (let sample = 0; sample < count; sample++) {
    let state = Array.from({ length: latent }, () => random.normal());
    for (let step = 0; step < STEPS; step++) {
      state = state.map((each) => 0.8 * each + 0.6 * random.normal());
      for (let i = 0; i < INPUTS; i++) {
        const sum = state.reduce((all, each, k) => all + each * (matrix[k * INPUTS + i] ?? 0), 0);
        data.push(0.5 * sum + noise * random.normal());
      }
    }
  }
  return { type: 'float32', dims: [count, STEPS, INPUTS], data: Float32Array.from(data) };
}

interface Outcome {
  readonly report: Report;
  readonly output: string;
  readonly input: string;
  /** Σ (y − ŷ)² / Σ y² on sequences that were held out. */
  readonly error: number;
}

async function pruned(model: ModelBuilder, options: PruneOptions): Promise<Outcome> {
  const folder = freshFolder();
  const input = folder.write('m.onnx', model.bytes());
  const output = folder.path('small.onnx');
  const x = sequences(128, 1);
  const calibration = async () => ({ count: 128, feeds: new Map([['x', x]]), labels: undefined });
  const quick = { bench: false, verify: false, lossless: false };
  const report = await prune(input, { ...quick, output, ...options }, options.oneShot ? { calibration } : {});
  const feeds: Feeds = { x: sequences(64, 2) };
  const [dense, sparse] = [await valuesOf(input, feeds), await valuesOf(output, feeds)];
  const squares = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, each) => sum + each * each, 0);
  return { report, input, output, error: squares(dense.map((each, i) => each - (sparse[i] ?? 0))) / squares(dense) };
}

async function valuesOf(model: string, feeds: Feeds): Promise<number[]> {
  const { y } = await run(sharedChild, model, feeds);
  return Array.from(y?.data as Float32Array);
}

const KINDS: readonly Kind[] = [
  { opType: 'RNN' },
  { opType: 'GRU' },
  { opType: 'GRU', direction: 'reverse', attributes: { linear_before_reset: 1 } },
  { opType: 'LSTM' },
  { opType: 'LSTM', direction: 'bidirectional' },
  { opType: 'LSTM', reads: 'last' },
];
const PLAIN = { direction: 'forward', reads: 'all' } as const;
const cases = KINDS.flatMap((kind) => ['50%', '70%'].map((unstructured) => ({ ...PLAIN, ...kind, unstructured })));

describe('weights inside a recurrent operator', { timeout: 120_000 }, () => {
  // By magnitude errors are 9 to 31%, here 0.3 to 4%.
  it.each(cases)('cost less on data held out: $opType $direction $reads, $unstructured', async (kind) => {
    const { unstructured } = kind;
    const magnitude = await pruned(net(kind), { unstructured });
    const oneShot = await pruned(net(kind), { unstructured, oneShot: true });
    expect(oneShot.error).toBeLessThan(0.2 * magnitude.error);
    expect(countZeros(oneShot.output)).toEqual(countZeros(magnitude.output));
    const { layers, byMagnitude, samples } = present(oneShot.report.weights?.oneShot, 'the report');
    expect(layers.map(({ node, initializer }) => [node, initializer])).toEqual([
      ['inside', 'w'],
      ['inside', 'r'],
    ]);
    for (const { after, energy } of layers) expect(after).toBeLessThan(0.2 * energy);
    expect({ byMagnitude, samples }).toEqual({ byMagnitude: [], samples: 128 });
  });

  it('come nearest to what they were before the first step of a schedule', async () => {
    const model = net({ opType: 'GRU' });
    const atOnce = await pruned(model, { unstructured: '70%', oneShot: 'sparsegpt' });
    const steps = { schedule: 'polynomial', steps: 3 } as const;
    const inSteps = await pruned(model, { unstructured: '70%', oneShot: 'sparsegpt', ...steps });
    expect(countZeros(inSteps.output)).toEqual(countZeros(atOnce.output));
    const first = ({ report }: Outcome): SparseLayer => present(report.weights?.oneShot?.layers[0], 'the first layer');
    // What the weights of the inputs are multiplied with is the same at every step.
    expect(first(inSteps).energy).toBeCloseTo(first(atOnce).energy, 6);
    expect(first(inSteps).after).toBeCloseTo(first(atOnce).after, 6);
  });

  it('follow patterns along what they sum over', async () => {
    const { output, report } = await pruned(net({ opType: 'LSTM' }), { pattern: '2:4', oneShot: 'sparsegpt' });
    for (const { dims, floats } of layerWeights(output).values()) {
      expect(dims.at(-1)).toBeOneOf([INPUTS, HIDDEN]);
      for (let at = 0; at < floats.length; at += 4)
        expect(floats.slice(at, at + 4).filter((each) => each === 0)).toHaveLength(2);
    }
    expect(report.weights?.oneShot?.layers).toHaveLength(2);
  });

  it('are seen to in the order in which they are multiplied, with the layers around them', async () => {
    const b = new ModelBuilder({ seed: 6 });
    const x = b.node('Transpose', [b.input('x', 'float32', ['N', STEPS, INPUTS])], { perm: [1, 0, 2] });
    const first = b.node('MatMul', [x, b.weight('first', [INPUTS, INPUTS], { fanIn: INPUTS })]);
    const both = operator(b, first, { opType: 'GRU', direction: 'bidirectional' }, 'one', ['states'])[0] ?? '';
    const sides = b.node('Transpose', [both], { perm: [0, 2, 1, 3] });
    const joined = b.node('Reshape', [sides, b.constant('joined', 'int64', [3], [0, 0, -1])]);
    operator(b, joined, { opType: 'LSTM' }, 'two', ['', 'state'], 2 * HIDDEN);
    b.node('MatMul', ['state', b.weight('last', [HIDDEN, 4], { fanIn: HIDDEN })], {}, { outputs: ['y'] });
    b.output('y', 'float32');
    const magnitude = await pruned(b, { unstructured: '60%' });
    const oneShot = await pruned(b, { unstructured: '60%', oneShot: true });
    const order = oneShot.report.weights?.oneShot?.layers.map(({ initializer }) => initializer);
    expect(order).toEqual(['first', 'one.w', 'one.r', 'two.w', 'two.r', 'last']);
    expect(oneShot.error).toBeLessThan(0.2 * magnitude.error);
  });

  it('become zero by magnitude where several nodes share them, and the report says why', async () => {
    const b = new ModelBuilder({ seed: 7 });
    const x = b.node('Transpose', [b.input('x', 'float32', ['N', STEPS, INPUTS])], { perm: [1, 0, 2] });
    const r = b.weight('r', [1, HIDDEN, HIDDEN], { fanIn: HIDDEN });
    const [one = '', two = ''] = ['one', 'two'].map((name) =>
      b.node('RNN', [x, b.weight(name, [1, HIDDEN, INPUTS], { fanIn: INPUTS }), r], { hidden_size: HIDDEN }),
    );
    b.output(b.node('Add', [one, two], {}, { outputs: ['y'] }), 'float32');
    const magnitude = await pruned(b, { unstructured: '50%' });
    const oneShot = await pruned(b, { unstructured: '50%', oneShot: true });
    const { layers, byMagnitude } = present(oneShot.report.weights?.oneShot, 'the report');
    expect(layers.map(({ initializer }) => initializer)).toEqual(['one', 'two']);
    expect(byMagnitude).toEqual([{ initializer: 'r', reason: 'other nodes read its weight "r" too' }]);
    expect(decodeWeights(oneShot.output).get('r')?.floats).toEqual(decodeWeights(magnitude.output).get('r')?.floats);
    expect(oneShot.error).toBeLessThan(magnitude.error);
  });
});

function layerWeights(path: string): Weights {
  return new Map([...decodeWeights(path)].filter(([name]) => name === 'w' || name === 'r'));
}

function countZeros(path: string): Record<string, number> {
  return Object.fromEntries(
    [...layerWeights(path)].map(([name, { floats }]) => [name, floats.filter((each) => each === 0).length]),
  );
}
