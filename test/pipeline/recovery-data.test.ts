import { readFileSync } from 'node:fs';
import { gzipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import type { HostTensor, PruneOptions, TestData } from '../../src/index.ts';
import { branching, looping, scanning } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';
import { normals } from '../support/random.ts';
import { HEADS, languageModel } from '../support/transformer.ts';
import { mixedNet } from '../support/weight-nets.ts';
import { fixture, freshFolder } from './folder.ts';
import { type Lesson, learn, normalData, sentences } from './held-out.ts';

const patient = { timeout: 120_000 };
const mixed = (count: number, seed: number, bend?: (value: number) => number): TestData =>
  normalData(count, seed, { x: [4, 6, 6] }, bend);
const images = (count: number, seed: number): TestData => normalData(count, seed, { image: [3, 8, 8] });
const rows = (count: number, seed: number): TestData => normalData(count, seed, { x: [5] });
const WAYS: readonly PruneOptions[] = [{ structured: 0.5 }, { unstructured: 0.5, oneShot: true }];

/** Two convolutions with int8 weights and activations, and a third one with float32 weights. */
function quantizedNet(): ModelBuilder {
  const b = new ModelBuilder();
  const rounded = (x: string, name: string): string => {
    const scale = b.constant(`${name}.scale`, 'float32', [], [0.03]);
    const zero = b.constant(`${name}.zero`, 'int8', [], [0]);
    return b.node('DequantizeLinear', [b.node('QuantizeLinear', [x, scale, zero]), scale, zero]);
  };
  const weight = (name: string, dims: readonly number[]): string => {
    const values = normals(
      dims.reduce((product, dim) => product * dim, 1),
      dims[1] ?? 1,
    ).map((value) => Math.round(Math.max(-127, Math.min(127, 40 * value))));
    const integers = b.constant(name, 'int8', dims, values);
    const [scale, zero] = [
      b.constant(`${name}.scale`, 'float32', [], [0.003]),
      b.constant(`${name}.zero`, 'int8', [], [0]),
    ];
    return b.node('DequantizeLinear', [integers, scale, zero]);
  };
  const x = rounded(b.input('x', 'float32', ['N', 4, 6, 6]), 'x');
  const first = b.node('Conv', [x, weight('first', [16, 4, 3, 3]), b.vector('first.bias', 16)]);
  const second = b.node('Conv', [
    rounded(b.node('Relu', [first]), 'hidden'),
    weight('second', [16, 16, 3, 3]),
    b.vector('second.bias', 16),
  ]);
  const third = [rounded(b.node('Relu', [second]), 'last'), b.weight('third', [5, 16, 1, 1])];
  b.output(b.node('Conv', third, {}, { outputs: ['y'] }));
  return b;
}

describe('calibration data of which little can be learnt', patient, () => {
  const heldOut = mixed(100, 99);

  it.each([
    ['are not numbers', (value: number) => (value > 2 ? Number.NaN : value)],
    ['are too large to be squared', (value: number) => value * 1e30],
  ])('are refused in one sentence where they %s', async (_, bend) => {
    for (const options of WAYS) {
      await expect(learn(mixedNet(), options, { calibration: mixed(40, 5, bend), heldOut })).rejects.toMatchObject({
        code: 'bad-data',
        message: expect.stringMatching(/^On the calibration data [^.]* NaN or infinite, [^.]*\.$/),
      });
    }
  });

  it.each<[string, TestData]>([
    ['are all zero', mixed(40, 5, () => 0)],
    ['are all the same', mixed(40, 5, () => 0.7)],
    ['vanish when squared', mixed(40, 5, (value) => value * 1e-30)],
    ['are a single sample', mixed(1, 5)],
    ['are two samples', mixed(2, 5)],
    ['are fewer than what a layer reads', mixed(7, 5)],
  ])('make nothing much worse where they %s', async (_, calibration) => {
    const cut = await learn(mixedNet(), { structured: 0.5, criterion: 'l2' }, { heldOut });
    const recovered = await learn(mixedNet(), { structured: 0.5 }, { calibration, heldOut });
    expect(recovered.report.proof?.passed).toBe(true);
    // What is true of one sample, or always the same one, is made up for, however far it is from what is true of others.
    expect(recovered.error).toBeLessThan(6 * cut.error);
    const byMagnitude = await learn(mixedNet(), { unstructured: 0.5 }, { heldOut });
    for (const oneShot of ['auto', 'wanda', 'sparsegpt', 'alps', 'magnitude']) {
      const { error } = await learn(mixedNet(), { unstructured: 0.5, oneShot }, { calibration, heldOut });
      expect({ oneShot, factor: error / byMagnitude.error < 3 }).toEqual({ oneShot, factor: true });
    }
  });

  it('are judged by a half of them even where all fit into one batch', async () => {
    const { report } = await learn(mixedNet(), { structured: 0.5 }, { calibration: mixed(24, 5), heldOut });
    // What least squares leaves of 24 samples that it was made from would be next to nothing.
    expect(report.recovery?.layers.every(({ after, energy }) => (after ?? 0) > 1e-3 * energy)).toBe(true);
  });

  it('are said to be few', async () => {
    const { report } = await learn(mixedNet(), { structured: 0.5 }, { calibration: mixed(24, 5), heldOut });
    expect(report.notes).toContain(
      'Layers were corrected on 24 calibration samples alone; a few hundred make what is learnt hold for other inputs, too.',
    );
    const many = await learn(mixedNet(), { structured: 0.5 }, { calibration: mixed(128, 5), heldOut });
    expect(many.report.notes).toEqual([]);
  });

  it('may have an input that goes by a name that recovery has use for', async () => {
    const make = (name: string): ModelBuilder => {
      const b = new ModelBuilder();
      const x = b.node('Conv', [b.input(name, 'float32', ['N', 4, 6, 6]), b.weight('first', [16, 4, 3, 3])]);
      const y = b.node('ConvTranspose', [b.node('Relu', [x]), b.weight('second', [16, 8, 2, 2], { fanIn: 64 })]);
      const z = b.node('Conv', [
        b.node('Concat', [b.node('Relu', [y]), y], { axis: 1 }),
        b.weight('third', [3, 16, 1, 1]),
      ]);
      // Read once more at the very end.
      const mean = b.node('GlobalAveragePool', [b.node('Conv', [name, b.weight('beside', [3, 4, 1, 1])])]);
      b.output(b.node('Add', [z, mean], {}, { outputs: ['y'] }));
      return b;
    };
    const errors: number[] = [];
    for (const name of ['x', 'target', 'whole']) {
      const data = (count: number, seed: number): TestData => normalData(count, seed, { [name]: [4, 6, 6] });
      errors.push(
        (await learn(make(name), { structured: 0.5 }, { calibration: data(64, 1), heldOut: data(64, 2) })).error,
      );
    }
    expect(errors[1]).toBe(errors[0]);
    expect(errors[2]).toBe(errors[0]);
  });
});

describe('recovery beats the cut alone', patient, () => {
  const float16Images = (count: number, seed: number): TestData => {
    const data = Uint16Array.from(
      normals(count * 192, seed),
      (value) => (value > 0 ? 0x3800 : 0xb400) + Math.abs(value * 100),
    );
    return { count, feeds: new Map([['image', { type: 'float16', dims: [count, 3, 8, 8], data }]]), labels: undefined };
  };
  const cases: readonly [string, () => ModelBuilder | string, (count: number, seed: number) => TestData, number][] = [
    ['opset 11', () => mixedNet({ opset: 11 }), mixed, 0.6],
    ['opset 18', () => mixedNet({ opset: 18 }), mixed, 0.6],
    ['opset 7 and IR 3', () => fixture('structural/ir3.onnx'), images, 0.7],
    ['token ids', () => languageModel(), sentences, 0.7],
    ['a fixed batch', () => languageModel({ batch: 4 }), sentences, 0.7],
    ['float16', () => fixture('structural/float16.onnx'), float16Images, 0.5],
    ['an If that reads the outside', () => fixture('structural/if-subgraph.onnx'), images, 0.5],
    ['a Loop', () => looping(), rows, 0.9],
    ['external data', () => fixture('structural/external.onnx'), images, 0.5],
    ['a transposed convolution', () => fixture('structural/conv-transpose-unet.onnx'), images, 0.7],
    ['a residual stream', () => fixture('structural/residual.onnx'), images, 0.5],
    ['groups', () => fixture('structural/grouped-conv.onnx'), images, 0.5],
    ['gates', () => fixture('structural/split-gate.onnx'), images, 0.5],
    ['weights as nodes', () => fixture('structural/constant-weights.onnx'), images, 0.5],
  ];

  it.each(cases)('with %s', async (_, model, data, factor) => {
    const heldOut = data(96, 6);
    const calibration = data(96, 5);
    const [cut, full] = [
      await learn(model(), { structured: 0.5, recover: 'none' }, { calibration, heldOut }),
      await learn(model(), { structured: 0.5 }, { calibration, heldOut }),
    ];
    expect(full.error).toBeLessThan(factor * cut.error);
    expect(full.report.proof?.passed).toBe(true);
  });

  it('of a compressed file as of a plain one', async () => {
    const folder = freshFolder();
    const bytes = mixedNet().bytes();
    const lessons = { calibration: mixed(64, 1), heldOut: mixed(32, 2) };
    const [plain, packed] = [
      await learn(folder.write('m.onnx', bytes), { structured: 0.5 }, lessons),
      await learn(folder.write('m.onnx.gz', gzipSync(bytes)), { structured: 0.5 }, lessons),
    ];
    expect(readFileSync(packed.output).equals(readFileSync(plain.output))).toBe(true);
  });

  it.each([
    ['an If', branching, ['switch']],
    ['a Scan', scanning, []],
  ] as const)('or does not fail on %s, whose bodies are not seen', async (_, net, more) => {
    const feeds = new Map<string, HostTensor>([['x', { type: 'float32', dims: [1, 5], data: normals(5, 1) }]]);
    for (const name of more) feeds.set(name, { type: 'float32', dims: [1], data: Float32Array.of(1) });
    const data: TestData = { count: 1, feeds, labels: undefined };
    for (const options of WAYS) {
      const { report } = await learn(net(), options, { calibration: data, heldOut: data });
      expect(report.proof?.passed ?? true).toBe(true);
      expect(report.output).not.toBeNull();
    }
  });

  it('by biases where weights are shared, or are those of a transposed convolution', async () => {
    const b = new ModelBuilder();
    const shared = b.weight('shared', [16, 16, 1, 1]);
    const first = b.node('Conv', [b.input('x', 'float32', ['N', 4, 6, 6]), b.weight('first', [16, 4, 3, 3])]);
    const middle = b.node('Relu', [b.node('Conv', [b.node('Relu', [first]), shared])]);
    const last = b.node('Relu', [b.node('Conv', [middle, shared])]);
    const up = b.weight('up', [16, 5, 2, 2], { fanIn: 16 });
    b.output(b.node('ConvTranspose', [last, up], { strides: [2, 2] }, { outputs: ['y'] }));
    const lessons = { calibration: mixed(96, 1), heldOut: mixed(64, 2) };
    const { report } = await learn(b, { structured: 0.5, recover: 'bias' }, lessons);
    const layers = report.recovery?.layers ?? [];
    expect(layers.map(({ initializer, by }) => [initializer, by])).toEqual([
      ['shared', 'nothing'],
      ['shared', 'nothing'],
      ['up', 'channels'],
    ]);
    for (const { before, after } of layers) expect(after).toBeLessThan(before);
  });

  it('in what is left of a quantized net', async () => {
    const lessons = { calibration: mixed(96, 1), heldOut: mixed(64, 2) };
    const [cut, full, bias] = [
      await learn(quantizedNet(), { structured: 0.5, recover: 'none' }, lessons),
      await learn(quantizedNet(), { structured: 0.5 }, lessons),
      await learn(quantizedNet(), { structured: 0.5, recover: 'bias' }, lessons),
    ];
    expect(full.error).toBeLessThan(0.95 * cut.error);
    expect(bias.error).toBeLessThan(cut.error);
    expect(full.report.proof?.passed).toBe(true);
    expect(full.report.recovery?.layers.map(({ initializer }) => initializer)).toEqual(['third']);
  });

  it('of whole heads', async () => {
    const lessons = { calibration: sentences(128, 1), heldOut: sentences(100, 2) };
    const options = { heads: 0.25 };
    const [cut, full]: Lesson[] = [
      await learn(languageModel(), { ...options, recover: 'none' }, lessons),
      await learn(languageModel(), options, lessons),
    ];
    expect(full?.error).toBeLessThan(0.8 * (cut?.error ?? 0));
    const heads = full?.report.pruning.groups.filter(({ part }) => part === 'heads') ?? [];
    expect(heads.map(({ before, after }) => [before / HEADS, after / HEADS])).toEqual([
      [4, 3],
      [4, 3],
    ]);
    expect(full?.report.proof?.passed).toBe(true);
  });
});
