import { gunzipSync } from 'node:zlib';
import onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { at, itemsAt, numberAt } from './support/read.ts';
import { reportOf } from './support/reports.ts';

const { onnx } = onnxProto;
const SPARSE = ['mnist-mlp.onnx', '--unstructured', '95%', '--no-bench', '--no-verify', '--no-lossless', '--json'];

function deskWithModel(): Desk {
  const desk = new Desk();
  desk.fixture('mnist-mlp.onnx');
  return desk;
}

/** How the tensors of a file are stored, by a decoder that is not ours. */
function stored(bytes: Uint8Array): { dense: string[]; sparse: string[]; types: Set<number> } {
  const { graph } = onnx.ModelProto.decode(bytes);
  const dense = graph?.initializer ?? [];
  return {
    dense: dense.map(({ name }) => name ?? ''),
    sparse: (graph?.sparseInitializer ?? []).map(({ values }) => values?.name ?? ''),
    types: new Set(dense.map(({ dataType }) => dataType ?? 0)),
  };
}

/** The relative error of the outputs of one model against another. */
async function errorBetween(desk: Desk, a: string, b: string): Promise<number> {
  const report = await reportOf(desk, 'compare', a, b, '--no-bench', '--json');
  return numberAt(report, 'fidelity', 'outputs', 0, 'relativeL2');
}

describe('--sparse-format', { timeout: 60_000 }, () => {
  it('writes sparse initializers that mean the same', async () => {
    const desk = deskWithModel();
    await reportOf(desk, ...SPARSE, '-o', 'dense.onnx');
    const report = await reportOf(desk, ...SPARSE, '--sparse-format', '-o', 'sparse.onnx');
    expect(at(report, 'storage', 'sparseTensors')).toBeGreaterThan(0);
    expect(stored(desk.read('dense.onnx')).sparse).toEqual([]);
    expect(stored(desk.read('sparse.onnx')).sparse.length).toBeGreaterThan(0);
    expect(desk.read('sparse.onnx').length).toBeLessThan(desk.read('dense.onnx').length / 3);
    expect(numberAt(report, 'size', 'after', 'fileBytes')).toBe(desk.read('sparse.onnx').length);
    expect(await errorBetween(desk, 'dense.onnx', 'sparse.onnx')).toBe(0);
  });

  it('is kept where the input has it, and --no-sparse-format gives the dense file', async () => {
    const desk = deskWithModel();
    await reportOf(desk, ...SPARSE, '-o', 'dense.onnx');
    await reportOf(desk, ...SPARSE, '--sparse-format', '-o', 'sparse.onnx');
    const [, ...options] = SPARSE;
    const kept = await reportOf(desk, 'sparse.onnx', ...options, '-o', 'kept.onnx');
    expect(at(kept, 'storage', 'sparseTensors')).toBeGreaterThan(0);
    expect(stored(desk.read('kept.onnx')).sparse).toEqual(stored(desk.read('sparse.onnx')).sparse);
    const back = await reportOf(desk, 'sparse.onnx', ...options, '--no-sparse-format', '-o', 'back.onnx');
    expect(at(back, 'storage', 'sparseTensors')).toBeNull();
    expect(stored(desk.read('back.onnx')).sparse).toEqual([]);
    expect(await errorBetween(desk, 'dense.onnx', 'back.onnx')).toBe(0);
  });

  it('may be all that is asked for', async () => {
    const desk = deskWithModel();
    const { code, stdout } = await desk.run('mnist-mlp.onnx', '--sparse-format', '--no-bench');
    expect(code).toBe(0);
    expect(stdout).toContain('no tensor is smaller as a sparse initializer, so all are dense');
    expect(stdout).toContain('stored anew; nothing else was asked for');
    expect(stdout).not.toContain('NOTHING WAS PRUNED');
    expect(stored(desk.read('mnist-mlp.pruned.onnx')).sparse).toEqual([]);
  });
});

describe('--fp16-storage', { timeout: 60_000 }, () => {
  it('halves the file, and says how much rounding takes', async () => {
    const desk = deskWithModel();
    const report = await reportOf(desk, 'mnist-mlp.onnx', '--fp16-storage', '--no-bench', '--json', '-o', 'half.onnx');
    expect(stored(desk.read('half.onnx')).types).toContain(onnx.TensorProto.DataType.FLOAT16);
    const ratio = desk.read('half.onnx').length / desk.read('mnist-mlp.onnx').length;
    expect(ratio).toBeLessThan(0.52);
    expect(itemsAt(report, 'storage', 'half', 'stored').length).toBeGreaterThan(0);
    // Half precision has 11 bits, so that rounding takes at most 2^-11 of an element.
    const error = numberAt(report, 'storage', 'half', 'largestError');
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(2 ** -11);
    expect(await errorBetween(desk, 'mnist-mlp.onnx', 'half.onnx')).toBeLessThan(2e-3);
  });
});

describe('a compressed model', { timeout: 60_000 }, () => {
  it('is written by --gzip, named after the input, and holds what is written without it', async () => {
    const desk = deskWithModel();
    await reportOf(desk, ...SPARSE);
    const report = await reportOf(desk, ...SPARSE, '--gzip');
    expect(desk.files).toEqual(['mnist-mlp.onnx', 'mnist-mlp.pruned.onnx', 'mnist-mlp.pruned.onnx.gz']);
    expect(at(report, 'output', 'path')).toBe('mnist-mlp.pruned.onnx.gz');
    const compressed = desk.read('mnist-mlp.pruned.onnx.gz');
    expect(gunzipSync(compressed).equals(desk.read('mnist-mlp.pruned.onnx'))).toBe(true);
    expect(at(report, 'storage', 'gzip')).toBe(true);
    expect(numberAt(report, 'size', 'after', 'gzipBytes')).toBe(compressed.length);
  });

  it('is written where -o says so, and says what onnxruntime needs', async () => {
    const desk = deskWithModel();
    const args = ['--unstructured', '95%', '--no-bench', '--no-verify', '-o', 'x.onnx.gz'];
    const { code, stdout } = await desk.run('mnist-mlp.onnx', ...args);
    expect(code).toBe(0);
    expect(stdout).toContain(
      'compressed: the file has the size that is called gzip below; onnxruntime needs it unpacked',
    );
    expect(onnx.ModelProto.decode(gunzipSync(desk.read('x.onnx.gz'))).graph?.node?.length).toBeGreaterThan(0);
  });

  it('is read by every command', async () => {
    const desk = deskWithModel();
    await reportOf(desk, ...SPARSE, '--gzip', '-o', 'a.onnx.gz');
    await reportOf(desk, ...SPARSE, '-o', 'a.onnx');
    const [, ...options] = SPARSE;
    const again = await reportOf(desk, 'a.onnx.gz', ...options);
    expect(at(again, 'output', 'path')).toBe('a.pruned.onnx');
    expect(desk.read('a.pruned.onnx').equals(desk.read('a.onnx'))).toBe(true);
    const [packed, plain] = [
      await reportOf(desk, 'inspect', 'a.onnx.gz', '--json'),
      await reportOf(desk, 'inspect', 'a.onnx', '--json'),
    ];
    expect(at(packed, 'layers')).toEqual(at(plain, 'layers'));
    expect(await errorBetween(desk, 'a.onnx', 'a.onnx.gz')).toBe(0);
    expect(desk.leftovers).toEqual([]);
  });
});
