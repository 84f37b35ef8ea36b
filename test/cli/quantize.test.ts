import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { at, hasEscapes, itemsAt, numberAt, parse } from './support/read.ts';
import { reportOf } from './support/reports.ts';

const DATA = ['--calibration', 'mnist-calibration.npz', '--samples', '64'];
const TEST = ['--test', 'mnist-test.npz'];

/** A desk with the small convolutional net and its data. */
function desk(): Desk {
  const made = new Desk();
  made.fixture('mnist-cnn.onnx', 'mnist-calibration.npz', 'mnist-test.npz');
  return made;
}

/** What became of every layer: how it runs, by initializer. */
function ways(report: unknown): Record<string, unknown> {
  return Object.fromEntries(
    itemsAt(report, 'quantization', 'layers').map((layer) => [at(layer, 'initializer'), at(layer, 'how')]),
  );
}

describe('quantize', { timeout: 60_000 }, () => {
  it('writes a model that runs on int8, and tells what that gained, in text and as JSON alike', async () => {
    const d = desk();
    const { code, stdout, stderr } = await d.run('quantize', 'mnist-cnn.onnx', ...DATA, ...TEST, '--report', 'r.json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(hasEscapes(stdout)).toBe(false);
    expect(d.files).toContain('mnist-cnn.int8.onnx');
    const report = parse(d.read('r.json'));
    const [first, second, third] = stdout.split('\n');
    expect(first).toBe('mnist-cnn.onnx → mnist-cnn.int8.onnx');
    expect(second).toBe('quantized 4 layers to int8 (430,880 weights)');
    const [hitsA, hitsB] = ['hitsA', 'hitsB'].map((key) => numberAt(report, 'fidelity', 'accuracy', key));
    const percent = (hits = 0): string => `${(hits / 10).toFixed(2)}%`;
    expect(third).toContain(`, accuracy ${percent(hitsA)} → ${percent(hitsB)}`);
    expect(Math.abs((hitsA ?? 0) - (hitsB ?? 0))).toBeLessThanOrEqual(10);
    const [before, after] = ['before', 'after'].map((key) => numberAt(report, 'size', key, 'fileBytes'));
    expect(third).toContain(`file ${((before ?? 0) / (after ?? 1)).toFixed(2)}× smaller`);
    expect(d.read('mnist-cnn.int8.onnx')).toHaveLength(after ?? 0);
    expect(ways(report)).toEqual({
      '0.weight': 'static',
      '4.weight': 'static',
      '9.weight': 'static',
      '11.weight': 'static',
    });
    expect(at(report, 'quantization', 'samples')).toBe(64);
    expect(stdout).toContain('on 64 calibration samples');
    expect(at(report, 'quantization', 'fusion', 'kernels')).toMatchObject({ QLinearConv: 2, QGemm: 2 });
    expect(stdout).toMatch(/int8 kernels: .*2 QLinearConv/);
    // Another command runs what was written.
    const compared = await d.run('compare', 'mnist-cnn.onnx', 'mnist-cnn.int8.onnx', ...TEST, '--no-bench', '--json');
    expect(compared.code).toBe(0);
    expect(at(parse(compared.stdout), 'fidelity', 'accuracy')).toEqual(at(report, 'fidelity', 'accuracy'));
  });

  it.each([
    ['auto', [], { '9.weight': 'dynamic', '11.weight': 'dynamic' }],
    ['dynamic', [], { '9.weight': 'dynamic', '11.weight': 'dynamic' }],
    ['weights', ['--bits', '4'], { '9.weight': 'weights', '11.weight': 'weights' }],
  ])('needs no data with --int8 %s %j, and says why convolutions stay in float32', async (mode, more, expected) => {
    const d = desk();
    const args = ['mnist-cnn.onnx', '--int8', mode, ...more, '--no-bench'];
    const { code, stdout } = await d.run('quantize', ...args, '--report', 'r.json');
    expect(code).toBe(0);
    expect(ways(parse(d.read('r.json')))).toEqual(expected);
    expect(stdout).toContain('; 2 layers stay in float32\n');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(/In float32 · because [^:]*: \/0\/Conv, \/4\/Conv/);
    expect(stdout).toContain('accuracy not measured (--test with labels does)');
  });

  it('leaves layers in float32 that --float names, by node or weight', async () => {
    const floats = ['--float', '/0/*', '--float', '9.weight'];
    const report = await reportOf(
      desk(),
      'quantize',
      'mnist-cnn.onnx',
      ...floats,
      '--no-bench',
      '--no-verify',
      '--json',
    );
    expect(Object.keys(ways(report))).toEqual(['11.weight']);
    const reasons = itemsAt(report, 'quantization', 'floats').map((each) => [at(each, 'node'), at(each, 'reason')]);
    expect(reasons).toEqual([
      ['/0/Conv', '--float "/0/*" says so'],
      ['/4/Conv', expect.stringContaining('--calibration')],
      ['/9/Gemm', '--float "9.weight" says so'],
    ]);
  });

  it('puts layers back to float32 until --max-drop holds', async () => {
    const d = desk();
    const args = ['mnist-cnn.onnx', '--int8', 'weights', '--bits', '4', ...TEST, '--max-drop', '0.0001%', '--no-bench'];
    const { code, stdout } = await d.run('quantize', ...args, '--report', 'r.json');
    const report = parse(d.read('r.json'));
    expect(code).toBe(0);
    const back = itemsAt(report, 'quantization', 'search', 'layers').length;
    expect(back).toBeGreaterThan(0);
    expect(stdout).toContain(`${back} ${back === 1 ? 'layer' : 'layers'} went back to float32 for --max-drop;`);
    expect(itemsAt(report, 'quantization', 'floats')).toHaveLength(2 + back);
    expect(at(report, 'fidelity', 'accuracy', 'hitsB')).toBeGreaterThanOrEqual(
      numberAt(report, 'fidelity', 'accuracy', 'hitsA'),
    );
  });

  it('leaves a quantized model as it is, says so once, and fails with --require-change', async () => {
    const d = desk();
    const quick = ['--no-bench', '--no-verify'];
    await d.run('quantize', 'mnist-cnn.onnx', '-q', ...quick, '-o', 'done.onnx');
    const again = await d.run('quantize', 'done.onnx', ...quick);
    expect(again.code).toBe(0);
    expect(again.stdout).toContain(
      'NOTHING WAS CHANGED\nIt stays as it is, since the model is quantized already: 2 nodes',
    );
    expect(again.stdout).not.toContain('said above');
    const strict = await d.run('quantize', 'done.onnx', ...quick, '--require-change', '-o', 'other.onnx');
    expect(strict.code).toBe(3);
    expect(d.files).not.toContain('other.onnx');
  });

  it('replaces no file unasked', async () => {
    const d = desk();
    d.write('mnist-cnn.int8.onnx', 'mine');
    const { code, stderr } = await d.run('quantize', 'mnist-cnn.onnx', '--no-bench', '--no-verify');
    expect(code).toBe(2);
    expect(stderr).toContain(
      '"mnist-cnn.int8.onnx" exists already; replace it with --force, or name another file with -o.',
    );
    expect(String(d.read('mnist-cnn.int8.onnx'))).toBe('mine');
  });

  it('writes compressed, reads that again, and names files after what they hold', async () => {
    const d = desk();
    const { code, stdout } = await d.run('quantize', 'mnist-cnn.onnx', '--gzip', '--no-bench', '--no-verify');
    expect(code).toBe(0);
    expect(stdout).toContain('mnist-cnn.onnx → mnist-cnn.int8.onnx.gz\nquantized 2 layers to int8');
    expect(gunzipSync(d.read('mnist-cnn.int8.onnx.gz')).length).toBeGreaterThan(100_000);
    const again = await d.run('inspect', 'mnist-cnn.int8.onnx.gz');
    expect(again.code).toBe(0);
  });
});

describe('prune with --int8', { timeout: 60_000 }, () => {
  it('prunes first, and quantizes what stays', async () => {
    const d = desk();
    const args = ['mnist-cnn.onnx', '--structured', '30%', '--int8', 'dynamic', '--no-bench', '--no-verify'];
    const { code, stdout } = await d.run(...args);
    expect(code).toBe(0);
    const [first, second, third] = stdout.split('\n');
    expect(first).toBe('mnist-cnn.onnx → mnist-cnn.pruned.onnx');
    expect(second).toMatch(/^removed \d+ of 352 channels/);
    expect(third).toMatch(/^quantized 2 layers to int8/);
    expect(stdout.indexOf('\nQuantized\n')).toBeGreaterThan(stdout.indexOf('\nChannels\n'));
  });

  it('fails with status 3 where --max-drop cannot hold, shows what was lost, and writes nothing', async () => {
    const d = new Desk();
    d.fixture('mnist-mlp.onnx', 'mnist-test.npz');
    const amounts = ['--structured', '90%', '--int8', 'dynamic', '--max-drop', '1%'];
    const { code, stdout, stderr } = await d.run('mnist-mlp.onnx', ...amounts, ...TEST, '--no-bench');
    expect(code).toBe(3);
    expect(d.files).toEqual(['mnist-mlp.onnx', 'mnist-test.npz']);
    expect(stdout).toContain('mnist-mlp.onnx → nothing written\n');
    expect(stdout).toContain('no number of layers in float32 keeps to --max-drop');
    expect(stderr).toMatch(
      /points more than --max-drop 1% allows, so nothing was written; remove less, or allow more\.\n$/,
    );
  });
});

describe('a cold start', { timeout: 30_000 }, () => {
  const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

  /** The modules that a command loads, as Node tells them. */
  const loaded = (words: string): string =>
    spawnSync(process.execPath, [main, ...words.split(' ')], {
      encoding: 'utf8',
      env: { ...process.env, NODE_DEBUG: 'esm,module' },
    }).stderr;
  const heavy = /onnxruntime-node|mathjs|dist\/src\/(index|runtime\/)/;

  it.each([['--version'], ['--help'], ['quantize --help'], ['quantize']])(
    'of "%s" loads neither onnxruntime nor mathjs',
    (words) => {
      const modules = loaded(words);
      expect(modules).toMatch(/commander/);
      expect(modules).not.toMatch(heavy);
    },
  );

  it('is told from a start that has work to do', () => expect(loaded('quantize gone.onnx')).toMatch(heavy));
});
