import { afterAll, expect, test } from 'vitest';
import type { CalibrationBatches } from '../../src/calibrate/batches.ts';
import { CalibrationStages } from '../../src/calibrate/stages.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { type HostTensor, RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Twelve batches of 2 samples, each of which holds one power of two. */
const data: CalibrationBatches = {
  samples: 24,
  count: 12,
  labelled: false,
  async *read() {
    for (let batch = 0; batch < 12; batch++) {
      const x: HostTensor = { type: 'float32', dims: [2], data: Float32Array.of(0, 2 ** batch) };
      yield { feeds: { x }, labels: undefined, size: 2 };
    }
  },
};

/** The batches that a stage ran, where about so many samples are enough. */
async function ran(samples: number | undefined): Promise<number[]> {
  const b = new ModelBuilder();
  b.output(b.node('ReduceSum', [b.input('x', 'float32', ['N'])], { keepdims: 0 }, { outputs: ['y'] }));
  const model = importModel(decodeModel(b.bytes()));
  const stages = await CalibrationStages.open(data, { child, place: freshFolder().path, memoryLimit: 2 ** 20 });
  const take = new Map([['x', 'x']]);
  const sums = await stages.run({ model, take, keep: new Map(), sum: ['y'], halves: false, samples });
  await stages.close();
  const bits = sums.get('y')?.[0]?.[0] ?? 0;
  return Array.from({ length: 12 }, (_, batch) => batch).filter((batch) => Math.floor(bits / 2 ** batch) % 2 === 1);
}

test.each([
  [undefined, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [100, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
  [12, [0, 2, 4, 6, 8, 10]],
  [6, [0, 4, 8]],
  [1, [0]],
])('a stage for which %s samples are enough runs batches that are spread over the data', async (samples, batches) => {
  expect(await ran(samples)).toEqual(batches);
});
