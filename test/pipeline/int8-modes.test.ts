import { describe, expect, it } from 'vitest';
import type { PruneOptions, TestData } from '../../src/index.ts';
import { branching, looping } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';
import { lastStateNet, mixedNet } from '../support/weight-nets.ts';
import { fixture } from './folder.ts';
import { failure } from './goal-runs.ts';
import { normalData } from './held-out.ts';
import { decoded, type Int8Run, outcome, quantize } from './int8-runs.ts';

const patient = { timeout: 60_000 };
const images = (count: number, seed: number): TestData => normalData(count, seed, { x: [4, 6, 6] });
const calibration = images(80, 5);
const NO_RANGES = 'ranges of what it reads come from data, and none were given (--calibration)';
const quick = { rounding: 'nearest', verify: false } as const;

const mixed = (options: PruneOptions, data: TestData | undefined = calibration): Promise<Int8Run> =>
  quantize(mixedNet(), options, { calibration: data });

describe('what suits each operator', patient, () => {
  it('is ranges in advance where convolutions do most of the work', async () => {
    const run = await mixed({});
    expect(outcome(run)).toEqual({ conv: 'static', gemm: 'static', plain: 'static', matmul: 'static' });
    const { quantization, report, output } = run;
    expect(quantization).toMatchObject({ asked: 'auto', samples: 80, search: null, opset: null, untouched: null });
    expect(quantization.activations?.ranges).toBe('mse');
    expect(quantization.fusion).toMatchObject({ kernels: { QLinearConv: 1, QGemm: 3 }, overruled: [], time: null });
    expect(
      quantization.layers.every(
        ({ rounding, after, energy }) => rounding === 'nearest' && after !== null && energy !== null,
      ),
    ).toBe(true);
    expect([...decoded(output).weights].map(([, { dims }]) => dims)).toEqual([
      [8, 4, 3, 3],
      [12, 8],
      [12, 16],
      [16, 4],
    ]);
    expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.03);
    expect(report.notes.join('\n')).not.toContain('samples');
  });

  it('is ranges as data come where none are given, for products', async () => {
    const run = await quantize(mixedNet(), {});
    expect(outcome(run)).toEqual({ conv: NO_RANGES, gemm: 'dynamic', plain: 'dynamic', matmul: 'dynamic' });
    const { quantization, report } = run;
    expect(quantization).toMatchObject({ samples: 0, activations: null });
    expect(quantization.layers.every(({ rounding, after }) => rounding === 'nearest' && after === null)).toBe(true);
    expect(quantization.fusion?.floats.find(({ node }) => node === 'conv')?.reason).toBe(NO_RANGES);
    expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.03);
  });

  it('is ranges as data come for nets of products, with and without data', async () => {
    const b = (): ModelBuilder => {
      const net = new ModelBuilder();
      const hidden = net.node('Relu', [
        net.node('Gemm', [net.input('x', 'float32', ['N', 16]), net.weight('a', [16, 24])], {}, { name: 'a/Gemm' }),
      ]);
      net.output(net.node('MatMul', [hidden, net.weight('b', [24, 4])], {}, { name: 'b/MatMul' }), 'float32');
      return net;
    };
    const kinds = { 'a/Gemm': 'dynamic', 'b/MatMul': 'dynamic' };
    expect(outcome(await quantize(b(), { verify: false }))).toEqual(kinds);
    const data = { calibration: normalData(64, 1, { x: [16] }) };
    const learnt = await quantize(b(), { verify: false }, data);
    expect(outcome(learnt)).toEqual(kinds);
    expect(learnt.quantization.layers.map(({ rounding }) => rounding)).toEqual(['nearest', 'nearest']);
    expect(outcome(await quantize(b(), { int8: 'static', verify: false }, data))).toEqual({
      'a/Gemm': 'static',
      'b/MatMul': 'static',
    });
  });

  it('is integers inside for LSTM', async () => {
    const run = await quantize(lastStateNet(), {});
    expect(outcome(run)).toEqual({ lstm: 'dynamic', head: 'dynamic' });
    expect(decoded(run.output).operators).toMatchObject({ DynamicQuantizeLSTM: 1 });
    expect(run.report.proof?.passed).toBe(true);
  });

  it('leaves convolutions in float when everything is to have ranges as data come', async () => {
    const run = await mixed({ int8: 'dynamic', verify: false });
    expect(outcome(run)).toMatchObject({
      conv: expect.stringContaining('no kernel for Conv that rounds data as they come'),
      gemm: 'dynamic',
    });
  });
});

