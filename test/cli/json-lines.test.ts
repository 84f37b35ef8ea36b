import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { at, parse } from './support/read.ts';

function linesOf(text: string): unknown[] {
  expect(text.endsWith('\n')).toBe(true);
  return text.trimEnd().split('\n').map(parse);
}

describe('--json-lines', () => {
  it('tells the beginning of each step, and ends with the report', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx');
    const { code, stdout, stderr } = await desk.run(model, '--structured', '50%', '--no-bench', '--json-lines');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = linesOf(stdout);
    const report = lines.at(-1);
    expect(at(report, 'type')).toBe('report');
    expect(at(report, 'report', 'output', 'path')).toBe('mnist-mlp.pruned.onnx');
    expect(at(report, 'report', 'command')).toEqual([
      'onnx-prune',
      model,
      '--structured',
      '50%',
      '--no-bench',
      '--json-lines',
    ]);
    const steps = lines.slice(0, -1);
    expect(steps.every((line) => at(line, 'type') === 'progress')).toBe(true);
    const names = steps.map((line) => at(line, 'step'));
    expect(names).toEqual(expect.arrayContaining(['read', 'prove', 'compare', 'write']));
  });

  it('ends with the report and the error where a gate fails', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx');
    const wanted = ['--structured', '50%', '--no-bench', '--max-size', '1%', '--json-lines'];
    const { code, stdout, stderr } = await desk.run(model, ...wanted);
    expect(code).toBe(3);
    const [report, error] = linesOf(stdout).slice(-2);
    expect(at(report, 'report', 'gates', 0)).toMatchObject({ gate: '--max-size', passed: false });
    expect(error).toMatchObject({ type: 'error', code: 'check-failed', exit: 3 });
    expect(stderr).toContain(String(at(error, 'message')));
  });

  it.each([
    [['nowhere.onnx', '--structured', '50%'], 'bad-file', 'nowhere.onnx does not exist.'],
    [['--structurd', '50%'], 'bad-option', "Unknown option '--structurd' (did you mean --structured?)."],
  ])('tells what is wrong with %j', async (words, code, message) => {
    const { code: exit, stdout } = await new Desk().run(...words, '--json-lines');
    expect(exit).toBe(2);
    expect(linesOf(stdout).at(-1)).toEqual({ type: 'error', code, message, exit: 2 });
  });

  it('is not for use with --json', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-mlp.onnx');
    const { code, stderr } = await desk.run(model, '--structured', '50%', '--json', '--json-lines');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: --json and --json-lines both speak for stdout.*\.\n$/);
    expect(desk.files).toEqual([model]);
  });
});
