import { describe, expect, test } from 'vitest';
import { importModel, type Model } from '../../src/ir/model.ts';
import { gzipSize } from '../../src/judge/gzip-size.ts';
import { countNonZeroParameters, countParameters, measureSize } from '../../src/judge/size.ts';
import { decodeModel, encodeModelParts, partsLength } from '../../src/onnx/codec.ts';
import { gzipParts } from '../../src/onnx/gzip.ts';
import { ModelBuilder } from '../support/build.ts';

const imported = (b: ModelBuilder): Model => importModel(decodeModel(b.bytes()));

/** Weights of several types, of which the names say how many are not zero. */
function sparseNet(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [4]);
  b.constant('float32_2', 'float32', [5], [1, 0, -0, Number.NaN, 0]);
  b.constant('float64_1', 'float64', [3], [0, 1e-320, -0]);
  b.constant('float16_2', 'float16', [4], [0, -0, 1, -1]);
  b.constant('bfloat16_1', 'bfloat16', [2], [-0, 2]);
  b.constant('int8_2', 'int8', [4], [0, -128, 1, 0]);
  b.constant('uint16_1', 'uint16', [2], [0x8000, 0]);
  b.constant('typed_1', 'float32', [3], [0, 3, 0], 'typed');
  b.constant('not counted', 'int64', [9], Array(9).fill(1));
  const body = b.subgraph();
  body.constant('body_3', 'float32', [4], [1, 2, 0, 3]);
  body.output(body.node('Add', [x, 'body_3']), 'float32');
  const y = b.node('If', [b.input('flag', 'bool', [])], { then_branch: { graph: body }, else_branch: { graph: body } });
  b.output(y, 'float32', [4]);
  return b;
}

describe('the size of a model', () => {
  test('counts what is not zero, in all types that hold weights', () => {
    const { graph } = imported(sparseNet());
    // The body stands twice.
    expect(countParameters(graph)).toBe(5 + 3 + 4 + 2 + 4 + 2 + 3 + 4 + 4);
    expect(countNonZeroParameters(graph)).toBe(2 + 1 + 2 + 1 + 2 + 1 + 1 + 3 + 3);
  });

  test('counts a tensor that several initializers share once', () => {
    const { graph } = imported(sparseNet());
    const tensor = [...graph.initializers].find(({ name }) => name === 'float32_2')?.tensor;
    const before = countNonZeroParameters(graph);
    if (tensor !== undefined) graph.addInitializer('same', tensor);
    expect(countNonZeroParameters(graph)).toBe(before);
  });

  test('has the bytes that the file takes, and those after compressing it', async () => {
    const model = imported(sparseNet());
    const parts = encodeModelParts(model.proto);
    let packed = 0;
    for await (const chunk of gzipParts(parts)) packed += chunk.length;
    const size = await measureSize(model.graph, parts);
    expect(size).toMatchObject({ nonZeros: 16, parameters: 31, fileBytes: partsLength(parts), gzipBytes: packed });
    expect(await measureSize(model.graph, parts, 7)).toMatchObject({ fileBytes: 7, gzipBytes: packed });
  });

  test('leaves files beyond the limit uncompressed', async () => {
    const { graph, proto } = imported(sparseNet());
    const parts = encodeModelParts(proto);
    const gzipLimit = partsLength(parts) - 1;
    expect(await measureSize(graph, parts, undefined, { gzipLimit })).toMatchObject({ gzipBytes: null });
    const heard: number[] = [];
    const settings = { gzipLimit: Infinity, onProgress: (done: number) => heard.push(done) };
    expect((await measureSize(graph, parts, undefined, settings)).gzipBytes).toBeGreaterThan(0);
    expect(heard.at(-1)).toBe(partsLength(parts));
  });

  test('of no bytes is that of an empty gzip file', async () => {
    expect(await gzipSize([])).toBe(20);
  });
});
