import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CheckFailed, type PruneOptions, type Report, type TestData } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { createRandom, normals } from '../support/random.ts';
import { prune } from '../support/shared-runtime.ts';
import { mixedNet } from '../support/weight-nets.ts';
import { freshFolder } from './folder.ts';
import { failure } from './goal-runs.ts';
import { normalData } from './held-out.ts';
import { given, type Int8Run, outcome, quantize, type RunData } from './int8-runs.ts';

const patient = { timeout: 120_000 };
const images = (count: number, seed: number): TestData => normalData(count, seed, { x: [4, 6, 6] });
const lessons = { calibration: images(48, 5), testData: images(200, 6) };
const quick = { rounding: 'nearest', verify: false } as const;

/** Which of the data or the weights of "fragile" cannot be rounded: one feature, a thousand times the others. */
type Loud = 'data' | 'weights';
const LOUD = { data: { weight: 1e-5, input: 1000 }, weights: { weight: 1000, input: 1e-5 } };

/** Four layers between which nothing but a Relu is. A feature that hardly counts spoils the scales of the first, "fragile". */
function fragileNet(loud: Loud): ModelBuilder {
  const b = new ModelBuilder();
  const random = createRandom(3);
  const first = Array.from({ length: 16 * 12 }, (_, i) => (i % 12 === 0 ? LOUD[loud].weight : 0.3 * random.normal()));
  const layer = (name: string, data: string, weight: string): string =>
    b.node('Relu', [b.node('Gemm', [data, weight], { transB: 1 }, { name })]);
  const x = b.input('x', 'float32', ['N', 12]);
  const wide = layer('fragile', x, b.constant('fragile.weight', 'float32', [16, 12], first));
  const middle = layer('second', wide, b.weight('second.weight', [16, 16]));
  const last = layer('third', middle, b.weight('third.weight', [16, 16]));
  b.node('Gemm', [last, b.weight('last.weight', [5, 16])], { transB: 1 }, { name: 'last', outputs: ['y'] });
  b.output('y', 'float32', ['N', 5]);
  return b;
}

/** Inputs of it. */
function loudData(loud: Loud, count: number, seed: number): TestData {
  const data = normals(count * 12, seed).map((value, i) => (i % 12 === 0 ? LOUD[loud].input * value : value));
  return { count, feeds: new Map([['x', { type: 'float32', dims: [count, 12], data }]]), labels: undefined };
}

/** x [N, 32] → 128 units → 128 units → y [N, 8]. */
function wideNet(): ModelBuilder {
  const b = new ModelBuilder();
  const layer = (data: string, name: string, dims: readonly number[]): string =>
    b.node('Gemm', [data, b.weight(name, dims)], { transB: 1 }, { name: `${name}/Gemm` });
  const first = b.node('Relu', [layer(b.input('x', 'float32', ['N', 32]), 'first', [128, 32])]);
  const second = b.node('Relu', [layer(first, 'second', [128, 128])]);
  b.output(layer(second, 'last', [8, 128]), 'float32', ['N', 8]);
  return b;
}

