import { afterAll, describe, expect, test } from 'vitest';
import type { CalibrationBatches } from '../../src/calibrate/batches.ts';
import { CalibrationStages } from '../../src/calibrate/stages.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { HistogramBuilder } from '../../src/numeric/histogram.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { type HostTensor, RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { floats } from '../runtime/models.ts';
import { ModelBuilder } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

function open(batches: readonly HostTensor[]): Promise<CalibrationStages> {
  const data: CalibrationBatches = {
    samples: batches.length,
    count: batches.length,
    labelled: false,
    async *read() {
      for (const x of batches) yield { feeds: { x }, labels: undefined, size: 1 };
    },
  };
  return CalibrationStages.open(data, { child, place: freshFolder().path, memoryLimit: 2 ** 20 });
}

/** y = −x, of some type. */
function negated(type: ElementType = 'float32'): Model {
  const b = new ModelBuilder();
  b.output(b.node('Neg', [b.input('x', type)], {}, { outputs: ['y'] }), type);
  return importModel(decodeModel(b.bytes()));
}

const stage = { model: negated(), take: new Map([['x', 'x']]), keep: new Map(), spread: [], most: [] };

describe('what parts of models give is looked at where it is', { timeout: 30_000 }, () => {
  const batches = [floats([1, 3], [1, -2, 0]), floats([2, 2], [4, 4, 0, -0.5]), floats([1], [Number.NaN])];

  test('how elements are spread over batches of all shapes', async () => {
    const stages = await open(batches);
    const { histograms, most } = await stages.spread({ ...stage, keep: new Map([['y', 'kept']]), spread: ['y'] });
    const builder = new HistogramBuilder();
    builder.add(Float32Array.of(-1, 2, 0, -4, -4, 0, 0.5, Number.NaN));
    expect(histograms).toEqual(new Map([['y', builder.histogram]]));
    expect(most.size).toBe(0);
    // What was kept is there as well.
    const again = await stages.spread({ ...stage, take: new Map([['x', 'kept']]), spread: ['y'] });
    expect(again.histograms.get('y')).toMatchObject({ min: -2, max: 4, zeros: 2, nonFinite: 1 });
    await stages.close();
  });

  test('of as many batches as are enough', async () => {
    const stages = await open(batches);
    const { histograms } = await stages.spread({ ...stage, spread: ['y'], samples: 1 });
    expect(histograms.get('y')).toMatchObject({ count: 3, min: -1, max: 2 });
    await stages.close();
  });

  test('in float16, too', async () => {
    // 1, −2 and infinity.
    const half: HostTensor = { type: 'float16', dims: [3], data: Uint16Array.of(0x3c00, 0xc000, 0x7c00) };
    const stages = await open([half]);
    const { histograms, most } = await stages.spread({
      ...stage,
      model: negated('float16'),
      spread: ['y'],
      most: ['y'],
    });
    expect(histograms.get('y')).toMatchObject({ count: 2, min: -1, max: 2, nonFinite: 1 });
    expect(most.get('y')).toEqual(Float64Array.of(-1, 2, Number.NEGATIVE_INFINITY));
    await stages.close();
  });

  test('which is the largest of each element', async () => {
    const stages = await open([floats([3], [1, 2, -3]), floats([3], [0.5, -5, Number.NaN]), floats([3], [7, 0, 1])]);
    const { most } = await stages.spread({ ...stage, most: ['y'] });
    expect(most).toEqual(new Map([['y', Float64Array.of(-0.5, 5, Number.NaN)]]));
    await stages.close();
  });

  test('but not where elements are not real numbers, or the largest has no place', async () => {
    const integers = await open([{ type: 'int32', dims: [1], data: Int32Array.of(1) }]);
    const model = negated('int32');
    for (const wish of [{ spread: ['y'] }, { most: ['y'] }])
      await expect(integers.spread({ ...stage, model, ...wish })).rejects.toMatchObject({
        code: 'bad-data',
        message: expect.stringContaining('Output "y" is int32'),
      });
    await integers.close();
    const stages = await open(batches);
    await expect(stages.spread({ ...stage, most: ['y'] })).rejects.toMatchObject({
      code: 'bad-data',
      message: expect.stringContaining('Output "y" is [2, 2] in batch 1 but [1, 3] in those before'),
    });
    await expect(stages.spread(stage)).rejects.toThrow('is of no use');
    await stages.close();
  });
});
