import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { at, parse } from './support/read.ts';

describe('help', { timeout: 30_000 }, () => {
  it.each([
    ['onnx-prune', []],
    ['prune', ['prune']],
    ['quantize', ['quantize']],
    ['inspect', ['inspect']],
    ['compare', ['compare']],
    ['sweep', ['sweep']],
    ['sensitivity', ['sensitivity']],
  ])('of %s has examples, and fits 80 columns but for those', async (_, words) => {
    const { code, stdout, stderr } = await new Desk().hosted(...words, '--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [options = '', examples = ''] = stdout.split('Examples:');
    expect(examples).toContain('$ onnx-prune');
    for (const line of options.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('names every option of the main job', async () => {
    const { stdout } = await new Desk().hosted('prune', '--help');
    const words =
      '--structured --heads --head-dim --recipe --allow-approximate --output --force --criterion --scope --max-ratio --align --exclude --only --test --no-verify --no-bench --dry-run --require-change --seed --threads --timeout --json --report --quiet --verbose';
    for (const option of words.split(' ')) expect(stdout).toContain(option);
  });

  it('names every option of quantize, which prune has as well', async () => {
    const words =
      '--int8 --ranges --rounding --bits --portable --no-portable --equalize --no-equalize --float --exclude --max-drop --calibration --samples --batch --gzip --output --force --no-verify --dry-run --require-change --test --no-bench --seed --threads --timeout --json --report --quiet --verbose';
    for (const command of ['quantize', 'prune']) {
      const { stdout } = await new Desk().hosted(command, '--help');
      const [options = '', examples = ''] = stdout.split('Examples:');
      for (const word of words.split(' ')) expect(options).toMatch(new RegExp(`(^|[\\s,])${word}\\s`, 'm'));
      expect(examples).toContain('--int8');
    }
  });

  it('shows a stranger the main job and the meaning of exit statuses at once', async () => {
    const { stdout } = await new Desk().hosted('--help');
    expect(stdout).toContain('onnx-prune model.onnx --structured 50%');
    expect(stdout).toContain('Exit status: 0 done');
  });
});

describe('--version', () => {
  it('is that of the package', async () => {
    const manifest = parse(readFileSync(new URL('../../package.json', import.meta.url)));
    const { code, stdout } = await new Desk().hosted('--version');
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${String(at(manifest, 'version'))}\n` });
  });
});

it.skipIf(process.platform === 'win32')('The built command may be run as it is, as often as it is built', () => {
  expect(statSync(Desk.command).mode & 0o111).toBe(0o111);
});