describe('a drop that integers may cost', patient, () => {
  const fragile = (loud: Loud, options: PruneOptions): Promise<Int8Run> =>
    quantize(
      fragileNet(loud),
      { ranges: 'minmax', ...options },
      { calibration: loudData(loud, 48, 5), testData: loudData(loud, 200, 6) },
    );

  it('is kept to at once where integers cost little', async () => {
    const { report, quantization } = await quantize(mixedNet(), { maxDrop: '20%', ...quick }, lessons);
    expect(quantization.search).toBeNull();
    expect(report.goal).toMatchObject({ target: null, sought: null, drop: { limit: 0.2, met: true, by: 'agreement' } });
  });

  it.each<[string, Loud]>([
    ['static', 'data'],
    ['static', 'weights'],
    ['dynamic', 'weights'],
  ])('sends back to float what cannot be rounded, %s, for its %s', async (int8, loud) => {
    const lost = await fragile(loud, { int8 });
    expect(lost.report.fidelity?.outputs[0]?.relativeL2).toBeGreaterThan(0.2);
    const run = await fragile(loud, { int8, maxDrop: '10%' });
    const { report, quantization } = run;
    expect(quantization.search).toEqual({
      limit: 0.1,
      found: true,
      layers: ['fragile'],
      tries: [
        { layers: 0, drop: expect.any(Number), met: false },
        { layers: 1, drop: report.goal?.drop?.reached, met: true },
      ],
    });
    expect(report.goal?.drop).toMatchObject({ met: true });
    expect(outcome(run)).toEqual({
      fragile: 'it added most to what outputs are off, and --max-drop did not hold with it on integers',
      second: int8,
      third: int8,
      last: int8,
    });
    expect(quantization.fusion?.floats.map(({ node }) => node)).toContain('fragile');
  });

  it('fails where no set of layers helps, since pruning alone loses more, and nothing is written', async () => {
    const output = freshFolder().path('small.onnx');
    const run = quantize(mixedNet(), { structured: '50%', align: 'none', maxDrop: 0, output, ...quick }, lessons);
    const error = await failure(run);
    expect(error).toBeInstanceOf(CheckFailed);
    expect(existsSync(output)).toBe(false);
    const report = error instanceof CheckFailed ? error.report : expect.fail(error.message);
    expect(report.quantization?.search).toMatchObject({ found: false, layers: [] });
    expect(report.quantization?.search?.tries.every(({ met }) => !met)).toBe(true);
    expect(report.quantization?.layers).toHaveLength(4);
    expect(report.notes.join('\n')).toContain('No set of layers in float32 keeps to --max-drop');
    expect(report.goal?.drop?.met).toBe(false);
  });
});

interface Made {
  readonly report: Report;
  readonly output: string;
}

describe('amounts that are sought with integers', patient, () => {
  const run = async (options: PruneOptions, net = mixedNet(), data: RunData = lessons): Promise<Made> => {
    const folder = freshFolder();
    const input = folder.write('m.onnx', net.bytes());
    const output = folder.path('small.onnx');
    const all = { int8: true, bench: false, align: 'none', output, ...quick, ...options } as const;
    return { report: await prune(input, all, given(data)), output };
  };

  it.each(['none', 'least-squares'])('count the bytes of integers, recovery: %s', async (recover) => {
    const data = { calibration: normalData(64, 5, { x: [32] }) };
    const { report, output } = await run({ target: 'size=20%', recover }, wideNet(), data);
    const { amount = 1, tries = [] } = report.goal?.sought ?? {};
    expect(report.goal?.target).toMatchObject({ kind: 'size', met: true, reached: statSync(output).size });
    expect(tries.find((each) => each.amount === amount)?.reached).toBe(statSync(output).size);
    // Of floats 55% would have to leave.
    expect(amount).toBeLessThan(0.3);
  });

  it.each([{ recover: 'none' }, { recover: 'least-squares' }])('count what scales take, %j', async (options) => {
    const { report } = await run({ target: 'params=80%', ...options });
    expect(report.goal?.target).toMatchObject({ met: true });
    const { amount, tries = [] } = report.goal?.sought ?? {};
    expect(tries.find((each) => each.amount === amount)?.reached).toBe(report.goal?.target?.reached);
  });

  it('multiply as often', async () => {
    const { report } = await run({ target: 'macs=60%', recover: 'none' });
    expect(report.goal?.target).toMatchObject({ kind: 'macs', met: true });
    expect(report.goal?.target?.reached).toBe(report.size.after.macs);
  });

  it('lose what integers lose', async () => {
    const { report, output } = await run({ maxDrop: '25%', unstructured: 'auto', lossless: false });
    const { amount = 0, tries = [], found } = report.goal?.sought ?? {};
    expect(found).toBe(true);
    expect(tries.find((each) => each.amount === amount)?.reached).toBe(report.goal?.drop?.reached);
    expect(report.quantization).toMatchObject({ search: null });
    // The very result of the amount that was found.
    const again = await run({ unstructured: amount, lossless: false });
    expect(readFileSync(again.output).equals(readFileSync(output))).toBe(true);
  });
});
