import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { decodeModel } from '../../src/onnx/codec.ts';
import { openModel, optimizeModel, RuntimeChild, run } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { addition, floats, scratch } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();

/** y = relu(x · w) through one node that onnxruntime removes and two that it makes one. */
function chain(): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [1, 4, 8, 8]);
  const same = b.node('Identity', [x]);
  const y = b.node('Conv', [same, b.weight('w', [6, 4, 3, 3])], {}, { name: 'conv' });
  b.output(b.node('Relu', [y], {}, { outputs: ['y'] }), 'float32', [1, 6, 6, 6]);
  return b.bytes();
}

const operators = (path: string): readonly string[] =>
  (decodeModel(new Uint8Array(readFileSync(path))).graph?.node ?? []).map((node) => node.opType ?? '');

describe('the graph that runs', { timeout: 30_000 }, () => {
  test('is saved with all optimisations, or those asked for', async () => {
    const [all, none] = [write('all.onnx', ''), write('none.onnx', '')];
    await optimizeModel(child, chain(), all);
    await optimizeModel(child, chain(), none, { optimization: 'disabled' });
    expect(operators(all)).not.toContain('Identity');
    expect(operators(all)).not.toContain('Relu');
    expect(operators(none)).toEqual(['Identity', 'Conv', 'Relu']);
  });

  test('computes what the model computes', async () => {
    const [path, target] = [write('model.onnx', chain()), write('optimized.onnx', '')];
    await optimizeModel(child, path, target);
    const x = floats([1, 4, 8, 8], Array.from({ length: 256 }, Math.sin));
    const [before, after] = [await run(child, path, { x }), await run(child, target, { x })];
    expect(after).toEqual(before);
  });

  test('does not disturb a model that is open', async () => {
    const open = await openModel(child, addition([1, 2]));
    await optimizeModel(child, chain(), write('other.onnx', ''));
    const { y } = await open.run({ x: floats([1, 2], [0, 0]) });
    expect(y?.data).toEqual(Float32Array.of(1, 2));
    await open.close();
  });

  test('is refused in words where the model or the file cannot be', async () => {
    await expect(optimizeModel(child, Uint8Array.of(1, 2, 3), write('bad.onnx', ''))).rejects.toMatchObject({
      code: 'runtime-refused',
    });
    const nowhere = `${write('file', '')}/in-a-file.onnx`;
    await expect(optimizeModel(child, chain(), nowhere)).rejects.toMatchObject({ code: 'runtime-refused' });
  });
});
