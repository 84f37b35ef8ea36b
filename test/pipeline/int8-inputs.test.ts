import { existsSync, readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { CheckFailed, type PruneOptions, type TestData } from '../../src/index.ts';
import { QuantizedNet } from '../quantize/quantized-nets.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { mixedNet } from '../support/weight-nets.ts';
import { fixture, freshFolder } from './folder.ts';
import { failure } from './goal-runs.ts';
import { normalData } from './held-out.ts';
import { decoded, given, outcome, quantize } from './int8-runs.ts';

const { onnx } = onnxProto;
const patient = { timeout: 60_000 };
const images = (count: number, seed = 5): TestData => normalData(count, seed, { x: [4, 6, 6] });
const quick = { rounding: 'nearest', verify: false } as const;

/** Two convolutions between QuantizeLinear and DequantizeLinear. */
function betweenQuantizers(): ModelBuilder {
  const net = new QuantizedNet();
  const x = net.levels(net.conv('first', net.quantizedInput('x', [1, 8, 6, 6])));
  net.output(net.named('Relu', 'last', [net.conv('second', x)]), 'float32', [1, 8, 6, 6]);
  return net;
}

/** A product of integers with a scale for each operand. */
function ofIntegers(): ModelBuilder {
  const b = new ModelBuilder();
  const [s, z] = [b.constant('s', 'float32', [], [0.05]), b.constant('z', 'uint8', [], [128])];
  const x = b.node('QuantizeLinear', [b.input('x', 'float32', ['N', 8]), s, z]);
  const codes = Array.from({ length: 8 * 6 }, (_, i) => Math.round(100 * Math.sin(i + 1)));
  const w = [
    b.constant('w', 'int8', [8, 6], codes),
    b.constant('ws', 'float32', [], [0.01]),
    b.constant('wz', 'int8', [], [0]),
  ];
  const y = b.node('QLinearMatMul', [x, s, z, ...w, s, z], {}, { name: 'product' });
  b.output(b.node('DequantizeLinear', [y, s, z], {}, { outputs: ['y'] }), 'float32', ['N', 6]);
  return b;
}

const wide = (): ModelBuilder => {
  const b = new ModelBuilder();
  const hidden = b.node('Relu', [b.node('MatMul', [b.input('x', 'float32', ['N', 32]), b.weight('a', [32, 64])])]);
  b.output(b.node('MatMul', [hidden, b.weight('b', [64, 32])], {}, { outputs: ['y'] }), 'float32', ['N', 32]);
  return b;
};

/** The bytes of each initializer of a file. */
function weightBytes(path: string): Map<string, string> {
  const { graph } = onnx.ModelProto.decode(readFileSync(path));
  return new Map(
    (graph?.initializer ?? []).map((each) => [
      each.name ?? '',
      Buffer.from(onnx.TensorProto.encode(each).finish()).toString('base64'),
    ]),
  );
}

describe('a model that is quantized already', patient, () => {
  const made = async (form: 'between' | 'integers' | 'dynamic' | 'blocks'): Promise<string> => {
    const folder = freshFolder();
    if (form === 'between') return folder.write('m.onnx', betweenQuantizers().bytes());
    if (form === 'integers') return folder.write('m.onnx', ofIntegers().bytes());
    const options: PruneOptions = form === 'dynamic' ? { int8: 'dynamic' } : { int8: 'weights', bits: 4 };
    return (await quantize(wide(), { ...options, verify: false })).output;
  };

  it.each([
    ['between', 'QuantizeLinear'],
    ['integers', 'QuantizeLinear'],
    ['dynamic', ''],
    ['blocks', 'MatMulNBits'],
  ] as const)('is left as it is, and that is said: %s', async (form, operator) => {
    const path = await made(form);
    const { report, quantization, output } = await quantize(path, {});
    expect(quantization).toMatchObject({
      layers: [],
      floats: [],
      activations: null,
      search: null,
      fusion: null,
      opset: null,
    });
    expect(quantization.untouched).toMatch(
      /^the model is quantized already: \d+ nodes? computes? on integers with scales, /,
    );
    expect(quantization.untouched).toContain(operator);
    expect(report.notes).toContain(
      `Nothing was quantized, since ${quantization.untouched}; give the float32 model it was made from.`,
    );
    expect(report.fidelity?.outputs.map(({ identical }) => identical)).toEqual([true]);
    const [before, after] = [weightBytes(path), weightBytes(output)];
    for (const [name, bytes] of after) expect(bytes).toBe(before.get(name));
    if (form === 'between') return;
    // Nothing of these is stored twice either.
    const error = await failure(quantize(path, { requireChange: true, verify: false }));
    expect(error).toBeInstanceOf(CheckFailed);
    expect(error.message).toContain('--require-change');
  });

  it('is pruned all the same', async () => {
    for (const form of ['between', 'dynamic', 'blocks'] as const) {
      const { report, quantization } = await quantize(await made(form), { structured: '50%', align: 'none' });
      expect({ form, untouched: quantization.untouched }).toEqual({ form, untouched: expect.any(String) });
      expect(report.proof?.passed).toBe(true);
      expect(report.pruning.removedChannels).toBeGreaterThan(0);
    }
  });

  it('keeps to a drop', async () => {
    const data = { testData: normalData(32, 3, { x: [32] }) };
    const { report, quantization } = await quantize(await made('dynamic'), { maxDrop: '1%', verify: false }, data);
    expect(quantization.search).toBeNull();
    expect(report.goal?.drop).toMatchObject({ reached: 0, met: true });
  });
});

describe('calibration data', patient, () => {
  const bent = (bend: (value: number, i: number) => number, count = 24): TestData => {
    const data = images(count);
    const x = data.feeds.get('x');
    if (!(x?.data instanceof Float32Array)) return expect.fail('images are float32');
    return { ...data, feeds: new Map([['x', { ...x, data: x.data.map(bend) }]]) };
  };

  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['-Infinity', Number.NEGATIVE_INFINITY],
  ])('with %s are refused, and nothing is written', async (_, bad) => {
    const output = freshFolder().path('small.onnx');
    const calibration = bent((value, i) => (i === 777 ? bad : value));
    for (const equalize of [true, false]) {
      const error = await failure(quantize(mixedNet(), { ...quick, output, equalize }, { calibration }));
      expect(error.code).toBe('bad-data');
      // Channels that could be scaled are looked at first.
      expect(error.subject).toBe(equalize ? 'Flatten_0_out_0' : 'x');
      expect(error.message).toMatch(/^On the calibration data "\S+" becomes NaN or infinite/);
      expect(existsSync(output)).toBe(false);
    }
  });

  it.each(['minmax', 'percentile', 'entropy', 'mse'])(
    'of nothing but zeros, or of one number, do: %s',
    async (ranges) => {
      for (const bend of [(): number => 0, (): number => -2.5]) {
        const { report, quantization } = await quantize(
          mixedNet(),
          { ranges, rounding: 'gptq' },
          { calibration: bent(bend) },
        );
        expect(quantization.layers).toHaveLength(4);
        expect(report.proof?.passed).toBe(true);
        expect(report.fidelity?.outputs.every(({ relativeL2 }) => Number.isFinite(relativeL2))).toBe(true);
      }
    },
  );

  it('of one sample do, with a remark', async () => {
    const { report, quantization } = await quantize(mixedNet(), {}, { calibration: images(2) });
    expect(quantization).toMatchObject({ samples: 2, layers: { length: 4 } });
    expect(report.notes.join('\n')).toContain('Layers were corrected on 2 calibration samples alone');
  });

  it('of other names are refused', async () => {
    const { feeds, ...rest } = images(8);
    const x = feeds.get('x');
    const calibration = { ...rest, feeds: new Map(x === undefined ? [] : [['z', x]]) };
    const error = await failure(quantize(mixedNet(), quick, { calibration }));
    expect(error.code).toBe('bad-data');
  });

  it('come in batches as a model of a fixed batch takes them', async () => {
    const b = new ModelBuilder();
    const image = b.node(
      'Conv',
      [b.input('x', 'float32', [4, 4, 6, 6]), b.weight('w', [6, 4, 3, 3])],
      {},
      { name: 'conv' },
    );
    b.output(b.node('Relu', [image], {}, { outputs: ['y'] }), 'float32', [4, 6, 4, 4]);
    const run = await quantize(b, {}, { calibration: images(24) });
    expect(run.quantization.samples).toBe(24);
    expect(outcome(run)).toEqual({ conv: 'static' });
    expect(run.report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.05);
  });
});

