import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Base, baseOf } from './bases.ts';
import { build, type Case } from './case.ts';
import type { Outcome } from './outcome.ts';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
/** Milliseconds that a command may take. */
const PATIENCE = 60_000;

/** Command lines that a mutated model is given to, and the file that each may write. */
const LINES: Readonly<Record<string, readonly string[]>> = {
  inspect: ['inspect', 'model.onnx'],
  'inspect --json': ['inspect', 'model.onnx', '--json'],
  prune: ['model.onnx', '--structured', '50%', '--no-bench', '--timeout', '10', '-o', 'result.onnx'],
  'prune --report': ['model.onnx', '--unstructured', '50%', '--no-bench', '--json', '-o', 'result.onnx'],
  quantize: ['quantize', 'model.onnx', '--int8', 'weights', '--no-bench', '-o', 'result.onnx'],
  check: ['check', 'base.onnx', 'model.onnx', '--no-bench'],
  'check, turned': ['check', 'model.onnx', 'base.onnx', '--no-bench'],
};

/** The names of the command lines. */
export const COMMANDS: readonly string[] = Object.keys(LINES);

/** Tries a case through the built command, in a folder of its own. Never throws. */
export async function tryCommand(each: Case, name: string): Promise<Outcome> {
  const made = build(each);
  if (made === undefined) return { kind: 'none', message: '' };
  const root = mkdtempSync(join(tmpdir(), 'fuzz-command-'));
  try {
    return await tryIn(root, made, baseOf(each.base), LINES[name] ?? []);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function tryIn(root: string, made: Base, base: Base, line: readonly string[]): Promise<Outcome> {
  const [work, temporary] = [join(root, 'work'), join(root, 'tmp')];
  for (const folder of [work, temporary]) mkdirSync(folder);
  for (const [name, bytes] of [...base.files, ...made.files]) writeFileSync(join(work, name), bytes);
  writeFileSync(join(work, 'model.onnx'), made.bytes);
  writeFileSync(join(work, 'base.onnx'), base.bytes);
  const before = readdirSync(work);
  const { code, stdout, stderr } = await run(line, work, temporary);
  const news = readdirSync(work).filter((name) => !before.includes(name) && !name.startsWith('result.onnx'));
  const said = `${line.join(' ')}: exit status ${code}: ${stderr}`;
  const lost = before.filter((name) => !readdirSync(work).includes(name));
  const left = [...readdirSync(temporary), ...news, ...lost];
  if (left.length > 0) return finding(`left behind or lost: ${left.join(', ')}; ${said}`);
  if (code !== 0 && code !== 2) return finding(said);
  if (/\n\s+at \S/.test(stdout + stderr)) return finding(`a stack trace; ${said}`);
  if (code === 0) return { kind: 'done', message: '' };
  if (readdirSync(work).includes('result.onnx')) return finding(`a result in spite of the error; ${said}`);
  const lines = stderr.split('\n').filter((each) => each !== '');
  const told = lines.filter((each) => each.startsWith('onnx-prune: '));
  if (told.length !== 1 || !/[.?]$/.test(lines.at(-1) ?? '')) return finding(`no sentence; ${said}`);
  return { kind: 'refused', message: told[0] ?? '' };
}

interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

function run(line: readonly string[], cwd: string, temporary: string): Promise<Ended> {
  const env = { ...process.env, TMPDIR: temporary, NO_COLOR: '1' };
  const child = spawn(process.execPath, [COMMAND, ...line], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal ?? 'none', stdout, stderr });
    });
  });
}

function finding(message: string): Outcome {
  return { kind: 'finding', message };
}
