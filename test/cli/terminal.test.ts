import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createTerminal, type Environment, type TextStream } from '../../cli/terminal.ts';

const ESCAPE = String.fromCharCode(27);

interface Recorder extends TextStream {
  text(): string;
}

function recorder(isTTY: boolean, columns?: number): Recorder {
  const written: string[] = [];
  return { isTTY, columns, write: (text) => written.push(text), text: () => written.join('') };
}

interface Setting {
  readonly out?: Recorder;
  readonly err?: Recorder;
  readonly env?: Environment;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

function open({ out = recorder(false), err = recorder(false), env = {}, quiet = false, verbose = false }: Setting) {
  return { out, err, terminal: createTerminal({ stdout: out, stderr: err, env, quiet, verbose }) };
}

/** The last state of a line that is redrawn in place. */
function lastLine(text: string): string {
  const codes = new RegExp(`${ESCAPE}(?:\\[[0-9;?]*[A-Za-z]|[78])`, 'g');
  return text.slice(text.lastIndexOf(`${ESCAPE}[1G`)).replace(codes, '');
}

describe('colours and width', () => {
  test.each([
    [true, {}, true],
    [true, { TERM: 'xterm' }, true],
    [true, { NO_COLOR: '' }, true],
    [true, { NO_COLOR: '1' }, false],
    [true, { TERM: 'dumb' }, false],
    [false, {}, false],
    [false, { FORCE_COLOR: '1' }, true],
    [true, { FORCE_COLOR: '0' }, false],
    [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
  ])('terminal %s with %o: colours %s', (isTTY, env, colors) => {
    expect(open({ out: recorder(isTTY), env }).terminal.rendering.colors).toBe(colors);
  });

  test('are decided for each stream by itself', () => {
    const { terminal } = open({ out: recorder(false), err: recorder(true) });
    expect(terminal.rendering.colors).toBe(false);
    expect(terminal.ink.red('x')).toContain(ESCAPE);
  });

  test('the width is that of the terminal, else 100', () => {
    expect(open({ out: recorder(true, 72) }).terminal.rendering.width).toBe(72);
    expect(open({ out: recorder(true, 0) }).terminal.rendering.width).toBe(100);
    expect(open({ out: recorder(false, 72) }).terminal.rendering.width).toBe(100);
  });

  test('process.env will do', () => {
    expect(() => open({ env: process.env })).not.toThrow();
  });
});

test('results go to stdout, talk to stderr, and quiet leaves failures', () => {
  const loud = open({});
  loud.terminal.print('result\n');
  loud.terminal.say('hello');
  loud.terminal.warn('careful');
  loud.terminal.fail('broken');
  expect(loud.out.text()).toBe('result\n');
  expect(loud.err.text()).toBe('hello\nwarning: careful\nerror: broken\n');
  const quiet = open({ quiet: true });
  quiet.terminal.print('result\n');
  quiet.terminal.say('hello');
  quiet.terminal.warn('careful');
  quiet.terminal.fail('broken');
  expect(quiet.out.text()).toBe('result\n');
  expect(quiet.err.text()).toBe('error: broken\n');
});

describe('progress', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test.each([
    ['no terminal', { err: recorder(false) }],
    ['quiet', { err: recorder(true), quiet: true }],
    ['quiet and verbose', { err: recorder(false), quiet: true, verbose: true }],
    ['a dumb terminal', { err: recorder(true), env: { TERM: 'dumb' } }],
  ])('says nothing with %s', (_, setting) => {
    const { terminal, err } = open(setting);
    terminal.progress.step('prune', 1, 2);
    terminal.progress.finish();
    expect(err.text()).toBe('');
  });

  test('is one plain line per step in a verbose log', () => {
    const { terminal, err } = open({ verbose: true });
    terminal.progress.step('read');
    for (let done = 0; done <= 3; done++) terminal.progress.step('prune', done, 3);
    terminal.progress.finish();
    expect(err.text()).toBe('read\nprune\n');
  });

  test('is redrawn on a terminal and cleared in the end', () => {
    const { terminal, err, out } = open({ err: recorder(true, 80), out: recorder(true) });
    terminal.progress.step('read');
    expect(lastLine(err.text())).toBe('⠋ read  0 s');
    vi.advanceTimersByTime(2500);
    expect(lastLine(err.text())).toMatch(/^\S read {2}2 s$/);
    terminal.progress.step('prune', 0, 40);
    terminal.progress.step('prune', 10, 40);
    vi.advanceTimersByTime(1200);
    expect(lastLine(err.text())).toMatch(/^\S prune {2}█████░{15} {2}10\/40 {2}1 s$/);
    terminal.progress.finish();
    expect(lastLine(err.text())).toBe('');
    const length = err.text().length;
    vi.advanceTimersByTime(5000);
    expect(err.text().length).toBe(length);
    expect(out.text()).toBe('');
  });

  test('gives way to what is said', () => {
    const { terminal, err } = open({ err: recorder(true, 80), env: { NO_COLOR: '1' } });
    terminal.progress.step('read');
    terminal.warn('careful');
    expect(err.text()).toContain(`${ESCAPE}[2Kwarning: careful\n`);
    expect(lastLine(err.text())).toContain('read');
    terminal.progress.finish();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('fits a narrow terminal', () => {
    const { terminal, err } = open({ err: recorder(true, 30) });
    terminal.progress.step('measuring how fast both models run', 1, 40);
    expect(lastLine(err.text()).length).toBeLessThan(30);
    terminal.progress.finish();
  });
});

test('neither tables nor progress bars are loaded before they are needed', () => {
  const program = `
    import { createRequire } from 'node:module';
    await import('./cli/terminal.ts');
    await import('./cli/render/prune.ts');
    console.log(Object.keys(createRequire(process.cwd() + '/x.js').cache).join('\\n'));`;
  const { stdout, status } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], {
    encoding: 'utf8',
  });
  expect(status).toBe(0);
  expect(stdout).toContain('picocolors');
  expect(stdout).not.toMatch(/cli-table3|cli-progress|onnxruntime|mathjs/);
});
