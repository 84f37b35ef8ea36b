import { afterAll, describe, expect, test } from 'vitest';
import { type ChannelStatistics, measureActivations } from '../../src/calibrate/activations.ts';
import { calibrationBatches } from '../../src/calibrate/batches.ts';
import { writingTo } from '../../src/calibrate/write-model.ts';
import { present } from '../../src/errors.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { graphsIn } from '../../src/ir/node.ts';
import type { Value } from '../../src/ir/value.ts';
import { inputSpecs } from '../../src/judge/inputs.ts';
import { sampleSourceOf } from '../../src/judge/sample-source.ts';
import type { TestData } from '../../src/judge/test-data.ts';
import { float16Bits } from '../../src/numeric/float16.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { type HostTensor, RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { type Dims, ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const patient = { timeout: 30_000 };

type Real = 'float32' | 'float64' | 'float16';

/** A tensor of a floating-point type. */
function tensor(type: Real, dims: readonly number[], values: readonly number[]): HostTensor {
  if (type === 'float16') return { type, dims, data: Uint16Array.from(values, float16Bits) };
  return { type, dims, data: type === 'float32' ? Float32Array.from(values) : Float64Array.from(values) };
}

function dataOf(x: HostTensor): TestData {
  return { count: x.dims[0] ?? 0, feeds: new Map([['x', x]]), labels: undefined };
}

function modelOf(b: ModelBuilder): Model {
  return importModel(decodeModel(b.bytes()));
}

function valueNamed(model: Model, name: string): Value {
  return present(
    graphsIn(model.graph)
      .flatMap((graph) => [...graph.values])
      .find((value) => value.name === name),
    name,
  );
}

type Options = Partial<Parameters<typeof measureActivations>[3]>;

/** Statistics of the values of these names and axes, by name. */
async function measure(
  model: Model,
  sites: readonly (readonly [string, number])[],
  data: TestData,
  options: Options = {},
): Promise<Map<string, ChannelStatistics>> {
  const measured = await measureActivations(
    model,
    sites.map(([name, dim]) => ({ value: valueNamed(model, name), dim })),
    calibrationBatches(sampleSourceOf(data), inputSpecs(model.graph)),
    { child, write: writingTo(freshFolder().path), ...options },
  );
  return new Map([...measured].map(([value, statistics]) => [value.name, statistics]));
}

/** Mean and mean square of each column of a table of numbers. */
function statisticsOf(columns: readonly (readonly number[])[]): ChannelStatistics {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    mean: Float64Array.from(columns, mean),
    meanSquare: Float64Array.from(columns, (values) => mean(values.map((value) => value * value))),
  };
}

function expectClose(found: ChannelStatistics | undefined, expected: ChannelStatistics): void {
  for (const key of ['mean', 'meanSquare'] as const) {
    expect(found?.[key].length).toBe(expected[key].length);
    expected[key].forEach((value, i) => {
      expect(Math.abs((found?.[key][i] ?? Number.NaN) - value)).toBeLessThanOrEqual(
        1e-6 * Math.max(1, Math.abs(value)),
      );
    });
  }
}

/** Conv that triples its first channel of two and negates the second, then Gemm over the flattened image of 2 by 1. */
function smallNet(dtype: Real, opset: number): Model {
  const b = new ModelBuilder({ opset, irVersion: opset > 20 ? 10 : 8, dtype });
  const x = b.input('x', dtype, ['N', 2, 2, 1]);
  const named = (name: string, dims: Dims): string => b.valueInfo(name, dtype, dims);
  b.node('Conv', [x, b.constant('w', dtype, [2, 2, 1, 1], [3, 0, 0, -1])], {}, { outputs: ['image'] });
  named('image', ['N', 2, 2, 1]);
  b.node('Flatten', ['image'], {}, { outputs: ['flat'] });
  named('flat', ['N', 4]);
  b.output(
    b.node('Gemm', ['flat', b.constant('v', dtype, [4, 1], [0.01, 0.01, 0.01, 0.01])], {}, { outputs: ['y'] }),
    dtype,
  );
  return modelOf(b);
}

