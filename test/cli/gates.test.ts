import { rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { Desk, type Outcome } from './support/desk.ts';
import { noisyNet, smallNet } from './support/models.ts';
import { at, hasEscapes, itemsAt, numberAt, parse } from './support/read.ts';

const A = 'mnist-mlp.onnx';
const B = 'half.onnx';
const TEST = ['--test', 'mnist-test.npz'];
const CALIBRATION = ['--calibration', 'mnist-calibration.npz'];
const QUICK = ['--no-bench'];
const HALF = ['--structured', '50%'];
const patient = { timeout: 60_000 };

/** A desk with a trained net and its data. */
function trained(): Desk {
  const desk = new Desk();
  desk.fixture(A, 'mnist-test.npz', 'mnist-calibration.npz');
  return desk;
}

/** The trained net with half of its channels, which is the same each time. */
let half: Promise<Uint8Array> | undefined;

/** A desk with a trained net, its half, and data. */
async function pair(): Promise<Desk> {
  const desk = trained();
  half ??= desk.hosted(A, ...HALF, '-o', 'first.onnx', ...QUICK, '--no-verify', '-q').then(({ code }) => {
    expect(code).toBe(0);
    const bytes = desk.read('first.onnx');
    rmSync(desk.path('first.onnx'));
    return bytes;
  });
  desk.write(B, await half);
  return desk;
}

/** A net with one number per sample: as it is, or by a further operator. */
function singleOutput(operator = 'Identity'): Uint8Array {
  const b = new ModelBuilder();
  const hidden = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), b.weight('w', [4, 1])]);
  b.output(b.node(operator, [hidden], {}, { outputs: ['y'] }), 'float32', ['N', 1]);
  return b.bytes();
}

/** The gates of a report, without what they were taken from. */
function verdicts(report: unknown): Record<string, boolean> {
  return Object.fromEntries(itemsAt(report, 'gates').map((gate) => [at(gate, 'gate'), at(gate, 'passed') === true]));
}

