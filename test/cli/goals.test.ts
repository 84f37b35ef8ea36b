import { describe, expect, it } from 'vitest';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';
import { Desk } from './support/desk.ts';
import { at, itemsAt, numberAt } from './support/read.ts';
import { reportOf } from './support/reports.ts';

const QUICK = ['--no-bench', '--no-verify'];
const TEST = ['--test', 'mnist-test.npz'];
const patient = { timeout: 60_000 };

/** A desk with a trained net, and digits with their labels. */
function trained(): { readonly desk: Desk; readonly model: string } {
  const desk = new Desk();
  return { desk, model: desk.fixture('mnist-mlp.onnx', 'mnist-test.npz') };
}

/** Images without labels that look like nothing. */
function speckles(count: number): Uint8Array {
  const values = Float32Array.from({ length: count * 784 }, (_, i) => (Math.sin(i * i) > 0.6 ? 1 : 0));
  return npyBytes('<f4', [count, 1, 28, 28], rawBytes('float32', values));
}

describe('--target', patient, () => {
  it.each([
    ['params=40%', 'parameters'],
    ['macs=40%', 'macs'],
    ['size=40%', 'fileBytes'],
  ])('%s is met by what the report says, and the result is written', async (target, field) => {
    const { desk, model } = trained();
    const json = await reportOf(desk, model, '--target', target, ...QUICK, '--json');
    const after = numberAt(json, 'size', 'after', field);
    expect(after).toBeLessThanOrEqual(0.4 * numberAt(json, 'size', 'before', field));
    expect(at(json, 'goal')).toMatchObject({
      target: { reached: after, met: true },
      drop: null,
      sought: { found: true },
    });
    expect(at(json, 'options')).toMatchObject({ target, structured: at(json, 'goal', 'sought', 'amount') });
    expect(desk.files).toContain('mnist-mlp.pruned.onnx');
    if (field === 'fileBytes') expect(desk.read('mnist-mlp.pruned.onnx').byteLength).toBe(after);
  });

  it('size= is the size of the compressed file under --gzip', async () => {
    const { desk, model } = trained();
    const args = [model, '--target', 'size=300KB', '--gzip', '--unstructured', 'auto', ...QUICK, '--json'];
    const json = await reportOf(desk, ...args);
    const bytes = desk.read('mnist-mlp.pruned.onnx.gz').byteLength;
    expect(at(json, 'goal')).toMatchObject({
      target: { reached: bytes, limit: 300_000, met: true },
      sought: { of: 'weights' },
    });
    expect(bytes).toBeLessThanOrEqual(300_000);
    expect(numberAt(json, 'pruning', 'removedChannels')).toBe(0);
  });

  it('says in words what was found, tried and reached, and on the way how many tries there were', async () => {
    const { desk, model } = trained();
    const { code, stdout, stderr } = await desk.run(model, '--target', 'macs=50%', ...QUICK, '--dry-run', '-v');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^found \d+(\.\d)?% of channels for at most 133 k MACs, in \d+ tries$/m);
    expect(stdout).toMatch(/^Goal\n +tried +MACs\n/m);
    expect(stdout).toMatch(/^ +0% +266 k +missed$/m);
    expect(stdout).toMatch(/% +\d+ k +met +taken$/m);
    expect(stdout).toMatch(/✓ MACs \d+ k \(\d\d\.\d\d% of the original\), at most 133 k$/m);
    expect(stderr).toContain('find the amount (2 of at most 13)\n');
  });

  it('that no amount meets ends with exit status 3, and nothing is written', async () => {
    const { desk, model } = trained();
    const { code, stdout, stderr } = await desk.run(model, '--target', 'params=0.01%', ...QUICK);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^onnx-prune: --target params= cannot be met: at the largest amount of channels, 99\.9%, .*\.\n$/,
    );
    expect(stdout).toMatch(
      /→ nothing written\nno amount of channels was found for at most 27 parameters, in 2 tries$/m,
    );
    expect(stdout).toMatch(/✗ parameters [\d,]+ \(.*% of the original\), more than 27$/m);
    expect(desk.files).toEqual(['mnist-mlp.onnx', 'mnist-test.npz']);
    expect(desk.leftovers).toEqual([]);
  });

  it.each([
    [['--target', 'macs'], '--target must be params=, macs=, latency= or size= with the most that may stay'],
    [['--target', 'flops=50%'], '--target must be params=, macs=, latency= or size='],
    [['--target', 'macs=50'], '--target must be macs= with the most that may stay'],
    [['--target', 'macs=50%', '--structured', '50%'], '--target and --structured each say how many channels leave'],
    [['--target', 'latency=5ms', '--no-bench'], '--target latency= has to measure latency; leave --no-bench out.'],
    [['--max-drop', '1'], '--max-drop must be percentage points of accuracy'],
    [['--max-drop', '1%'], '--max-drop has to see how many right answers are lost, and no data were given; add --test'],
    [['--max-drop'], "Option '--max-drop <points>' argument missing"],
  ])('is refused in one sentence: %j', async (args, message) => {
    const { desk, model } = trained();
    const { code, stdout, stderr } = await desk.hosted(model, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(desk.files).toEqual(['mnist-mlp.onnx', 'mnist-test.npz']);
  });
});

describe('--max-drop', patient, () => {
  it('finds the most that loses no more right answers', async () => {
    const { desk, model } = trained();
    const json = await reportOf(desk, model, '--max-drop', '2%', ...TEST, '--no-bench', '--json');
    const accuracy = at(json, 'fidelity', 'accuracy');
    const lost = (numberAt(accuracy, 'hitsA') - numberAt(accuracy, 'hitsB')) / 1000;
    expect(lost).toBeLessThanOrEqual(0.02);
    expect(at(json, 'goal', 'drop')).toMatchObject({
      reached: lost,
      limit: 0.02,
      met: true,
      by: 'accuracy',
      answers: 1000,
    });
    expect(numberAt(json, 'pruning', 'removedChannels')).toBeGreaterThan(0);
    const missed = itemsAt(json, 'goal', 'sought', 'tries').filter((each) => at(each, 'met') === false);
    expect(missed.every((each) => numberAt(each, 'reached') > 0.02)).toBe(true);
  });

  it('as a gate ends with exit status 3 where too much was lost, and nothing is written', async () => {
    const { desk, model } = trained();
    const args = [model, '--structured', '90%', '--max-drop', '1%', ...TEST, '--no-bench'];
    const { code, stdout, stderr } = await desk.run(...args);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^onnx-prune: \d+\.\d\d points of right answers were lost \(on 1,000 answers .* more than --max-drop 1% allows, so nothing was written; .*\n$/,
    );
    expect(stdout).toMatch(
      /✗ \d+\.\d\d points of right answers lost, more than 1\.00 points: 1,000 answers of logits, test data/,
    );
    expect(stdout).toContain('→ nothing written');
    expect(desk.files).toEqual(['mnist-mlp.onnx', 'mnist-test.npz']);
  });

  it('goes by answers of the original on a quarter of --calibration without labels', async () => {
    const { desk, model } = trained();
    desk.write('speckles.npy', speckles(80));
    const args = [model, '--max-drop', '10%', '--calibration', 'speckles.npy', ...QUICK, '--dry-run'];
    const { code, stdout, stderr } = await desk.run(...args);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('found ');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /✓ \d+\.\d\d points of answers unlike the original's, at most 10\.00 points: 20 answers of logits, held-out calibration data/,
    );
    expect(stdout).toContain('on 60 calibration samples');
  });
});
