import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadTestData } from '../../cli/test-data.ts';
import { inspect } from '../../src/index.ts';
import { scoreModel } from './score.ts';
import { markdownTable } from './table.ts';

const USAGE = `What calibration data buy back, as Markdown: every amount pruned with and without them.

npm run build && npm run evidence:recovery -- --test FILE.npz --calibration FILE.npz [options] MODEL...

  --structured <list>    amounts of channels (default: 10%,20%,30%,40%,50%)
  --unstructured <list>  amounts of weights (default: 50%,70%,80%,90%,95%)
  --pattern <list>       patterns of weights (default: 2:4)
  --samples <n>          calibration samples (default: 512)
  --bits                 bits per label instead of right answers in percent
  --with <option=value>  a further option of the command for all runs; repeatable
`;

/** One run of the command. */
interface Outcome {
  readonly score: number;
  readonly left: number;
  readonly seconds: number;
  /** Largest resident memory of all its processes together, in bytes. */
  readonly peak: number;
}

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const list = (text: string): string[] => text.split(',').filter((each) => each !== '');

async function report(): Promise<void> {
  const { values, positionals: models } = parseArgs({
    allowPositionals: true,
    options: {
      test: { type: 'string' },
      calibration: { type: 'string' },
      structured: { type: 'string', default: '10%,20%,30%,40%,50%' },
      unstructured: { type: 'string', default: '50%,70%,80%,90%,95%' },
      pattern: { type: 'string', default: '2:4' },
      samples: { type: 'string', default: '512' },
      bits: { type: 'boolean', default: false },
      with: { type: 'string', multiple: true, default: [] },
    },
  });
  const { test, calibration, samples, bits } = values;
  if (test === undefined || calibration === undefined || models.length === 0) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const extra = values.with.flatMap((each) => `--${each}`.split('='));
  const learn = ['--calibration', calibration, '--samples', samples];
  const ways = [
    ...list(values.structured).map((amount) => ({ what: ['--structured', amount], learn })),
    ...list(values.unstructured).map((amount) => ({
      what: ['--unstructured', amount],
      learn: ['--one-shot', ...learn],
    })),
    ...list(values.pattern).map((pattern) => ({ what: ['--pattern', pattern], learn: ['--one-shot', ...learn] })),
  ];
  const rows: string[][] = [];
  for (const model of models) {
    const { inputs } = await inspect(model);
    const data = await loadTestData(
      test,
      inputs.map(({ name, type, dims }) => ({ name, type, dims: dims.map((dim) => (dim === '?' ? undefined : dim)) })),
    );
    const score = async (path: string): Promise<number> => {
      const { accuracy, bitsPerLabel } = await scoreModel(path, data);
      return bits ? bitsPerLabel : 100 * accuracy;
    };
    const dense = await score(model);
    for (const way of ways) {
      const cut = await run(model, [...way.what, ...extra], score);
      const recovered = await run(model, [...way.what, ...way.learn, ...extra], score);
      const row = [
        basename(model, '.onnx'),
        way.what.join(' ').replace('--', ''),
        `${(100 * recovered.left).toFixed(1)}%`,
        dense.toFixed(bits ? 3 : 2),
        cut.score.toFixed(bits ? 3 : 2),
        recovered.score.toFixed(bits ? 3 : 2),
        `${recovered.seconds.toFixed(0)} s`,
        `${(recovered.peak / 1e6).toFixed(0)} MB`,
      ];
      console.error(row.join(' '));
      rows.push(row);
    }
  }
  console.log(
    markdownTable(['net', 'pruned', 'weights left', 'dense', 'cut only', 'recovered', 'time', 'memory'], rows),
  );
}

/** Runs the command on a model and scores what it wrote. */
async function run(
  model: string,
  options: readonly string[],
  score: (path: string) => Promise<number>,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  const [output, json] = [join(folder, 'small.onnx'), join(folder, 'report.json')];
  try {
    const start = performance.now();
    const peak = await runCommand([model, ...options, '--no-bench', '-q', '-o', output, '--report', json]);
    const seconds = (performance.now() - start) / 1000;
    const { size } = JSON.parse(readFileSync(json, 'utf8'));
    return { score: await score(output), left: size.after.nonZeros / size.before.nonZeros, seconds, peak };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const LOOK_EVERY_MS = 50;

/** Runs the command to its end. @returns the largest sum of the resident memory of its processes that was seen, in bytes */
function runCommand(argv: readonly string[]): Promise<number> {
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

await report();