describe('compare with gates', patient, () => {
  it('passes limits that are kept to, and says by how much', async () => {
    const desk = await pair();
    const gates = ['--max-drop', '50%', '--min-agreement', '50%', '--min-cosine', '0.5', '--max-error', '1e6'];
    const speed = ['--min-speedup', '0.001x', '--max-latency', '100s', '--max-size', '90%'];
    const { code, stdout, stderr } = await desk.run('compare', A, B, ...TEST, ...gates, ...speed, '--report', 'r.json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = parse(desk.read('r.json'));
    expect(verdicts(report)).toEqual({
      '--max-drop': true,
      '--min-agreement': true,
      '--min-cosine': true,
      '--max-error': true,
      '--min-speedup': true,
      '--max-latency': true,
      '--max-size': true,
    });
    const [drop, agreement, , , speedup, , size] = itemsAt(report, 'gates');
    const [hitsA, hitsB] = ['hitsA', 'hitsB'].map((key) => numberAt(report, 'fidelity', 'accuracy', key));
    expect(numberAt(drop, 'found')).toBeCloseTo(((hitsA ?? 0) - (hitsB ?? 0)) / 1000, 12);
    expect(at(agreement, 'found')).toBe(at(report, 'fidelity', 'outputs', 0, 'argmaxAgreement'));
    // On a busy machine the spread may hide what half of the channels bring.
    const speedUp = at(report, 'latency', 'after', 'speedUp');
    expect(at(speedup, 'found')).toBe(at(speedUp, 'significant') === true ? at(speedUp, 'median') : 1);
    expect(size).toMatchObject({
      limit: 0.9 * desk.read(A).length,
      found: desk.read(B).length,
      margin: 0.9 * desk.read(A).length - desk.read(B).length,
    });
    expect(stdout).toMatch(/^Gates$/m);
    expect(stdout).toMatch(/^ {2}✓ --max-drop 50\.00 points passed by \d+\.\d\d points: \d+\.\d\d points \(right/m);
    expect(stdout).toMatch(/^ {2}✓ --max-size 960 kB passed by \d+ kB: \d+ kB \(the files of the result\)$/m);
    expect(stdout).not.toContain('✗');
    expect(hasEscapes(stdout)).toBe(false);
  });

  it.each([
    ['--max-drop', '0.1%', /--max-drop 0\.10 points failed by \d+\.\d\d points: found .* answers on test data\)\.$/],
    [
      '--min-agreement',
      '99.9%',
      /--min-agreement 99\.90% failed by \d+\.\d\d points: found \d\d\.\d\d% \("logits", on test/,
    ],
    [
      '--min-cosine',
      '0.9999',
      /--min-cosine 0\.999900 failed by 0\.\d+: found 0\.\d+ \("logits", on test data, 1,000 samples/,
    ],
    ['--max-error', '1e-9', /--max-error 1e-9 failed by \d+: found \d+ \("logits"/],
    ['--max-size', '10%', /--max-size 107 kB failed by \d+ kB: found \d+ kB \(the files of the result\)\.$/],
    ['--max-size', '1KB', /--max-size 1(\.0+)? kB failed by \d+ kB/],
  ])('%s %s fails with status 3, and says by how much', async (gate, limit, message) => {
    const desk = await pair();
    const args = ['compare', A, B, ...TEST, ...QUICK, gate, limit];
    const { code, stdout, stderr } = await desk.hosted(...args, '--report', 'r.json');
    expect(code).toBe(3);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(stderr.trimEnd()).toMatch(message);
    expect(stderr).toMatch(/^onnx-prune: half\.onnx: --/);
    // Who reads why it failed wants to see all else, too.
    expect(stdout).toContain(`✗ ${gate} `);
    expect(stdout).toContain('on test data, 1,000 samples');
    const report = parse(desk.read('r.json'));
    expect(verdicts(report)).toEqual({ [gate]: false });
    expect(numberAt(report, 'gates', 0, 'margin')).toBeLessThan(0);
  });

  it('fails for speed that no machine has, and names every gate that failed and no other', async () => {
    const desk = await pair();
    const gates = ['--min-speedup', '1000', '--max-latency', '0.001%', '--max-size', '90%', '--max-error', '0'];
    const { code, stderr, stdout } = await desk.run('check', A, B, ...gates, '--json');
    expect(code).toBe(3);
    const report = parse(stdout);
    expect(verdicts(report)).toEqual({
      '--max-error': false,
      '--min-speedup': false,
      '--max-latency': false,
      '--max-size': true,
    });
    expect(stderr).toMatch(
      /^onnx-prune: half\.onnx: --max-error 0 failed by .*; --min-speedup 1,000× failed by .*; --max-latency .* failed by .*\.\n$/,
    );
    expect(stderr).not.toContain('--max-size');
    const { before, after } = Object.fromEntries(
      ['before', 'after'].map((key) => [key, numberAt(report, 'latency', key, 'median')]),
    );
    const latency = itemsAt(report, 'gates').find((gate) => at(gate, 'gate') === '--max-latency');
    const isFaster = at(report, 'latency', 'after', 'speedUp', 'significant') === true;
    expect(at(latency, 'found')).toBe(isFaster ? after : before);
    expect(numberAt(latency, 'limit')).toBeCloseTo((before ?? 0) * 1e-5, 12);
    const cores = availableParallelism();
    if (cores === 1) expect(at(report, 'latencyAllCores')).toBeNull();
    else expect(at(report, 'latencyAllCores', 'threads')).toBe(cores);
  });

  it('holds a model against itself, to the last digit', async () => {
    const desk = trained();
    const gates = ['--max-drop', '0%', '--min-agreement', '100%', '--min-cosine', '1', '--max-error', '0'];
    const { code, stdout } = await desk.hosted('check', A, A, ...TEST, ...QUICK, ...gates, '--max-size', '100%');
    expect(code).toBe(0);
    expect(stdout.match(/passed, with nothing to spare/g)).toHaveLength(5);
  });

  it('compares on calibration data, and on both kinds where there are both', async () => {
    const desk = await pair();
    const args = ['check', A, B, ...CALIBRATION, '--samples', '100', ...QUICK, '--max-drop', '90%', '--json'];
    const alone = parse((await desk.hosted(...args)).stdout);
    expect(alone).toMatchObject({ fidelity: { on: 'calibration data', samples: 100 }, onCalibration: null });
    expect(at(alone, 'gates', 0, 'of')).toBe(
      'answers unlike the original, output "logits", 100 answers on calibration data',
    );
    const both = parse((await desk.hosted(...args, ...TEST)).stdout);
    expect(both).toMatchObject({
      fidelity: { on: 'test data', samples: 1000 },
      onCalibration: at(alone, 'fidelity'),
    });
    expect(at(both, 'gates', 0, 'of')).toBe('right answers lost, output "logits", 1,000 answers on test data');
  });

  it('finds no answers where no output has classes, and tells the way out', async () => {
    const desk = new Desk();
    desk.write('m.onnx', singleOutput());
    const { code, stderr } = await desk.hosted('check', 'm.onnx', 'm.onnx', ...QUICK, '--min-agreement', '0%');
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr:
        'onnx-prune: m.onnx: --min-agreement 0.00% failed: no output has numbers of more than one class along its last axis, so there are no answers; --min-cosine and --max-error judge such outputs.\n',
    });
    const drop = await desk.hosted('check', 'm.onnx', 'm.onnx', ...QUICK, '--max-drop', '50%', '--min-cosine', '0.9');
    expect(drop.code).toBe(3);
    expect(drop.stderr).toMatch(
      /--max-drop 50\.00 points failed: .*no output has numbers of more than one class there/,
    );
    expect(drop.stdout).toContain('✓ --min-cosine');
  });

  it('fails gates on outputs where NaN came up, however near the rest is', async () => {
    const desk = new Desk();
    desk.write('a.onnx', singleOutput());
    desk.write('b.onnx', singleOutput('Sqrt'));
    const { code, stdout } = await desk.hosted('check', 'a.onnx', 'b.onnx', ...QUICK, '--max-error', '1e30', '--json');
    expect(code).toBe(3);
    expect(itemsAt(parse(stdout), 'gates')).toEqual([
      {
        gate: '--max-error',
        unit: 'number',
        limit: 1e30,
        found: null,
        passed: false,
        margin: null,
        of: 'output "y" has NaN or infinite elements at other places than the original’s',
      },
    ]);
  });

  it('fails gates on outputs where the number of samples was fixed inside, and says so once', async () => {
    const desk = new Desk();
    const through = (shape: readonly number[]): Uint8Array => {
      const b = new ModelBuilder();
      const moved = b.node('Reshape', [b.input('x', 'float32', ['N', 4]), b.constant('s', 'int64', [2], shape)]);
      b.output(b.node('Relu', [moved], {}, { outputs: ['y'] }), 'float32', ['N', 4]);
      return b.bytes();
    };
    desk.write('open.onnx', through([-1, 4]));
    // Random inputs come in fours, so that these say nothing of it.
    desk.write('fixed.onnx', through([4, 4]));
    const { code, stdout, stderr } = await desk.hosted(
      'check',
      'open.onnx',
      'fixed.onnx',
      ...QUICK,
      '--max-error',
      '1',
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /--max-error 1 failed: at batch 1, where the original runs: onnxruntime cannot run fixed\.onnx/,
    );
    expect(stdout.match(/✗ batch/g)).toHaveLength(1);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('(alike: batch 2; batch 3; batch 5)');
    expect((await desk.hosted('compare', 'open.onnx', 'fixed.onnx', ...QUICK)).code).toBe(0);
  });

  it('names the model that is no two times the same', async () => {
    const desk = new Desk();
    desk.write('steady.onnx', smallNet().bytes());
    desk.write('noisy.onnx', noisyNet());
    const { stdout } = await desk.hosted('compare', 'steady.onnx', 'noisy.onnx', ...QUICK);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('! noisy.onnx gives other numbers when it runs again on the same');
    expect(stdout).not.toContain('steady.onnx gives');
  });

  it('counts weights that are in a file of their own', async () => {
    const desk = new Desk();
    const { model, data } = smallNet().externalBytes('m.data');
    desk.write('m.onnx', model);
    desk.write('m.data', data);
    const { code, stdout } = await desk.hosted('check', 'm.onnx', 'm.onnx', ...QUICK, '--max-size', '100%', '--json');
    expect(code).toBe(0);
    const bytes = model.length + desk.read('m.data').length;
    expect(desk.read('m.data').length).toBeGreaterThan(0);
    expect(parse(stdout)).toMatchObject({
      a: { fileBytes: bytes },
      gates: [{ limit: bytes, found: bytes, passed: true, margin: 0 }],
    });
  });

  it.each([
    [['--min-speedup', '1.5', '--no-bench'], '--min-speedup cannot be held against anything under --no-bench'],
    [['--max-latency', '5ms', '--no-bench'], '--max-latency cannot be held against anything under --no-bench'],
    [['--max-size', '0.4'], 'did you mean "40%"?'],
    [['--max-latency', '5'], 'did you mean "5ms"?'],
    [['--min-agreement', '99'], 'did you mean "99%"?'],
    [['--min-cosine', '2'], '--min-cosine must be a cosine from -1 to 1'],
    [['--max-error', 'low'], '--max-error must be a number of at least 0'],
    [['--min-speedup', '-1x'], '--min-speedup must be a multiple of the original’s speed'],
    [['--max-drop', '1'], 'did you mean "1%"?'],
    [['--samples', '10'], '--calibration'],
  ])('refuses %j before it reads a model', async (args, message) => {
    const { code, stdout, stderr } = await new Desk().hosted('compare', 'gone.onnx', 'gone.onnx', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('gone.onnx');
  });
});

describe('a pruning run with gates', patient, () => {
  const DATA = [...TEST, ...QUICK];

  it('writes a result that keeps to them', async () => {
    const desk = trained();
    const gates = ['--min-cosine', '0.5', '--max-size', '60%', '--max-drop', '50%'];
    const { code, stdout } = await desk.run(A, ...HALF, ...DATA, ...gates, '-o', B, '--json');
    expect(code).toBe(0);
    const report = parse(stdout);
    expect(verdicts(report)).toEqual({ '--max-drop': true, '--min-cosine': true, '--max-size': true });
    expect(numberAt(report, 'gates', 2, 'found')).toBe(desk.read(B).length);
    expect(at(report, 'gates', 0, 'found')).toBe(at(report, 'goal', 'drop', 'reached'));
    expect(at(report, 'options')).toMatchObject({ minCosine: 0.5, maxSize: '60%', maxDrop: 0.5 });
  });

  it.each([
    ['--min-agreement', '99.9%'],
    ['--min-cosine', '0.9999'],
    ['--max-error', '1e-9'],
    ['--max-size', '10%'],
  ])('writes nothing where %s %s fails', async (gate, limit) => {
    const desk = trained();
    const { code, stdout, stderr } = await desk.hosted(A, ...HALF, ...DATA, gate, limit, '-o', B, '--report', 'r.json');
    expect(code).toBe(3);
    expect(stderr).toMatch(new RegExp(`^onnx-prune: ${A}: ${gate} .* failed by .*, so nothing was written\\.\n$`));
    expect(stdout).toContain('nothing written');
    expect(stdout).toContain(`✗ ${gate} `);
    expect(desk.files).not.toContain(B);
    const report = parse(desk.read('r.json'));
    expect(at(report, 'output')).toBeNull();
    expect(verdicts(report)).toEqual({ [gate]: false });
  });

  it('fails for speed that no machine has', async () => {
    const desk = trained();
    const { code, stderr } = await desk.hosted(
      A,
      ...HALF,
      '--min-speedup',
      '1000x',
      '--max-latency',
      '100s',
      '-o',
      B,
      '-q',
    );
    expect(code).toBe(3);
    expect(stderr).toMatch(/--min-speedup 1,000× failed by .*, so nothing was written\.\n$/);
    expect(stderr).not.toContain('--max-latency');
    expect(desk.files).not.toContain(B);
  });

  it('writes all the same under --keep, and says so with status 3', async () => {
    const desk = trained();
    const gate = ['--min-cosine', '0.9999', '--keep'];
    const { code, stdout, stderr } = await desk.run(A, ...HALF, ...DATA, ...gate, '-o', B, '--report', 'r.json');
    expect(code).toBe(3);
    expect(stderr).toMatch(/failed by .*, and the result was written all the same, as --keep says\.\n$/);
    expect(stdout.split('\n')[0]).toBe(`${A} → ${B}`);
    expect(stdout).toContain('✗ --min-cosine');
    const report = parse(desk.read('r.json'));
    expect(at(report, 'output', 'path')).toBe(B);
    expect(numberAt(report, 'size', 'after', 'fileBytes')).toBe(desk.read(B).length);
    expect(desk.leftovers).toEqual([]);
  });

  it('keeps nothing in a dry run', async () => {
    const desk = trained();
    const gate = ['--min-cosine', '0.9999', '--keep', '--dry-run'];
    const { code, stderr } = await desk.hosted(A, ...HALF, ...DATA, ...gate, '-o', B, '-q');
    expect(code).toBe(3);
    expect(stderr).toContain('so nothing was written.');
    expect(desk.files).not.toContain(B);
  });

  it('keeps a result that misses its goal too, and names what else failed', async () => {
    const desk = trained();
    const args = [A, ...HALF, ...DATA, '--max-drop', '0.1%', '--min-cosine', '0.9999', '--max-size', '90%', '-o', B];
    const lost = await desk.hosted(...args, '-q');
    expect(lost.code).toBe(3);
    expect(lost.stderr).toMatch(/more than --max-drop 0\.1% allows, so nothing was written; .*; besides, --min-cosine/);
    expect(lost.stderr).not.toMatch(/--max-drop 0\.10 points|--max-size/);
    expect(desk.files).not.toContain(B);
    const kept = await desk.hosted(...args, '--keep', '--json');
    expect(kept.code).toBe(3);
    expect(kept.stderr).toContain('and the result was written all the same, as --keep says');
    expect(verdicts(parse(kept.stdout))).toEqual({ '--max-drop': false, '--min-cosine': false, '--max-size': true });
    expect(desk.files).toContain(B);
  });

  it('proves and compares what it keeps where no amount met the target', async () => {
    const desk = trained();
    const args = [A, '--target', 'params=0.1%', ...DATA, '--min-cosine', '0.9999', '-o', B, '--json'];
    const lost = await desk.hosted(...args);
    expect(lost.code).toBe(3);
    expect(parse(lost.stdout)).toMatchObject({ proof: null, fidelity: null, output: null });
    // Nobody looked, so nobody says that it failed.
    expect(lost.stderr).not.toContain('--min-cosine');
    const kept = await desk.hosted(...args, '--keep');
    expect(kept.code).toBe(3);
    expect(kept.stderr).toMatch(/cannot be met: .* as --keep says; .*; besides, --min-cosine .* failed by/);
    expect(parse(kept.stdout)).toMatchObject({
      proof: { passed: true },
      fidelity: { on: 'test data' },
      output: { path: B },
      goal: { target: { met: false }, sought: { found: false } },
    });
    expect(desk.files).toContain(B);
  });

  it('never keeps what could not be proven', async () => {
    const desk = new Desk();
    desk.write('noisy.onnx', noisyNet());
    const args = ['noisy.onnx', ...HALF, ...QUICK, '-o', B, '--keep'];
    const { code, stderr } = await desk.hosted(...args, '--min-cosine', '-1', '-q');
    expect(code).toBe(3);
    expect(stderr).toMatch(/^onnx-prune: The proof failed, so nothing was written/);
    expect(desk.files).not.toContain(B);
  });

  it('blames a model that is no two times the same, rather than the program, where no operator says so by its name', async () => {
    const desk = new Desk();
    const b = new ModelBuilder();
    const hidden = b.node('Relu', [b.node('MatMul', [b.input('x', 'float32', ['N', 8]), b.weight('w', [8, 16])])]);
    const [ratio, training] = [b.constant('r', 'float32', [], [0.5]), b.constant('t', 'bool', [], [1])];
    const dropped = b.node('Dropout', [hidden, ratio, training]);
    b.output(b.node('MatMul', [dropped, b.weight('v', [16, 4])], {}, { outputs: ['y'] }), 'float32', ['N', 4]);
    desk.write('dropout.onnx', b.bytes());
    const { code, stdout, stderr } = await desk.hosted('dropout.onnx', ...HALF, ...QUICK, '-o', B);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /the original itself gives other numbers when it runs again on the same inputs \(output "y"\)/,
    );
    expect(stderr).not.toContain('bug');
    expect(stdout).toContain('! the original itself gives other numbers when it runs again: y');
  });

  it.each([
    [['--min-cosine', '0.9', '--no-verify'], '--min-cosine cannot be held against anything under --no-verify'],
    [['--min-agreement', '99%', '--no-verify'], '--min-agreement cannot be held against anything under --no-verify'],
    [['--max-error', '1', '--no-verify'], '--max-error cannot be held against anything under --no-verify'],
    [['--min-speedup', '1', '--no-bench'], '--min-speedup cannot be held against anything under --no-bench'],
    [['--max-size', '0.4'], 'did you mean "40%"?'],
  ])('refuses %j before it reads a model', async (args, message) => {
    for (const command of [
      ['gone.onnx', ...HALF],
      ['quantize', 'gone.onnx'],
    ]) {
      const { code, stderr } = await new Desk().hosted(...command, ...args);
      expect(code).toBe(2);
      expect(stderr).toContain(message);
    }
  });
});

describe('quantize with gates', patient, () => {
  const run = (desk: Desk, ...args: readonly string[]): Promise<Outcome> =>
    desk.run('quantize', A, ...CALIBRATION, '--samples', '64', ...TEST, ...QUICK, '-o', 'small.onnx', ...args);

  it('writes a result that keeps to them', async () => {
    const desk = trained();
    const { code, stdout } = await run(desk, '--max-size', '50%', '--min-agreement', '50%', '--json');
    expect(code).toBe(0);
    expect(verdicts(parse(stdout))).toEqual({ '--min-agreement': true, '--max-size': true });
    expect(desk.files).toContain('small.onnx');
  });

  it('writes nothing where one fails, unless told to', async () => {
    const desk = trained();
    const lost = await run(desk, '--max-error', '1e-9');
    expect(lost.code).toBe(3);
    expect(lost.stderr).toMatch(/--max-error 1e-9 failed by .*, so nothing was written\.\n$/);
    expect(desk.files).not.toContain('small.onnx');
    const kept = await run(desk, '--max-error', '1e-9', '--keep');
    expect(kept.code).toBe(3);
    expect(kept.stderr).toContain('as --keep says');
    expect(kept.stdout.split('\n')[0]).toBe(`${A} → small.onnx`);
    expect(desk.files).toContain('small.onnx');
  });
});