describe('mean and mean square of what layers read', patient, () => {
  test.each(
    [11, 13, 18, 21].flatMap((opset) => (['float32', 'float16'] as const).map((type) => [opset, type] as const)),
  )('in operator set %i, %s, over two unequal batches', async (opset, type) => {
    // 35 samples make batches of 32 and 3. The last ones stand out, so that their weight shows.
    const values = Array.from({ length: 35 * 4 }, (_, i) => (i < 128 ? (i % 7) - 3 : 100 + (i % 3)));
    const column = (place: number): number[] => values.filter((_, i) => i % 4 === place);
    const scaled = (place: number): number[] => column(place).map((value) => value * (place < 2 ? 3 : -1));
    const found = await measure(
      smallNet(type, opset),
      [
        ['x', 1],
        ['image', 1],
        ['flat', -1],
      ],
      dataOf(tensor(type, [35, 2, 2, 1], values)),
    );
    expectClose(
      found.get('x'),
      statisticsOf([
        [...column(0), ...column(1)],
        [...column(2), ...column(3)],
      ]),
    );
    expectClose(
      found.get('image'),
      statisticsOf([
        [...scaled(0), ...scaled(1)],
        [...scaled(2), ...scaled(3)],
      ]),
    );
    // 300² is beyond float16.
    expectClose(found.get('flat'), statisticsOf([0, 1, 2, 3].map(scaled)));
  });

  test.each([17, 18])('of float64 stay in float64, in operator set %i', async (opset) => {
    const b = new ModelBuilder({ opset });
    const x = b.input('x', 'float64', ['N', 1]);
    b.output(b.node('MatMul', [x, b.constant('w', 'float64', [1, 1], [1])]), 'float64');
    const found = await measure(modelOf(b), [['x', 1]], dataOf(tensor('float64', [2, 1], [2 ** 40, 2 ** 40 + 2])));
    expect(found.get('x')?.mean).toEqual(Float64Array.of(2 ** 40 + 1));
  });

  test('of a sequence are along its last axis, of a single vector its own numbers', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 'T', 2]);
    b.output(b.node('MatMul', [x, b.constant('w', 'float32', [2, 1], [1, 1])]));
    b.node('ReduceMean', [x], { axes: [0, 1], keepdims: 0 }, { outputs: ['pooled'] });
    b.valueInfo('pooled', 'float32', [2]);
    b.output(b.node('MatMul', ['pooled', b.constant('v', 'float32', [2, 1], [1, 1])]));
    const data = dataOf(tensor('float32', [2, 2, 2], [1, 10, 2, 20, 3, 30, 6, 60]));
    const found = await measure(
      modelOf(b),
      [
        ['x', 2],
        ['pooled', 0],
      ],
      data,
    );
    expectClose(
      found.get('x'),
      statisticsOf([
        [1, 2, 3, 6],
        [10, 20, 30, 60],
      ]),
    );
    expectClose(found.get('pooled'), statisticsOf([[3], [30]]));
  });

  test('leave out what does not fill a fixed batch', async () => {
    const b = new ModelBuilder();
    b.output(b.node('MatMul', [b.input('x', 'float32', [2, 1]), b.constant('w', 'float32', [1, 1], [1])]));
    const model = modelOf(b);
    const found = await measure(model, [['x', 1]], dataOf(tensor('float32', [5, 1], [1, 2, 3, 4, 999])));
    expectClose(found.get('x'), statisticsOf([[1, 2, 3, 4]]));
    await expect(measure(model, [['x', 1]], dataOf(tensor('float32', [1, 1], [1])))).rejects.toMatchObject({
      code: 'bad-data',
      message: 'The model takes batches of 2, but the calibration data have 1 samples; give at least 2.',
    });
  });

  test('have little to say of values that cannot be probed', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 2]);
    const w = b.constant('w', 'float32', [2, 2], [1, 0, 0, 1]);
    b.output(b.node('MatMul', [x, w]));
    b.node('Cast', [x], { to: 7 }, { outputs: ['whole'] });
    b.valueInfo('whole', 'int64', ['N', 2]);
    b.output(b.node('Neg', ['whole'], {}, { outputs: ['out'] }), 'int64');
    b.node('Neg', [x], {}, { outputs: ['unknown'] });
    b.node('Neg', ['unknown'], {}, { outputs: ['square'] });
    b.valueInfo('square', 'float32', ['N', 2]);
    b.output('square');
    const [yes, no] = [b.subgraph(), b.subgraph()];
    for (const body of [yes, no]) {
      const inner = body === yes ? 'inner' : 'other';
      body.node('Neg', [x], {}, { outputs: [inner] });
      body.valueInfo(inner, 'float32', ['N', 2]);
      body.output(body.node('MatMul', [inner, w]));
    }
    const condition = b.constant('condition', 'bool', [], [1]);
    b.output(b.node('If', [condition], { then_branch: { graph: yes }, else_branch: { graph: no } }));
    const data = dataOf(tensor('float32', [1, 2], [1, 2]));
    const sites = ['whole', 'unknown', 'inner'].map((name) => [name, 1] as const);
    const model = modelOf(b);
    const bothAxes = [
      ['square', 0],
      ['square', 1],
      ['square', 1],
    ] as const;
    expect([...(await measure(model, [...sites, ...bothAxes, ['x', 1], ['x', -1]], data)).keys()]).toEqual(['x']);
    expect(await measure(model, sites, data)).toEqual(new Map());
  });

  test.each([
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'infinite'],
    [1e30, 'infinite'],
  ])('refuse data with %d', async (bad, word) => {
    const b = new ModelBuilder();
    b.output(b.node('MatMul', [b.input('x', 'float32', ['N', 2]), b.constant('w', 'float32', [2, 1], [1, 1])]));
    const data = dataOf(tensor('float32', [2, 2], [1, 2, 3, bad]));
    await expect(measure(modelOf(b), [['x', 1]], data)).rejects.toMatchObject({
      code: 'bad-data',
      subject: 'x',
      message: expect.stringContaining(`channel 1 of "x" becomes ${word}, so it has no mean`),
    });
  });

  test('tell how far they are, and stop when told to', async () => {
    const b = new ModelBuilder();
    b.output(b.node('MatMul', [b.input('x', 'float32', ['N', 1]), b.constant('w', 'float32', [1, 1], [1])]));
    const data = dataOf(tensor('float32', [70, 1], Array<number>(70).fill(1)));
    const heard: [number, number][] = [];
    await measure(modelOf(b), [['x', 1]], data, { onProgress: (done, total) => heard.push([done, total]) });
    expect(heard).toEqual([
      [32, 70],
      [64, 70],
      [70, 70],
    ]);
    const stop = new AbortController();
    const stopped: number[] = [];
    const run = measure(modelOf(b), [['x', 1]], data, {
      request: { signal: stop.signal },
      onProgress: (done) => {
        stopped.push(done);
        stop.abort(new Error('enough'));
      },
    });
    await expect(run).rejects.toThrow('enough');
    expect(stopped).toEqual([32]);
  });
});
