import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadTestData } from '../../cli/test-data.ts';
import { inspect, type TestData } from '../../src/index.ts';

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const LOOK_EVERY_MS = 50;

/** Runs the command to its end. @returns the largest sum of the resident memory of its processes that was seen, in bytes */
export function runCommand(argv: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [COMMAND, ...argv], { stdio: ['ignore', 'inherit', 'inherit'] });
  let peak = 0;
  const look = setInterval(() => {
    if (child.pid !== undefined) peak = Math.max(peak, residentOf(child.pid));
  }, LOOK_EVERY_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(look);
      if (code === 0) resolve(peak);
      else reject(new Error(`onnx-prune ${argv.join(' ')} ended with ${code}`));
    });
  });
}

/** Resident memory of a process and those it started, in bytes; 0 where the system does not tell (anything but Linux). */
function residentOf(pid: number): number {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const others = children === '' ? [] : children.split(' ').map(Number);
    return Number(kib ?? 0) * 1024 + others.reduce((sum, each) => sum + residentOf(each), 0);
  } catch {
    return 0;
  }
}

/** Reads data for a model. */
export async function dataFor(model: string, path: string): Promise<TestData> {
  const { inputs } = await inspect(model);
  const specs = inputs.map(({ name, type, dims }) => ({
    name,
    type,
    dims: dims.map((dim) => (dim === '?' ? undefined : dim)),
  }));
  return loadTestData(path, specs);
}
