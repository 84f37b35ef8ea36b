import { afterAll, describe, expect, test } from 'vitest';
import { calibrationBatches } from '../../src/calibrate/batches.ts';
import { CalibrationStages } from '../../src/calibrate/stages.ts';
import { cloneModel, importModel, type Model } from '../../src/ir/model.ts';
import { inputSpecs } from '../../src/judge/inputs.ts';
import { sampleSourceOf } from '../../src/judge/sample-source.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { Lineage } from '../../src/recover/lineage.ts';
import { type ProductStop, productStopsOf } from '../../src/recover/product-stops.ts';
import { Walk } from '../../src/recover/walk.ts';
import { type HostTensor, RuntimeChild, run } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { ModelBuilder } from '../support/build.ts';
import { normals } from '../support/random.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const [SAMPLES, STEPS, INPUTS, HIDDEN] = [6, 4, 3, 2];

/** x [N, steps, inputs] → Transpose → GRU of both directions → y. */
function net(): ModelBuilder {
  const b = new ModelBuilder({ seed: 9 });
  const x = b.node('Transpose', [b.input('x', 'float32', ['N', STEPS, INPUTS])], { perm: [1, 0, 2] });
  const weights = [b.weight('w', [2, 3 * HIDDEN, INPUTS]), b.weight('r', [2, 3 * HIDDEN, HIDDEN])];
  const attributes = { hidden_size: HIDDEN, direction: 'bidirectional' };
  b.nodes('GRU', [x, ...weights], 1, attributes, { name: 'gru', outputs: ['y'] });
  b.output('y', 'float32');
  return b;
}

/** Adds v·vᵀ to a matrix. */
function addSquare(matrix: number[], v: readonly number[]): void {
  v.forEach((a, i) => {
    v.forEach((b, j) => {
      matrix[i * v.length + j] = (matrix[i * v.length + j] ?? 0) + a * b;
    });
  });
}

describe('constants inside a node', () => {
  test('are seen with the second moments of what they are multiplied with, by halves and directions', async () => {
    const folder = freshFolder();
    const path = folder.write('m.onnx', net().bytes());
    const model = importModel(decodeModel(net().bytes()));
    const x: HostTensor = {
      type: 'float32',
      dims: [SAMPLES, STEPS, INPUTS],
      data: normals(SAMPLES * STEPS * INPUTS, 4),
    };
    const { y } = await run(child, path, { x });
    // By halves: batches of two samples, the first and the third in one.
    const halves = [
      [0, 1, 4, 5],
      [2, 3],
    ].map((samples) => {
      const moments = {
        x: Array<number>(INPUTS ** 2).fill(0),
        h: [0, 1].map(() => Array<number>(HIDDEN ** 2).fill(0)),
      };
      const of = ({ data }: HostTensor, at: number, count: number): number[] =>
        Array.from({ length: count }, (_, i) => Number(data[at + i]));
      for (const sample of samples)
        for (let step = 0; step < STEPS; step++) {
          addSquare(moments.x, of(x, (sample * STEPS + step) * INPUTS, INPUTS));
          for (const [side, from] of [step - 1, step + 1].entries())
            if (y !== undefined && from >= 0 && from < STEPS)
              addSquare(moments.h[side] ?? [], of(y, ((from * 2 + side) * SAMPLES + sample) * HIDDEN, HIDDEN));
        }
      return { count: samples.length * STEPS, x: moments.x, h: moments.h.flat() };
    });
    const data = sampleSourceOf({ count: SAMPLES, feeds: new Map([['x', x]]), labels: undefined });
    const batches = calibrationBatches(data, inputSpecs(model.graph), { batch: 2 });
    const stages = await CalibrationStages.open(batches, { child, place: folder.path, memoryLimit: 1e6 });
    const stops = productStopsOf(model, ruleOf);
    expect(
      stops.map(({ product, rows, features, groups, fixed }) => [product.weight.name, rows, features, groups, fixed]),
    ).toEqual([
      ['w', 6 * HIDDEN, INPUTS, 1, undefined],
      ['r', 6 * HIDDEN, HIDDEN, 2, undefined],
    ]);
    const walk = new Walk(model, new Lineage(cloneModel(model).model), stops, stages, ruleOf);
    for (const stop of stops) {
      const found = await walk.visitProduct(stop);
      expect(found).toHaveLength(2);
      for (const [half, { count, gram }] of found.entries()) {
        const wanted = halves[half];
        expect(Array.from(count)).toEqual([wanted?.count]);
        const squares = (stop.groups === 1 ? wanted?.x : wanted?.h) ?? [];
        expect(gram).toHaveLength(squares.length);
        squares.forEach((each, i) => {
          expect(gram[i]).toBeCloseTo(each, 4);
        });
      }
    }
    await walk.finish();
    await stages.close();
  });

  test('stay where they are read elsewhere too, or twice', () => {
    const b = new ModelBuilder({ seed: 2 });
    const x = b.input('x', 'float32', [STEPS, 1, HIDDEN]);
    const twice = b.weight('twice', [1, HIDDEN, HIDDEN]);
    const shared = b.weight('shared', [1, HIDDEN, HIDDEN]);
    const own = b.weight('own', [1, HIDDEN, HIDDEN]);
    const attributes = { hidden_size: HIDDEN };
    b.output(b.node('RNN', [x, twice, twice], attributes, { name: 'a' }), 'float32');
    b.output(b.node('RNN', [x, own, shared], attributes, { name: 'b' }), 'float32');
    b.output(b.node('Relu', [shared]), 'float32');
    const model = importModel(decodeModel(b.bytes()));
    expect(reasonsOf(model)).toEqual({
      twice: 'a reads its weight "twice" in several places',
      own: undefined,
      shared: 'other nodes read its weight "shared" too',
    });
  });
});

function reasonsOf(model: Model): Record<string, string | undefined> {
  const reasonOf = ({ product, fixed }: ProductStop): [string, string | undefined] => [product.weight.name, fixed];
  return Object.fromEntries(productStopsOf(model, ruleOf).map(reasonOf));
}
