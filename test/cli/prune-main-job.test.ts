import { afterAll, describe, expect, it } from 'vitest';
import { modelInfo, RuntimeChild } from '../../src/runtime/index.ts';
import { Desk } from './support/desk.ts';
import { hasEscapes, weightDims } from './support/read.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

describe('onnx-prune mnist-cnn.onnx --structured 50%', { timeout: 60_000 }, () => {
  it('writes a smaller model beside the input, which it leaves as it was, and nothing else', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx');
    const before = desk.read(model);
    const { code, stdout, stderr } = await desk.run(model, '--structured', '50%');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(desk.files).toEqual(['mnist-cnn.onnx', 'mnist-cnn.pruned.onnx']);
    expect(desk.read(model).equals(before)).toBe(true);
    expect(desk.leftovers).toEqual([]);
    expect(desk.read('mnist-cnn.pruned.onnx').length).toBeLessThan(before.length / 3);
    expect(hasEscapes(stdout)).toBe(false);
    expect(stdout).toMatch(/0\.weight\s+32 →\s+16/);
    for (const word of [
      'parameters',
      'MACs',
      'file',
      'gzip',
      'Proof',
      'Fidelity',
      'Latency',
      'Not pruned',
      '11.weight',
    ]) {
      expect(stdout).toContain(word);
    }
  });

  it('keeps onnxruntime from reporting home, which leaves a log among the temporary files', async () => {
    const desk = new Desk();
    await desk.run('compare', desk.fixture('mnist-cnn.onnx'), 'mnist-cnn.onnx');
    expect(desk.leftovers).toEqual([]);
  });

  it('halves the inner widths and keeps the signature', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx');
    await desk.run(model, '--structured', '50%', '--no-bench');
    expect(weightDims(desk.path('mnist-cnn.pruned.onnx'))).toMatchObject({
      '0.weight': [16, 1, 3, 3],
      '0.bias': [16],
      '4.weight': [32, 16, 3, 3],
      '4.bias': [32],
      '9.weight': [128, 800],
      '9.bias': [128],
      '11.weight': [10, 128],
      '11.bias': [10],
    });
    const [original, result] = await Promise.all(
      [model, 'mnist-cnn.pruned.onnx'].map((name) => modelInfo(child, desk.path(name))),
    );
    expect(result).toEqual(original);
  });

  it('takes 0.5 for 50%, and gives the same bytes every time', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx');
    await desk.run(model, '--structured', '50%', '--no-bench');
    await desk.run(model, '--structured', '0.5', '--no-bench', '-o', 'again.onnx');
    expect(desk.read('again.onnx').equals(desk.read('mnist-cnn.pruned.onnx'))).toBe(true);
  });

  it('is what the word prune stands for', async () => {
    const desk = new Desk();
    const { code } = await desk.run('prune', desk.fixture('mnist-cnn.onnx'), '--structured', '50%', '--no-bench');
    expect(code).toBe(0);
    expect(desk.files).toContain('mnist-cnn.pruned.onnx');
  });
});
