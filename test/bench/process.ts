import { spawn } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Workshop } from './workshop.ts';

/** What one run of a program cost, and what it said. */
export interface Run {
  /** Wall time from start to end, start-up of Node included. */
  readonly ms: number;
  /** Peak resident memory in bytes. */
  readonly peak: number;
  readonly stdout: string;
}

/** Runs a program in a Node process of its own and waits for it. */
export async function runProgram(workshop: Workshop, argv: readonly string[]): Promise<Run> {
  const peakFile = workshop.path('peak.txt');
  const start = performance.now();
  const child = spawn(process.execPath, ['--import', pathToFileURL(workshop.peakHook).href, ...argv], {
    env: { ...process.env, ONNX_PRUNE_BENCH_PEAK: peakFile },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { stdout, ms } = await outcome(child, argv, start);
  const peak = Number(readFileSync(peakFile, 'utf8')) * 1024;
  rmSync(peakFile);
  return { ms, peak, stdout };
}

/** Starts Node with these arguments. @returns its process id, and the ms that it took once it has ended */
export function startProgram(argv: readonly string[]): { readonly pid: number; readonly ended: Promise<number> } {
  const start = performance.now();
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  return { pid: child.pid ?? 0, ended: outcome(child, argv, start).then(({ ms }) => ms) };
}

/** Runs Node with these arguments and nothing else, for wall time alone. */
export async function timeNode(argv: readonly string[]): Promise<number> {
  const start = performance.now();
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  return (await outcome(child, argv, start)).ms;
}

/** Runs a step of this benchmark. @returns its cost and the figures that it printed as JSON */
export async function runStep(
  workshop: Workshop,
  name: string,
  args: readonly (string | number)[] = [],
): Promise<Run & { readonly figures: Readonly<Record<string, number>> }> {
  const run = await runProgram(workshop, [workshop.step(name), ...args.map(String)]);
  return { ...run, figures: figuresOf(run.stdout) };
}

function outcome(
  child: ReturnType<typeof spawn>,
  argv: readonly string[],
  start: number,
): Promise<{ stdout: string; ms: number }> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve, reject) => {
    let ms = 0;
    child.once('error', reject);
    child.once('exit', () => {
      ms = performance.now() - start;
    });
    child.once('close', (code) => {
      if (code === 0) resolve({ stdout, ms });
      else reject(new Error(`${argv.join(' ')} ended with ${code}:\n${stderr}`));
    });
  });
}

function figuresOf(stdout: string): Record<string, number> {
  if (stdout.trim() === '') return {};
  const parsed: unknown = JSON.parse(stdout);
  if (typeof parsed !== 'object' || parsed === null) throw new Error(`A step printed no object: ${stdout}`);
  return Object.fromEntries(Object.entries(parsed).map(([key, value]) => [key, Number(value)]));
}
