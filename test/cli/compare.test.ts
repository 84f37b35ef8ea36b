import { describe, expect, it } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { floatArray, npz } from './support/arrays.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { at, hasEscapes, numberAt, parse } from './support/read.ts';

describe('onnx-prune compare', { timeout: 60_000 }, () => {
  it('finds a model identical to itself', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx');
    const { code, stdout, stderr } = await desk.run('compare', model, model, '--no-bench', '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(parse(stdout)).toMatchObject({
      schemaVersion: 1,
      a: { path: model },
      b: { path: model },
      fidelity: { outputs: [{ name: 'logits', identical: true, cosine: 1, maxAbsError: 0 }] },
      latency: null,
    });
    const text = await desk.run('compare', model, model, '--no-bench');
    expect(text.stdout).toMatch(/identical|1\.0+/);
    expect(hasEscapes(text.stdout)).toBe(false);
  });

  it('says how far a pruned model is from its original, how accurate and how fast', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx', 'mnist-test.npz');
    await desk.run(model, '--structured', '50%', '--no-bench', '--no-verify', '-q');
    const { code, stdout } = await desk.run(
      'compare',
      model,
      'mnist-cnn.pruned.onnx',
      '--test',
      'mnist-test.npz',
      '--json',
    );
    expect(code).toBe(0);
    const report = parse(stdout);
    expect(at(report, 'fidelity', 'outputs', 0, 'identical')).toBe(false);
    expect(at(report, 'fidelity', 'accuracy')).toMatchObject({ total: 1000, hitsA: 987 });
    expect(numberAt(report, 'latency', 'before', 'median')).toBeGreaterThan(0);
    expect(numberAt(report, 'b', 'fileBytes')).toBe(desk.read('mnist-cnn.pruned.onnx').length);
  });

  it('measures the squared error where labels are numbers of an output', async () => {
    const desk = new Desk();
    const plus = (value: number): Uint8Array => {
      const b = new ModelBuilder();
      const sum = b.node('Add', [b.input('x', 'float32', ['N', 3]), b.constant('c', 'float32', [], [value])]);
      b.output(b.node('Identity', [sum], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
      return b.bytes();
    };
    desk.write('a.onnx', plus(1));
    desk.write('b.onnx', plus(3));
    // The labels are x, so that every number of a model is off by what it adds.
    desk.write('test.npz', npz({ x: floatArray(8, 3), labels: floatArray(8, 3) }));
    const wanted = ['compare', 'a.onnx', 'b.onnx', '--test', 'test.npz', '--no-bench'];
    const { code, stdout, stderr } = await desk.run(...wanted, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const fidelity = at(parse(stdout), 'fidelity');
    expect(at(fidelity, 'accuracy')).toBeNull();
    expect(at(fidelity, 'regression', 'total')).toBe(24);
    expect(numberAt(fidelity, 'regression', 'mseA')).toBeCloseTo(1, 5);
    expect(numberAt(fidelity, 'regression', 'mseB')).toBeCloseTo(9, 5);
    expect((await desk.run(...wanted)).stdout).toMatch(/mean squared error 1(\.0)? → 9(\.0)?, over 24 numbers of y/);
  });

  it('feeds the batch that one of the two insists on', async () => {
    const desk = new Desk();
    desk.write('open.onnx', smallNet().bytes());
    desk.write('fixed.onnx', smallNet({ batch: 1 }).bytes());
    const { code, stdout } = await desk.run('compare', 'open.onnx', 'fixed.onnx', '--no-bench', '--json');
    expect(code).toBe(0);
    expect(at(parse(stdout), 'fidelity', 'outputs', 0, 'identical')).toBe(true);
  });

  it('refuses models with different inputs, and says which', async () => {
    const desk = new Desk();
    desk.write('three.onnx', smallNet().bytes());
    desk.fixture('mnist-cnn.onnx');
    desk.write('five.onnx', smallNet({ channels: 5 }).bytes());
    for (const [other, takes] of [
      ['mnist-cnn.onnx', '"image" float32[N, 1, 28, 28]'],
      ['five.onnx', '"x" float32[N, 5, 8, 8]'],
    ] as const) {
      const { code, stderr } = await desk.run('compare', 'three.onnx', other, '--no-bench');
      expect(code).toBe(2);
      expect(stderr).toBe(
        `onnx-prune: The models take different inputs, so they cannot be compared: three.onnx takes "x" float32[N, 3, 8, 8]; ${other} takes ${takes}.\n`,
      );
    }
  });

  it('refuses a model that is not there', async () => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const { code, stderr } = await desk.run('compare', 'm.onnx', 'gone.onnx');
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'onnx-prune: gone.onnx does not exist.\n' });
  });

  it('runs models part by part that have more weights than --memory, and times nothing', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx', 'mnist-test.npz');
    const args = [model, model, '--test', 'mnist-test.npz', '--memory', '30KB'];
    const { code, stdout } = await desk.hosted('check', ...args, '--max-drop', '0%', '--max-error', '1e-4', '--json');
    expect(code).toBe(0);
    const report = parse(stdout);
    // Parts are as large as they may be, whatever their kernels, so that sums may round otherwise.
    expect(report).toMatchObject({ latency: null, sizes: [], a: { footprint: null }, fidelity: { samples: 1000 } });
    expect(at(report, 'fidelity', 'notes', 0)).toContain('more weights than --memory');
    expect(at(report, 'fidelity', 'accuracy', 'hitsA')).toBe(979);
    const timed = await desk.hosted('check', ...args, '--min-speedup', '1');
    expect(timed.code).toBe(2);
    expect(timed.stderr).toMatch(/--min-speedup has to measure speed, which is not done for models whose weights/);
    expect(desk.leftovers).toEqual([]);
  });
});
