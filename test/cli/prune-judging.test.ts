import { describe, expect, it } from 'vitest';
import { floatArray, integerArray, npz } from './support/arrays.ts';
import { Desk } from './support/desk.ts';
import { noisyNet, smallNet } from './support/models.ts';
import { at, numberAt, parse } from './support/read.ts';

function deskWithModel(): Desk {
  const desk = new Desk();
  desk.write('m.onnx', smallNet().bytes());
  return desk;
}

describe('--no-verify and --no-bench', { timeout: 60_000 }, () => {
  it.each([
    [['--no-verify', '--no-bench'], { proof: null, fidelity: null, latency: null }],
    [['--no-bench'], { proof: { passed: true }, fidelity: { on: 'random inputs' }, latency: null }],
    [['--no-verify', '--threads', '2'], { proof: null, fidelity: null, latency: { threads: 2, batch: 1 } }],
  ])('%j are nulls in the report', async (args, expected) => {
    const desk = deskWithModel();
    const { code, stdout } = await desk.run('m.onnx', '--structured', '50%', '--json', ...args);
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject(expected);
    expect(desk.files).toContain('m.pruned.onnx');
  });
});

describe('the speed', { timeout: 60_000 }, () => {
  it('is measured before and after, with its spread', async () => {
    const desk = deskWithModel();
    const { stdout } = await desk.run('m.onnx', '--structured', '50%', '--json', '--no-verify');
    for (const side of ['before', 'after']) {
      const timing = at(parse(stdout), 'latency', side);
      expect(numberAt(timing, 'median')).toBeGreaterThan(0);
      expect(numberAt(timing, 'p90')).toBeGreaterThanOrEqual(numberAt(timing, 'p10'));
    }
  });
});

describe('--test', { timeout: 60_000 }, () => {
  it('measures accuracy before and after where there are labels', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx', 'mnist-test.npz');
    const args = [model, '--structured', '50%', '--test', 'mnist-test.npz', '--no-bench'];
    const { code, stdout } = await desk.run(...args, '--json');
    expect(code).toBe(0);
    const report = parse(stdout);
    expect(report).toMatchObject({ fidelity: { on: 'test data', samples: 1000 }, proof: { inputs: 'test data' } });
    const accuracy = at(report, 'fidelity', 'accuracy');
    expect(accuracy).toMatchObject({ output: 'logits', total: 1000, hitsA: 987 });
    expect(numberAt(accuracy, 'hitsB')).toBeGreaterThan(500);
    expect((await desk.run(...args, '--dry-run', '--force')).stdout).toMatch(/accuracy 98\.70% → \d+\.\d+%/);
  });

  it('takes one .npy file for a model with one input, whatever its name', async () => {
    const desk = deskWithModel();
    desk.write('pictures.npy', floatArray(6, 3, 8, 8));
    const { code, stdout } = await desk.run(
      'm.onnx',
      '--structured',
      '50%',
      '--test',
      'pictures.npy',
      '--no-bench',
      '--json',
    );
    expect(code).toBe(0);
    expect(parse(stdout)).toMatchObject({ fidelity: { on: 'test data', samples: 6, accuracy: null }, notes: [] });
  });

  it('says so where labels fit no output', async () => {
    const desk = deskWithModel();
    desk.write('data.npz', npz({ x: floatArray(6, 3, 8, 8), labels: integerArray([6], 4) }));
    const { code, stdout } = await desk.run(
      'm.onnx',
      '--structured',
      '50%',
      '--test',
      'data.npz',
      '--no-bench',
      '--json',
    );
    expect(code).toBe(0);
    expect(at(parse(stdout), 'notes', 0)).toMatch(/^The labels of shape \[6\] fit no output/);
  });
});

describe('nothing to prune', { timeout: 60_000 }, () => {
  const model = 'structural/nothing-to-prune.onnx';

  it('is no error: the reasons are said, and the file is there for whoever comes next', async () => {
    const desk = new Desk();
    const { code, stdout, stderr } = await desk.run(desk.fixture(model), '--structured', '50%', '--no-bench');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('NOTHING WAS PRUNED');
    expect(stdout).toMatch(/kept whole because|No group of channels was found/);
    expect(desk.files).toContain('nothing-to-prune.pruned.onnx');
  });

  it('fails with exit status 3 under --require-change, and nothing is written', async () => {
    const desk = new Desk();
    const args = [desk.fixture(model), '--structured', '50%', '--no-bench', '--require-change'];
    const { code, stdout, stderr } = await desk.run(...args);
    expect(code).toBe(3);
    expect(stdout).toContain('NOTHING WAS PRUNED');
    expect(stderr).toMatch(/^onnx-prune: Nothing could be changed, and --require-change was given.*\n$/);
    expect(desk.files).toEqual(['nothing-to-prune.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('is also what an amount of 0% comes to', async () => {
    const desk = deskWithModel();
    const { code } = await desk.run('m.onnx', '--structured', '0%', '--no-bench', '--require-change');
    expect(code).toBe(3);
  });
});

describe('a failed proof', { timeout: 60_000 }, () => {
  it('ends with exit status 3 and the report, and nothing is written', async () => {
    const desk = new Desk();
    desk.write('noisy.onnx', noisyNet());
    const { code, stdout, stderr } = await desk.run('noisy.onnx', '--structured', '50%', '--json');
    expect(code).toBe(3);
    expect(parse(stdout)).toMatchObject({ output: null, proof: { passed: false }, fidelity: null, latency: null });
    expect(stderr).toMatch(/^onnx-prune: The proof failed, so nothing was written: output "y" differs/);
    expect(desk.files).toEqual(['noisy.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it.each(['masked.onnx', 'cleaned.onnx', 'cut.onnx'])('fails whatever the output is called: -o %s', async (output) => {
    const desk = new Desk();
    desk.write('noisy.onnx', noisyNet());
    const { code } = await desk.run('noisy.onnx', '--structured', '50%', '--no-bench', '-q', '-o', output);
    expect(code).toBe(3);
    expect(desk.files).toEqual(['noisy.onnx']);
  });

  it('is put down to the random numbers of a model that draws them, not to a bug', async () => {
    const desk = new Desk();
    desk.write('noisy.onnx', noisyNet());
    const failed = await desk.run('noisy.onnx', '--structured', '50%', '--no-bench', '-q');
    expect(failed.stdout).toBe('');
    expect(failed.stderr).toContain('the model draws random numbers (RandomNormalLike "noise")');
    expect(failed.stderr).not.toContain('bug');
    const unproven = await desk.run('noisy.onnx', '--structured', '50%', '--no-bench', '--no-verify', '-q');
    expect(unproven.code).toBe(0);
  });
});