describe('an operator set', patient, () => {
  /** Operators that changed up to 13: Squeeze, Softmax, Clip, ReduceSum. */
  const old = (options: ModelOptions): ModelBuilder => {
    const b = new ModelBuilder({ irVersion: 4, ...options });
    const opset = options.opset ?? 9;
    const image = b.node(
      'Conv',
      [b.input('x', 'float32', ['N', 4, 6, 6]), b.weight('w', [8, 4, 3, 3])],
      {},
      { name: 'conv' },
    );
    const limits = opset < 11 ? [] : [b.constant('least', 'float32', [], [0]), b.constant('most', 'float32', [], [6])];
    const bounds = opset < 11 ? { min: { float: 0 }, max: { float: 6 } } : {};
    const pooled = b.node('GlobalAveragePool', [b.node('Clip', [image, ...limits], bounds)]);
    const flat = b.node('Squeeze', [pooled], { axes: [2, 3] });
    const y = b.node('Gemm', [flat, b.weight('v', [5, 8]), b.vector('b', 5)], { transB: 1 }, { name: 'gemm' });
    b.output(b.node('Softmax', [y], {}, { outputs: ['y'] }), 'float32', ['N', 5]);
    return b;
  };

  it.each([9, 10, 11, 12])('%d becomes 13, which the proof sees', async (opset) => {
    const run = await quantize(old({ opset }), {}, { calibration: images(64) });
    const { quantization, report, output } = run;
    expect(quantization.opset).toEqual({ from: opset, to: 13 });
    expect(decoded(output).opset).toBe(13);
    expect(report.input.opset).toBe(opset);
    expect(report.proof).toMatchObject({ passed: true, cleaned: [{ name: 'y', passed: true }] });
    expect(outcome(run)).toEqual({ conv: 'static', gemm: 'static' });
    expect(report.fidelity?.outputs[0]?.relativeL2).toBeLessThan(0.03);
  });

  it('that is new enough stays', async () => {
    const { quantization, output, report } = await quantize(mixedNet({ opset: 14 }), { ...quick, verify: true });
    expect(quantization.opset).toBeNull();
    expect(decoded(output).opset).toBe(14);
    expect(report.proof?.cleaned).toEqual([]);
  });

  it('with an operator of which it is not known what changed is refused, and nothing is written', async () => {
    const b = new ModelBuilder({ opset: 10, irVersion: 5 });
    const x = b.node('MatMul', [b.input('x', 'float32', [1, 2, 4, 8]), b.weight('w', [8, 8])]);
    // Which position is nearest hangs on what is given.
    const scales = b.node('Exp', [b.input('s', 'float32', [4])]);
    b.output(b.node('Resize', [x, scales], {}, { name: 'grow', outputs: ['y'] }), 'float32');
    const folder = freshFolder();
    const output = folder.path('small.onnx');
    const path = folder.write('m.onnx', b.bytes());
    const error = await failure(prune(path, { int8: true, verify: false, bench: false, output }));
    expect(error).toMatchObject({ code: 'unsupported', subject: 'grow' });
    expect(existsSync(output)).toBe(false);
    // Without integers nothing has to be brought over.
    await prune(path, { lossless: true, verify: false, bench: false, output });
  });
});

