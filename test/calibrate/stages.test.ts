import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { CalibrationBatches } from '../../src/calibrate/batches.ts';
import { CalibrationStages } from '../../src/calibrate/stages.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { floats } from '../runtime/models.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** Batch i holds the one number 10 ** i. */
async function open(
  batches: number,
  memoryLimit = 2 ** 20,
): Promise<{ stages: CalibrationStages; place: (name: string) => string; told: number[] }> {
  const place = freshFolder().path;
  const data: CalibrationBatches = {
    samples: 3 * batches,
    count: batches,
    labelled: false,
    async *read() {
      for (let i = 0; i < batches; i++) yield { feeds: { x: floats([1, 1], [10 ** i]) }, labels: undefined, size: 3 };
    },
  };
  const told: number[] = [];
  const stages = await CalibrationStages.open(data, { child, place, memoryLimit }, (done) => told.push(done));
  return { stages, place, told };
}

/** y = x times a number, of inputs and outputs by these names. */
function times(factor: number, from = 'x', to = 'y'): Model {
  const b = new ModelBuilder();
  b.output(
    b.node(
      'Mul',
      [b.input(from, 'float32', ['N', 1]), b.constant('factor', 'float32', [], [factor])],
      {},
      { outputs: [to] },
    ),
    'float32',
    ['N', 1],
  );
  return importModel(decodeModel(b.bytes()));
}

const run = { take: new Map([['x', 'x']]), keep: new Map(), sum: ['y'], halves: false };

describe('parts of a model run on calibration data', { timeout: 30_000 }, () => {
  test('and are summed over all batches, or over every other one', async () => {
    const { stages, told } = await open(5);
    expect(told).toEqual([1, 2, 3, 4, 5]);
    expect(stages.samples).toBe(15);
    expect((await stages.run({ ...run, model: times(2) })).get('y')).toEqual([Float64Array.of(22222)]);
    expect((await stages.run({ ...run, model: times(2), halves: true })).get('y')).toEqual([
      Float64Array.of(20202),
      Float64Array.of(2020),
    ]);
    await stages.close();
  });

  test('and are no halves of one batch', async () => {
    const { stages } = await open(1);
    expect((await stages.run({ ...run, model: times(2), halves: true })).get('y')).toEqual([Float64Array.of(2)]);
    await stages.close();
  });

  test.each([2 ** 20, 0])('and are kept for each other, with %d bytes in memory', async (memoryLimit) => {
    const { stages, place } = await open(3, memoryLimit);
    await stages.run({ model: times(2), take: run.take, keep: new Map([['y', 'twice']]), sum: [], halves: false });
    const six = await stages.run({ ...run, model: times(3, 'in'), take: new Map([['in', 'twice']]) });
    expect(six.get('y')).toEqual([Float64Array.of(666)]);
    await stages.drop(['twice']);
    const gone = stages.run({ ...run, model: times(3, 'in'), take: new Map([['in', 'twice']]) });
    await expect(gone).rejects.toMatchObject({ code: 'bad-data' });
    await stages.close();
    expect(
      readdirSync(place('.'))
        .filter((name) => name === 'activations')
        .flatMap((name) => readdirSync(place(name))),
    ).toEqual([]);
  });

  test('and teach nothing where sums are not finite', async () => {
    const { stages } = await open(2);
    for (const factor of [Number.NaN, Number.POSITIVE_INFINITY])
      await expect(stages.run({ ...run, model: times(factor) })).rejects.toMatchObject({
        code: 'bad-data',
        subject: 'calibration data',
        message: expect.stringContaining('becomes NaN or infinite'),
      });
    await stages.close();
  });
});
