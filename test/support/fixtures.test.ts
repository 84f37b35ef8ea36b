import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { loadSamples } from '../../cli/samples.ts';
import { mnistTestNpz } from '../../fixtures/mnist.ts';
import { STRUCTURAL_MODELS } from '../../fixtures/structural-models.ts';
import { fromFloat16, toFloat16 } from './build-tensor.ts';
import { normals } from './random.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
const onnxFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name));

/** Runs a model on random inputs, symbolic dims set to 2, and gives all numbers that come out. */
async function runRandom(path: string): Promise<number[]> {
  const session = await InferenceSession.create(path, { logSeverityLevel: 3 });
  const feeds: Record<string, Tensor> = {};
  for (const meta of session.inputMetadata) {
    if (!meta.isTensor || (path.endsWith('ir3.onnx') && meta.name !== 'image')) continue;
    const dims = meta.shape.map((dim) => (typeof dim === 'number' && dim > 0 ? dim : 2));
    const numbers = normals(
      dims.reduce((product, dim) => product * dim, 1),
      5,
    );
    feeds[meta.name] =
      meta.type === 'float16'
        ? new Tensor('float16', Uint16Array.from(numbers, toFloat16), dims)
        : new Tensor('float32', numbers, dims);
  }
  const outputs = Object.values(await session.run(feeds));
  await session.release();
  return outputs.flatMap(({ type, data }) => {
    const values: Iterable<unknown> = data;
    return Array.from(values, (value) => (type === 'float16' ? fromFloat16(Number(value)) : Number(value)));
  });
}

describe('fixtures', () => {
  const paths = [...onnxFiles(FIXTURES), ...onnxFiles(join(FIXTURES, 'structural'))];

  it.each(paths.map((path) => path.slice(FIXTURES.length + 1)))(
    '%s runs and gives finite, varied numbers',
    async (name) => {
      const numbers = await runRandom(join(FIXTURES, name));
      expect(numbers.every(Number.isFinite)).toBe(true);
      expect(new Set(numbers).size).toBeGreaterThan(numbers.length / 4);
    },
  );

  it.each(Object.keys(STRUCTURAL_MODELS))('structural/%s.onnx is what the script makes', (name) => {
    const builder = STRUCTURAL_MODELS[name]?.();
    const bytes = name === 'external' ? builder?.externalBytes('external.data', 256).model : builder?.bytes();
    expect(Buffer.from(bytes ?? [])).toEqual(readFileSync(join(FIXTURES, 'structural', `${name}.onnx`)));
  });

  it('mnist-test.npz is what the script makes', () => {
    expect(Buffer.from(mnistTestNpz(10)).equals(readFileSync(join(FIXTURES, 'mnist-test.npz')))).toBe(true);
  });

  it.each([
    ['mnist-cnn.onnx', 0.985],
    ['mnist-mlp.onnx', 0.97],
  ] as const)('%s classifies the digits of mnist-test.npz', async (name, least) => {
    const { arrays } = await loadSamples(join(FIXTURES, 'mnist-test.npz'));
    const [image, labels] = [arrays.get('image'), arrays.get('labels')];
    if (!(image?.data instanceof Float32Array) || labels === undefined) throw new Error('image or labels are missing');
    const session = await InferenceSession.create(join(FIXTURES, name));
    const outputs = await session.run({ image: new Tensor('float32', image.data, image.shape) });
    const logits = outputs[session.outputNames[0] ?? '']?.data;
    if (!(logits instanceof Float32Array)) throw new Error('logits are missing');
    const right = Array.from(labels.data, Number).filter((label, row) => {
      const scores = logits.subarray(row * 10, row * 10 + 10);
      return scores.indexOf(Math.max(...scores)) === label;
    });
    expect(right.length / labels.data.length).toBeGreaterThan(least);
  });
});
