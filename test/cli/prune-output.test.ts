import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { itemsAt, numberAt, parse, weightDims } from './support/read.ts';

const FAST = ['--structured', '50%', '--no-bench'];

function deskWithModel(): Desk {
  const desk = new Desk();
  desk.write('m.onnx', smallNet().bytes());
  return desk;
}

describe('where the result goes', { timeout: 30_000 }, () => {
  it('is the file that -o names', async () => {
    const desk = deskWithModel();
    mkdirSync(desk.path('out'));
    const { code } = await desk.run('m.onnx', ...FAST, '-o', 'out/small.onnx');
    expect(code).toBe(0);
    expect(desk.files).toEqual(['m.onnx', 'out']);
    expect(weightDims(desk.path('out/small.onnx'))['stem.weight']).toEqual([8, 3, 3, 3]);
  });

  it('is no file that exists, unless --force is given', async () => {
    const desk = deskWithModel();
    desk.write('m.pruned.onnx', 'precious');
    const refused = await desk.run('m.onnx', ...FAST);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^onnx-prune: "m\.pruned\.onnx" exists already; .*--force.*\.\n$/);
    expect(String(desk.read('m.pruned.onnx'))).toBe('precious');
    const forced = await desk.run('m.onnx', ...FAST, '--force');
    expect(forced.code).toBe(0);
    expect(weightDims(desk.path('m.pruned.onnx'))['stem.weight']).toEqual([8, 3, 3, 3]);
  });

  it.each(['m.onnx', './sub/../m.onnx', 'link.onnx', 'hard/../m.onnx'])(
    'is never the input, not even with --force: -o %s',
    async (output) => {
      const desk = deskWithModel();
      for (const name of ['sub', 'hard']) mkdirSync(desk.path(name));
      symlinkSync('m.onnx', desk.path('link.onnx'));
      const before = desk.read('m.onnx');
      const { code, stderr } = await desk.run('m.onnx', ...FAST, '--force', '-o', output);
      expect(code).toBe(2);
      expect(stderr).toContain('is the input itself, which is never touched');
      expect(desk.read('m.onnx').equals(before)).toBe(true);
    },
  );

  it('is never the file that an input given as a link points to', async () => {
    const desk = deskWithModel();
    symlinkSync('m.onnx', desk.path('link.onnx'));
    const { code } = await desk.run('link.onnx', ...FAST, '--force', '-o', 'm.onnx');
    expect(code).toBe(2);
  });

  it('replaces one name of a file with two names and leaves the other alone', async () => {
    const desk = deskWithModel();
    desk.write('old.onnx', 'old');
    linkSync(desk.path('old.onnx'), desk.path('twin.onnx'));
    await desk.run('m.onnx', ...FAST, '--force', '-o', 'old.onnx');
    expect(String(desk.read('twin.onnx'))).toBe('old');
  });

  it('is nowhere on a dry run', async () => {
    const desk = deskWithModel();
    const { code, stdout } = await desk.run('m.onnx', ...FAST, '--dry-run');
    expect(code).toBe(0);
    expect(stdout).toContain('dry run, nothing written');
    expect(desk.files).toEqual(['m.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('takes the weights of an input with external data to a file of its own, never over those of the input', async () => {
    const desk = new Desk();
    const { model, data } = smallNet().externalBytes('taken.onnx.data');
    desk.write('m.onnx', model);
    desk.write('taken.onnx.data', data);
    const refused = await desk.run('m.onnx', ...FAST, '--force', '-o', 'taken.onnx');
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain('which holds those of the input and is never touched');
    expect(desk.read('taken.onnx.data').equals(data)).toBe(true);
    desk.write('m.pruned.onnx.data', 'precious');
    const exists = await desk.run('m.onnx', ...FAST);
    expect(exists.code).toBe(2);
    expect(exists.stderr).toContain('"m.pruned.onnx.data", which exists already; replace it with --force');
    expect((await desk.run('m.onnx', ...FAST, '--force')).code).toBe(0);
    expect(desk.files).toEqual(['m.onnx', 'm.pruned.onnx', 'm.pruned.onnx.data', 'taken.onnx.data']);
  });
});

describe('what is printed', { timeout: 30_000 }, () => {
  it('under --json is the report and nothing else, and it says what is in the file', async () => {
    const desk = deskWithModel();
    const { code, stdout, stderr } = await desk.run('m.onnx', ...FAST, '--json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const report = parse(stdout);
    expect(report).toMatchObject({
      schemaVersion: 1,
      tool: { name: 'onnx-prune' },
      input: { path: 'm.onnx', opset: 17 },
      output: { path: 'm.pruned.onnx' },
      options: { structured: 0.5 },
      proof: { passed: true },
      latency: null,
    });
    expect(numberAt(report, 'size', 'before', 'fileBytes')).toBe(desk.read('m.onnx').length);
    expect(numberAt(report, 'size', 'after', 'fileBytes')).toBe(desk.read('m.pruned.onnx').length);
    const weights = weightDims(desk.path('m.pruned.onnx'));
    const counted = Object.values(weights).reduce((sum, dims) => sum + dims.reduce((a, b) => a * b, 1), 0);
    expect(numberAt(report, 'size', 'after', 'parameters')).toBe(counted);
    expect(itemsAt(report, 'pruning', 'groups', 0, 'kept')).toHaveLength(weights['stem.weight']?.[0] ?? 0);
  });

  it('under --report goes to files in several forms, too', async () => {
    const desk = deskWithModel();
    const { code, stdout } = await desk.run('m.onnx', ...FAST, '--report', 'out.json', '--report', 'out.md');
    expect(code).toBe(0);
    expect(stdout).toContain('stem.weight');
    expect(parse(desk.read('out.json'))).toMatchObject({ schemaVersion: 1, output: { path: 'm.pruned.onnx' } });
    expect(String(desk.read('out.md'))).toContain('`m.pruned.onnx`');
  });

  it('under --report and --json is the same report twice', async () => {
    const desk = deskWithModel();
    const { stdout } = await desk.run('m.onnx', ...FAST, '--report', 'out.json', '--json');
    expect(String(desk.read('out.json'))).toBe(stdout);
  });

  it.each([
    ['out.txt', 'must end in .json, .html, .md or .csv'],
    ['out', 'has no ending'],
    ['nowhere/out.json', 'does not exist'],
    ['folder.json', 'is a directory'],
  ])('is refused before any work for --report %s', async (file, why) => {
    const desk = deskWithModel();
    mkdirSync(desk.path('folder.json'));
    const { code, stdout, stderr } = await desk.run('m.onnx', ...FAST, '--report', file);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(why);
    expect(desk.files).toEqual(['folder.json', 'm.onnx']);
  });

  it.each([
    ['the output', ['-o', 'x.json', '--report', './x.json']],
    ['the model', ['-o', 'out.onnx', '--report', 'model.json']],
    ['another report', ['-o', 'out.onnx', '--report', 'r.json', '--report', './r.json']],
  ])('never takes the place of %s', async (_, files) => {
    const desk = deskWithModel();
    desk.write('model.json', desk.read('m.onnx'));
    const { code, stderr } = await desk.run('model.json', ...FAST, ...files);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--report ".*json" is .*; name another file\.$/m);
    expect(desk.files).toEqual(['m.onnx', 'model.json']);
    expect(desk.read('model.json')).toEqual(desk.read('m.onnx'));
  });

  it('is nothing at all under -q', async () => {
    const desk = deskWithModel();
    expect(await desk.run('m.onnx', ...FAST, '-q')).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(desk.files).toContain('m.pruned.onnx');
  });

  it('is the steps on stderr and every option under -v', async () => {
    const desk = deskWithModel();
    const { code, stdout, stderr } = await desk.run('m.onnx', ...FAST, '-v');
    expect(code).toBe(0);
    expect(stderr.split('\n')).toEqual(expect.arrayContaining(['read', 'prune', 'prove', 'compare', 'write']));
    expect(stdout).toContain('structured=0.5');
  });

  it('has colours only where they are wanted', async () => {
    const desk = deskWithModel();
    const args = ['m.onnx', ...FAST, '--dry-run'];
    const plain = await desk.start(args, { NO_COLOR: '1', FORCE_COLOR: '1' }).ended;
    expect(plain.stdout).not.toContain('\u001b');
    const piped = await desk.start(args, { TERM: 'xterm-256color' }).ended;
    expect(piped.stdout).not.toContain('\u001b');
  });
});
