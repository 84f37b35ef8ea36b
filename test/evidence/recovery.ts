import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { dataFor, runCommand } from './command.ts';
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
    const data = await dataFor(model, test);
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

await report();
