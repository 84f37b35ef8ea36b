import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { bitsOf } from '../../src/ir/data-type.ts';
import { importModel } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { take } from '../../src/numeric/take.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** x [N, 6] → Gemm → Relu → Gemm → y [N, 4] with 12 hidden channels, of one type from end to end. */
function net(dtype: 'float16' | 'float64' | 'bfloat16', storage: 'raw' | 'typed'): Uint8Array {
  const b = new ModelBuilder({ dtype, storage });
  const gemm = (data: string, name: string, dims: readonly [number, number], output: string): string => {
    const weights = [b.weight(`${name}.weight`, dims), b.vector(`${name}.bias`, dims[0])];
    return b.node('Gemm', [data, ...weights], { transB: 1 }, { name, outputs: [output] });
  };
  const hidden = b.node('Relu', [gemm(b.input('x', dtype, ['N', 6]), 'first', [12, 6], 'h')]);
  b.output(gemm(hidden, 'second', [4, 12], 'y'), dtype, ['N', 4]);
  return b.bytes();
}

/** The data of all initializers. */
function dataOf(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const { graph } = importModel(decodeModel(bytes));
  return new Map(initializersIn(graph).map(({ name, tensor }) => [name, Uint8Array.from(tensor?.raw() ?? [])]));
}

describe('a model of one type from end to end', { timeout: 60_000 }, () => {
  test.each([
    ['float16', 'raw', 2e-2],
    ['float16', 'typed', 2e-2],
    ['float64', 'raw', 1e-9],
    ['float64', 'typed', 1e-9],
  ] as const)('of %s in %s data loses channels, and what stays keeps its bits', async (dtype, storage, limit) => {
    const folder = freshFolder();
    const [before, output] = [net(dtype, storage), folder.path('out.onnx')];
    const options = { structured: 0.5, align: 'none', bench: false, output } as const;
    const { proof, pruning } = await pruneIn(child, folder.write('in.onnx', before), options, {});
    expect(proof).toMatchObject({ passed: true, cut: [{ type: dtype, limit, informative: true }] });
    const indices = pruning.groups[0]?.kept ?? [];
    expect(indices).toHaveLength(6);
    const [was, is] = [dataOf(before), dataOf(readFileSync(output))];
    const cut = (name: string, dims: readonly number[], axis: number): Uint8Array =>
      take(was.get(name) ?? new Uint8Array(), dims, bitsOf(dtype) / 8, [{ axis, indices }]);
    expect(Object.fromEntries(is)).toEqual({
      'first.weight': cut('first.weight', [12, 6], 0),
      'first.bias': cut('first.bias', [12], 0),
      'second.weight': cut('second.weight', [4, 12], 1),
      'second.bias': was.get('second.bias'),
    });
  });

  test('of bfloat16, which has no kernels on a CPU, is refused in words, and nothing is written', async () => {
    const folder = freshFolder();
    const output = folder.path('out.onnx');
    const input = folder.write('in.onnx', net('bfloat16', 'raw'));
    await expect(pruneIn(child, input, { structured: 0.5, output }, {})).rejects.toThrow(
      expect.objectContaining({
        code: 'runtime-refused',
        message: expect.stringMatching(
          /^\S*in\.onnx: onnxruntime refuses the model: .*Gemm.*only models that onnxruntime/,
        ),
      }),
    );
    expect(existsSync(output)).toBe(false);
  });
});