describe('weights that are stored alone', patient, () => {
  it('have 8 bits, and what is computed is float', async () => {
    const run = await mixed({ int8: 'weights' });
    const { quantization, report, output } = run;
    expect(outcome(run)).toMatchObject({ gemm: 'weights', plain: 'weights', matmul: 'weights' });
    expect(quantization).toMatchObject({
      asked: 'weights',
      activations: null,
      equalized: [],
      samples: 80,
      overflowing: 0,
    });
    expect(quantization.layers.map(({ bits }) => bits)).toEqual(quantization.layers.map(() => 8));
    expect(decoded(output).operators).toMatchObject({ MatMulNBits: quantization.layers.length });
    expect(report.notes.join('\n')).not.toContain('VNNI');
    expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.01);
  });

  it('have 4 bits in blocks', async () => {
    const run = await mixed({ int8: 'weights', bits: 4 });
    const { quantization, report, output } = run;
    expect(outcome(run)).toMatchObject({
      gemm: 'weights',
      plain: 'weights',
      matmul: 'weights',
      conv: expect.stringContaining(' '),
    });
    expect(quantization.layers.map(({ bits }) => bits)).toEqual([4, 4, 4]);
    expect(decoded(output).operators).toMatchObject({ MatMulNBits: 3 });
    expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.2);
  });
});

describe('layers that somebody wants in float', patient, () => {
  it.each<[PruneOptions, Record<string, string>]>([
    [{ float: ['g*'] }, { conv: 'static', gemm: '--float "g*" says so', plain: 'static', matmul: 'static' }],
    [{ float: ['conv.weight'] }, { conv: '--float "conv.weight" says so', gemm: 'static' }],
    [
      { exclude: ['*'] },
      {
        conv: '--exclude "*" says so',
        gemm: '--exclude "*" says so',
        plain: '--exclude "*" says so',
        matmul: '--exclude "*" says so',
      },
    ],
    [{ layers: [{ match: ['plain'], exclude: true }] }, { conv: 'static', plain: 'the recipe excludes it' }],
    [
      {
        layers: [
          { match: ['*'], exclude: true },
          { match: ['gemm', 'conv'], exclude: false },
        ],
      },
      { conv: 'static', gemm: 'static', plain: 'the recipe excludes it', matmul: 'the recipe excludes it' },
    ],
    [
      { lossless: false, exclude: ['gemm.bias'] },
      { gemm: '--exclude "gemm.bias" says so', conv: 'static' },
    ],
  ])('stay there: %j', async (options, expected) => {
    const run = await mixed({ ...quick, int8: 'static', ...options });
    expect(outcome(run)).toMatchObject(expected);
    const names = Object.entries(expected).flatMap(([name, how]) => (how === 'static' ? [] : [name]));
    const stored = decoded(run.output).weights;
    for (const name of names) expect([...stored.keys()].some((each) => each.startsWith(`${name}.`))).toBe(false);
  });

  it.each<[PruneOptions, string]>([
    [{ float: ['gem'] }, '--float "gem" matches no node'],
    [{ exclude: ['gem'] }, '--exclude "gem" matches no'],
    [{ exclude: ['gem'], lossless: false }, '--exclude "gem" matches no'],
    [{ layers: [{ match: ['gem'], exclude: true }], lossless: false }, 'The recipe’s "match" "gem" matches no'],
  ])('are named: %j', async (options, words) => {
    const error = await failure(mixed({ ...quick, ...options }));
    expect(error.code).toBe('bad-option');
    expect(error.message).toContain(words);
  });

  it('may be named though they leave before', async () => {
    // Nobody reads "unread", which the lossless tier takes away.
    const b = mixedNet();
    b.node('MatMul', ['y', b.weight('unread.weight', [4, 4])], {}, { name: 'unread' });
    const run = await quantize(b, {
      ...quick,
      exclude: ['gemm'],
      float: ['plain'],
      int8: 'dynamic',
      rounding: 'nearest',
    });
    expect(outcome(run)).toMatchObject({ gemm: '--exclude "gemm" says so', plain: '--float "plain" says so' });
  });
});

describe('bodies', patient, () => {
  it.each([
    ['If', branching, ['no/down', 'no/up', 'yes/down', 'yes/up']],
    ['Loop', looping, ['body/down', 'body/up']],
  ])('of %s round their data as they come, and take no ranges in advance', async (_, net, inside) => {
    const run = await quantize(net(), {});
    expect(run.report.proof?.passed).toBe(true);
    expect(outcome(run)).toMatchObject(
      Object.fromEntries(['first/MatMul', ...inside].map((node) => [node, 'dynamic'])),
    );
    expect(run.report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.05);
    expect(run.quantization.fusion?.kernels).toHaveProperty('DynamicQuantizeMatMul');
  });
});

it('says nothing of layers where there are none', patient, async () => {
  const run = await quantize(fixture('structural/nothing-to-prune.onnx'), {});
  expect(run.quantization).toMatchObject({ layers: [], floats: [], fusion: null, untouched: null });
});