describe('models of other numbers', patient, () => {
  it.each([
    ['float16', fixture('structural/float16.onnx')],
    ['float64', ''],
  ])('stay what they are: %s', async (type, path) => {
    const double = (): ModelBuilder => {
      const b = new ModelBuilder({ dtype: 'float64' });
      b.output(
        b.node('MatMul', [b.input('x', 'float64', ['N', 8]), b.weight('w', [8, 8])], {}, { outputs: ['y'] }),
        'float64',
      );
      return b;
    };
    const { quantization, report } = await quantize(path === '' ? double() : path, {});
    expect(quantization.layers).toEqual([]);
    expect(quantization.floats.length).toBeGreaterThan(0);
    for (const { reason } of quantization.floats) expect(reason).toMatch(new RegExp(`${type}|calibration`));
    expect(report.notes).toContain('Nothing was quantized; what stays in float32, and why, is said above.');
    expect(report.fidelity?.outputs.map(({ identical }) => identical)).toEqual([true]);
  });
});

it('a report of integers is plain data', patient, async () => {
  for (const data of [{ calibration: images(24), testData: images(24, 6) }, {}]) {
    const folder = freshFolder();
    const input = folder.write('m.onnx', mixedNet({ opset: 12 }).bytes());
    const options = { int8: true, maxDrop: 'calibration' in data ? '50%' : undefined, output: folder.path('o.onnx') };
    const report = await prune(input, options, given(data));
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  }
});
