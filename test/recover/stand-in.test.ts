import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { present } from '../../src/errors.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { layerMatrix, readMatrix } from '../../src/recover/layer-matrix.ts';
import type { MeasuredReading } from '../../src/recover/readings.ts';
import { standInFor } from '../../src/recover/stand-in.ts';
import { type Attributes, ModelBuilder } from '../support/build.ts';
import { randomMoments, randomRows } from '../support/dense.ts';

/** A layer "reader" behind one that makes the channels which leave, as if it had read random numbers. */
function readingOf(
  op: 'Conv' | 'Gemm',
  groups: number,
  isWhole: boolean,
): { reading: MeasuredReading; units: Int32Array } {
  const b = new ModelBuilder({ seed: 5 });
  const isConv = op === 'Conv';
  const dims = isConv ? ['N', 3, 4, 4] : ['N', 3];
  const made = b.node(op, [b.input('x', 'float32', dims), b.weight('maker', isConv ? [8, 3, 1, 1] : [3, 8])]);
  const weight = b.weight('reader', isConv ? [6, 8 / groups, 3, 3] : [8, 6]);
  const attributes: Attributes = isConv ? { group: groups } : { alpha: { float: 0.5 } };
  b.valueInfo(made, 'float32', isConv ? ['N', 8, 4, 4] : ['N', 8]);
  const y = b.node(op, [made, weight], attributes, { outputs: ['y'] });
  b.output(y, 'float32', isConv ? ['N', 6, 2, 2] : ['N', 6]);
  const { graph } = importModel(decodeModel(b.bytes()));
  const node = present(
    [...graph.nodes].find(({ outputs }) => outputs[0]?.name === 'y'),
    'the reader',
  );
  const layer = present(ruleOf(node).layer?.(node), 'its layer');
  const matrix = present(layerMatrix(layer), 'its matrix');
  const units = present(buildChannelMap(graph, ruleOf).unitsAlong(layer.data), 'its units');
  const kernel = isWhole ? 1 : matrix.kernel;
  const features = (matrix.features / matrix.kernel) * kernel;
  const count = 100;
  const sum = randomRows(1, groups * features, 3).map((each) => each * count);
  const gram = new Float64Array(groups * features ** 2);
  for (let part = 0; part < groups; part++) {
    const moments = randomMoments(features, 3 * features, part);
    for (let i = 0; i < features; i++)
      for (let j = 0; j < features; j++) {
        const means = ((sum[part * features + i] ?? 0) / count) * ((sum[part * features + j] ?? 0) / count);
        gram[(part * features + i) * features + j] = count * ((moments[i * features + j] ?? 0) + means);
      }
  }
  return { reading: { node, layer, matrix, kernel, count, sum, gram }, units };
}

describe('what a layer does without channels', () => {
  test.each([
    ['Gemm', 1, false, true],
    ['Gemm', 1, false, false],
    ['Conv', 1, false, true],
    ['Conv', 2, false, true],
    ['Conv', 2, false, false],
    ['Conv', 1, true, true],
    ['Conv', 2, true, true],
  ] as const)(
    'no other weights do better: %s of %i groups, channels as a whole: %s, affine: %s',
    (op, groups, isWhole, affine) => {
      const { reading, units } = readingOf(op, groups, isWhole);
      const group = present(
        [...buildChannelMap(reading.node.graph, ruleOf).groups].find(({ count }) => count > 1),
        'a group',
      );
      const leaving = Uint8Array.from({ length: group.count }, (_, unit) => (unit % 3 === 0 ? 1 : 0));
      const { matrix, layer, kernel, gram, sum, count } = reading;
      const before = readMatrix(matrix);
      const { elements, bias } = standInFor(reading, group, units, leaving, affine);
      const own = matrix.features / matrix.kernel;
      const features = own * kernel;
      for (let row = 0; row < matrix.rows; row++) {
        const part = Math.floor((row * groups) / matrix.rows);
        const meanOf = (feature: number): number => (sum[part * features + feature] ?? 0) / count;
        const momentOf = (i: number, j: number): number =>
          (gram[(part * features + i) * features + j] ?? 0) / count - (affine ? meanOf(i) * meanOf(j) : 0);
        let trace = 0;
        for (let i = 0; i < features; i++) trace += momentOf(i, i) / features;
        let shift = 0;
        for (let position = 0; position < matrix.kernel / kernel; position++) {
          const at = (feature: number): number =>
            row * matrix.features + (kernel === matrix.kernel ? feature : feature * matrix.kernel + position);
          const less = Array.from({ length: features }, (_, i) => (before[at(i)] ?? 0) - (elements[at(i)] ?? 0));
          for (let k = 0; k < features; k++) {
            shift += (less[k] ?? 0) * meanOf(k);
            const unit = (units[part * own + Math.floor(k / kernel)] ?? -1) - group.first;
            if (leaving[unit] === 1) expect(elements[at(k)]).toBe(0);
            // Where the error is least it does not vary along with what is read, but for the ridge.
            else
              expect(
                less.reduce((total, each, i) => total + each * momentOf(i, k), 1e-4 * trace * (less[k] ?? 0)),
              ).toBeCloseTo(0, 10);
          }
        }
        expect(bias[row]).toBeCloseTo(affine ? layer.gain * shift : 0, 10);
      }
      expect(elements.some((each, i) => each !== 0 && each !== before[i])).toBe(true);
    },
  );
});
