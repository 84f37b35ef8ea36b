import { existsSync, readFileSync, statSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { PruneOptions, Report, TestData } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { lastStateNet, mixedNet } from '../support/weight-nets.ts';
import { freshFolder } from './folder.ts';
import { normalData } from './held-out.ts';
import { decoded, given, type Int8Run, quantize } from './int8-runs.ts';

const patient = { timeout: 60_000 };
const images = (count: number, seed = 5): TestData => normalData(count, seed, { x: [8, 6, 6] });
const calibration = images(64);
const FLOAT16 = 10;

/** x [N, 8, 6, 6] → Conv of 80 channels → Relu → Conv of 8 → Relu → mean → Gemm → y [N, 70]. */
function wideNet(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 8, 6, 6]);
  const conv = (data: string, name: string, dims: readonly number[]): string =>
    b.node('Relu', [
      b.node('Conv', [data, b.weight(`${name}.weight`, dims), b.vector(`${name}.bias`, dims[0] ?? 0)], {}, { name }),
    ]);
  const image = conv(conv(x, 'first', [80, 8, 3, 3]), 'second', [70, 80, 1, 1]);
  const flat = b.node('Flatten', [b.node('GlobalAveragePool', [image])]);
  const gemm = [flat, b.weight('head.weight', [70, 70]), b.vector('head.bias', 70)];
  b.output(b.node('Gemm', gemm, { transB: 1 }, { name: 'head', outputs: ['y'] }), 'float32', ['N', 70]);
  return b;
}

const run = (options: PruneOptions, net = wideNet()): Promise<Int8Run> => quantize(net, options, { calibration });

describe('integers with another form of storage', patient, () => {
  it('keep their scales where floats are stored as float16', async () => {
    for (const int8 of ['static', 'dynamic', 'weights']) {
      const options = { int8, fp16Storage: true, float: ['second'], rounding: 'nearest' };
      const { report, quantization, output } = await run(options);
      expect(report.storage.half?.stored.map(({ initializer }) => initializer)).toContain('second.weight');
      expect(quantization.layers.map(({ node }) => node)).toContain('head');
      expect(quantization.fusion?.overruled).toEqual([]);
      const { types } = decoded(output);
      expect(types.get('second.weight')).toBe(FLOAT16);
      const scales = [...types].filter(([name]) => /scale/.test(name));
      expect(scales.length).toBeGreaterThan(0);
      expect(scales.filter(([, type]) => type === FLOAT16)).toEqual([]);
    }
  });

  it('are the same compressed', async () => {
    const folder = freshFolder();
    const plain = await run({ rounding: 'nearest', verify: false });
    const packed = await run({ rounding: 'nearest', gzip: true, output: folder.path('m.onnx.gz') });
    expect(gunzipSync(readFileSync(packed.output)).equals(readFileSync(plain.output))).toBe(true);
    expect(packed.report.size.after.gzipBytes).toBe(statSync(packed.output).size);
    expect(packed.report.proof?.passed).toBe(true);
  });

  it('are as sparse as the weights were, and run', async () => {
    const options = { unstructured: '90%', sparseFormat: true, rounding: 'nearest' };
    const { report, quantization } = await run(options);
    const { report: dense } = await run({ ...options, sparseFormat: false });
    expect(quantization.layers.map(({ how }) => how)).toEqual(['static', 'static', 'static']);
    expect(report.proof?.passed).toBe(true);
    expect(report.fidelity?.outputs).toEqual(dense.fidelity?.outputs);
    expect(report.storage.sparseTensors).not.toBeNull();
    expect(report.size.after.fileBytes).toBeLessThanOrEqual(dense.size.after.fileBytes);
  });

  it('go into the file of weights where a model has one', async () => {
    const folder = freshFolder();
    const { model, data } = wideNet().externalBytes('weights.bin', 256);
    folder.write('weights.bin', data);
    const input = folder.write('m.onnx', model);
    const output = folder.path('small.onnx');
    const options = { int8: true, bench: false, output, rounding: 'nearest' } as const;
    const report = await prune(input, options, given({ calibration }));
    expect(report.proof?.passed).toBe(true);
    expect(report.quantization?.layers).toHaveLength(3);
    expect(existsSync(`${output}.data`)).toBe(true);
    expect(statSync(output).size + statSync(`${output}.data`).size).toBe(report.size.after.fileBytes);
    expect(statSync(`${output}.data`).size).toBeLessThan(0.4 * data.length);
  });
});

describe('what is not asked for is not done', patient, () => {
  it('nothing is written on a dry run', async () => {
    const output = freshFolder().path('small.onnx');
    const { report, quantization } = await run({ dryRun: true, output, rounding: 'nearest' });
    expect(report.output).toBeNull();
    expect(existsSync(output)).toBe(false);
    expect(quantization).toMatchObject({ layers: { length: 3 }, fusion: { floats: [] } });
  });

  it('nobody looks at what was fused without a proof, and nothing is timed without a benchmark', async () => {
    const unproven = await run({ verify: false, rounding: 'nearest' });
    expect(unproven.quantization.fusion).toBeNull();
    expect(unproven.report).toMatchObject({ proof: null, fidelity: null, latency: null });
    const untimed = await run({ rounding: 'nearest' });
    expect(untimed.quantization.fusion).toMatchObject({ time: null });
    expect(readFileSync(untimed.output).equals(readFileSync(unproven.output))).toBe(true);
  });
});

describe('integers are the same every time', patient, () => {
  const told = ({ seconds: _, output: __, input: ___, options: ____, ...rest }: Report): unknown => rest;

  it.each<[string, PruneOptions, () => ModelBuilder]>([
    ['ranges in advance', {}, wideNet],
    ['as data come', { int8: 'dynamic' }, wideNet],
    ['weights alone', { int8: 'weights', bits: 4 }, wideNet],
    ['after channels', { structured: '30%', align: 'none' }, wideNet],
  ])('with any number of threads, and whether proven or not: %s', async (_, options, net) => {
    const one = await run({ ...options, threads: 1 }, net());
    const again = await run({ ...options, threads: 1 }, net());
    const two = await run({ ...options, threads: 2, verify: false }, net());
    expect(told(again.report)).toEqual(told(one.report));
    expect(readFileSync(again.output).equals(readFileSync(one.output))).toBe(true);
    expect(readFileSync(two.output).equals(readFileSync(one.output))).toBe(true);
  });

  it('of an LSTM, too', async () => {
    const once = await quantize(lastStateNet(), { verify: false });
    const again = await quantize(lastStateNet(), { verify: false, threads: 2 });
    expect(readFileSync(again.output).equals(readFileSync(once.output))).toBe(true);
  });

  it('also where zeros that nobody proves come after channels', async () => {
    // A layer that can lose no channel still has the weights that integers aim at; they must not be overwritten.
    const net = (): ModelBuilder => {
      const b = mixedNet();
      const flat = b.node('Flatten', ['x']);
      b.output(b.node('MatMul', [flat, b.weight('own', [144, 6])], {}, { name: 'own', outputs: ['z'] }), 'float32');
      return b;
    };
    const data = { calibration: normalData(48, 5, { x: [4, 6, 6] }) };
    const options = { structured: '40%', unstructured: '60%', align: 'none' } as const;
    const proven = await quantize(net(), options, data);
    const unproven = await quantize(net(), { ...options, verify: false }, data);
    expect(readFileSync(unproven.output).equals(readFileSync(proven.output))).toBe(true);
    expect(unproven.quantization.layers).toEqual(proven.quantization.layers);
  });
});
