import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { endlessNet } from './support/models.ts';
import { childrenOf, commandLineOf, isAlive } from './support/processes.ts';
import { at, parse } from './support/read.ts';

/** Points of a report of a sweep, without what differs from run to run. */
function pointsOf(report: unknown): unknown {
  return JSON.parse(JSON.stringify(at(report, 'series')), (key, value: unknown) => (key === 'latency' ? null : value));
}

describe('onnx-prune sweep', { timeout: 120_000 }, () => {
  it('answers in words, in every form of a report, and notes points down', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx', 'mnist-test.npz');
    const wanted = ['sweep', model, '--structured', '0,40', '--unstructured', '50', '--test', 'mnist-test.npz'];
    const first = await desk.run(...wanted, '--report', 'sweep.html');
    expect({ code: first.code, stderr: first.stderr }).toEqual({ code: 0, stderr: '' });
    expect(first.stdout).toContain('accuracy 97.90%');
    expect(first.stdout).toMatch(/✓ weights: 50% of weights can be zero for at most 1 point of accuracy/);
    expect(desk.files).toContain('mnist-mlp.onnx.sweep.jsonl');
    const json = await desk.run(...wanted, '--json', '--report', 'sweep.csv');
    const report = parse(json.stdout);
    expect(at(report, 'resumed')).toBe(3);
    expect(at(report, 'command', 0)).toBe('onnx-prune');
    const page = desk.read('sweep.html').toString();
    expect(page).toContain('How far can');
    expect(page).not.toMatch(/(?:src|href)="https?:/);
    const rows = desk.read('sweep.csv').toString().trimEnd().split('\n');
    expect(rows).toHaveLength(5);
    expect(rows[0]).toMatch(/^series,/);
    const { stdout } = await desk.run(...wanted, '--report', 'sweep.md', '-q');
    expect(stdout).toBe('');
    expect(desk.read('sweep.md').toString()).toContain('97.90%');
    expect(desk.leftovers).toEqual([]);
  });

  it('that is stopped in the middle goes on where it was', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx', 'mnist-test.npz');
    const amounts = ['--structured', '10:90:10', '--test', 'mnist-test.npz', '--no-bench'];
    const wanted = ['sweep', model, ...amounts, '--workers', '2', '--json'];
    const run = desk.start([...wanted]);
    await desk.has('mnist-cnn.onnx.sweep.jsonl', (text) => text.split('\n').length > 3);
    const workers = childrenOf(run.pid);
    expect(workers.length).toBeGreaterThan(0);
    run.stop('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toBe('onnx-prune: Stopped; the same command goes on where it was, by mnist-cnn.onnx.sweep.jsonl.\n');
    expect(desk.leftovers).toEqual([]);
    await expect.poll(() => workers.filter(isAlive), { timeout: 10_000 }).toEqual([]);
    const resumed = await desk.run(...wanted);
    const whole = await desk.run(...wanted, '--no-journal');
    expect(at(parse(resumed.stdout), 'resumed')).toBeGreaterThanOrEqual(2);
    expect(pointsOf(parse(resumed.stdout))).toEqual(pointsOf(parse(whole.stdout)));
  });

  it('reports a point whose process was killed, and tries it again the next time', async () => {
    const desk = new Desk();
    const model = desk.fixture('cifar-resnet20.onnx');
    const wanted = ['sweep', model, '--structured', '10,20,30', '--no-bench', '--workers', '1', '--json'];
    const run = desk.start(wanted);
    const worker = await run.child((line) => line.includes('study/worker'));
    process.kill(worker, 'SIGKILL');
    const { code, stdout } = await run.ended;
    expect(code).toBe(0);
    const points = [0, 1, 2].map((index) => at(parse(stdout), 'series', 0, 'points', index, 'problem'));
    expect(points.filter((problem) => problem === null)).toHaveLength(2);
    expect(points.find((problem) => problem !== null)).toMatch(/^Its process ended before it was done/);
    const again = parse((await desk.run(...wanted)).stdout);
    expect(at(again, 'resumed')).toBe(2);
    expect(at(again, 'series', 0, 'points', 0, 'problem')).toBeNull();
  });

  it('of a model that never ends is over at the time limit', async () => {
    const desk = new Desk();
    desk.write('endless.onnx', endlessNet());
    const { code, stdout, stderr } = await desk.run('sweep', 'endless.onnx', '--structured', '50', '--timeout', '2');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: .* took longer than 2 s .*raise --timeout\.\n$/);
    expect(desk.files).toEqual(['endless.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it.each([
    [['--structured', '100'], /^onnx-prune: --structured must be amounts of at least 0% and below 100%/],
    [['--structured', '0:90'], /^onnx-prune: --structured must be a range such as "0:90:10"/],
    [['--structured', '50', '--criterion', 'l1,l3'], /^onnx-prune: --criterion/],
    [['--structured', '50', '--worker', '2'], /did you mean --workers/],
    [['--structured', '50', '--journal', 'mnist-mlp.onnx'], /is not the journal of a study, so it stays as it is/],
    [['--structured', '50', '--report', 'x.pdf'], /\.html, \.md, \.json or \.csv|must end in/],
  ])('refuses %j in one sentence and writes nothing', async (words, sentence) => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx');
    const before = desk.read(model);
    const { code, stdout, stderr } = await desk.hosted('sweep', model, ...words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(desk.files).toEqual([model]);
    expect(desk.read(model).equals(before)).toBe(true);
  });
});

describe('onnx-prune sensitivity', { timeout: 120_000 }, () => {
  it('writes a recipe that prune takes, and that comes to what it says', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx', 'mnist-test.npz');
    const data = ['--test', 'mnist-test.npz'];
    const { code, stdout } = await desk.run('sensitivity', model, '--structured', '50', ...data, '--suggest', '--json');
    expect(code).toBe(0);
    const suggestion = at(parse(stdout), 'suggestion');
    expect(parse(desk.read('mnist-cnn.recipe.json').toString())).toEqual(at(suggestion, 'recipe'));
    const pruned = await desk.run(model, '--recipe', 'mnist-cnn.recipe.json', ...data, '--no-bench', '--json');
    expect(at(parse(pruned.stdout), 'size', 'after')).toEqual(at(suggestion, 'point', 'figures', 'size'));
    const hits = Number(at(parse(pruned.stdout), 'fidelity', 'accuracy', 'hitsB'));
    expect(at(suggestion, 'point', 'figures', 'quality', 'accuracy')).toBe(hits / 1000);
    const taken = await desk.run('sensitivity', model, '--structured', '50', ...data, '--suggest');
    expect(taken.code).toBe(2);
    expect(taken.stderr).toMatch(/exists already; replace it with --force/);
  });
});

describe('The process that runs onnxruntime', { timeout: 60_000 }, () => {
  it.each([
    ['prune', ['endless.onnx', '--structured', '50%']],
    ['compare', ['compare', 'endless.onnx', 'endless.onnx']],
  ])('may crash: %s says so in a sentence and leaves nothing behind', async (_, words) => {
    const desk = new Desk();
    desk.write('endless.onnx', endlessNet());
    const run = desk.start([...words, '-v']);
    await run.said('find inputs');
    const child = await run.child((line) => line.includes('runtime/worker'));
    process.kill(child, 'SIGSEGV');
    const { code, stdout, stderr } = await run.ended;
    expect(code).not.toBe(0);
    expect(stdout).toBe('');
    const sentence = stderr.split('\n').find((line) => line.startsWith('onnx-prune: ')) ?? '';
    expect(sentence).toMatch(/SIGSEGV/);
    expect(desk.files).toEqual(['endless.onnx']);
    expect(desk.leftovers).toEqual([]);
    expect(commandLineOf(child)).toBe('');
  });
});
