import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Report } from '../../src/index.ts';
import { dataFor, runCommand } from './command.ts';
import { scoreModel } from './score.ts';
import { markdownTable } from './table.ts';

const USAGE = `What integers cost and gain, as Markdown: every model with every list of options, timed against the original in the same run.

npm run build && npm run evidence:int8 -- --test FILE.npz --calibration FILE.npz [--with="--int8 static"]... [options] MODEL...

  --with <options>   options of the command for one way, such as "--int8 static --ranges minmax"; repeatable (default: --int8)
  --samples <n>      calibration samples (default: 512)
  --threads <n>      threads when speed is measured (default: 1)
  --bits             bits per label instead of right answers in percent
`;

async function report(): Promise<void> {
  const { values, positionals: models } = parseArgs({
    allowPositionals: true,
    options: {
      test: { type: 'string' },
      calibration: { type: 'string' },
      samples: { type: 'string', default: '512' },
      threads: { type: 'string', default: '1' },
      bits: { type: 'boolean', default: false },
      with: { type: 'string', multiple: true, default: [] },
    },
  });
  const { test, calibration, samples, threads, bits } = values;
  if (test === undefined || calibration === undefined || models.length === 0) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const ways = values.with.length === 0 ? ['--int8'] : values.with;
  const rows: string[][] = [];
  for (const model of models) {
    const data = await dataFor(model, test);
    const score = async (path: string): Promise<string> => {
      const { accuracy, bitsPerLabel } = await scoreModel(path, data);
      return bits ? bitsPerLabel.toFixed(3) : (100 * accuracy).toFixed(2);
    };
    const before = await score(model);
    for (const way of ways) {
      const options = way.split(' ').filter((each) => each !== '');
      const learn = options.includes('--no-data') ? [] : ['--calibration', calibration, '--samples', samples];
      const wanted = options.filter((each) => each !== '--no-data');
      const { found, after, seconds } = await run(model, [...wanted, ...learn, '--threads', threads], score);
      const row = [basename(model, '.onnx'), way, before, after, ...figures(found), `${seconds.toFixed(0)} s`];
      console.error(row.join(' | '));
      rows.push(row);
    }
  }
  const head = [
    'net',
    'options',
    'float',
    'integers',
    'speed',
    'file',
    'gzip',
    'layers',
    'on integers',
    'of the time',
    'took',
  ];
  console.log(markdownTable(head, rows));
}

/** Speed, sizes and what runs on integers. */
function figures({ latency, size, quantization }: Report): string[] {
  const { before, after } = size;
  const ratio = (a: number | null, b: number | null): string => (a && b ? `${(a / b).toFixed(2)}x` : '');
  const layers = quantization?.layers.length ?? 0;
  const fusion = quantization?.fusion;
  return [
    latency?.after.speedUp === undefined ? '' : `${latency.after.speedUp.median.toFixed(2)}x`,
    ratio(before.fileBytes, after.fileBytes),
    ratio(before.gzipBytes, after.gzipBytes),
    `${layers} of ${layers + (quantization?.floats.length ?? 0)}`,
    fusion ? `${fusion.integer} of ${fusion.integer + fusion.float}` : '',
    fusion?.time ? `${(100 * fusion.time.integer).toFixed(0)}%` : '',
  ];
}

async function run(
  model: string,
  options: readonly string[],
  score: (path: string) => Promise<string>,
): Promise<{ found: Report; after: string; seconds: number }> {
  const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
  const [output, json] = [join(folder, 'small.onnx'), join(folder, 'report.json')];
  try {
    const start = performance.now();
    await runCommand([model, ...options, '-q', '-o', output, '--report', json]);
    const seconds = (performance.now() - start) / 1000;
    const found: Report = JSON.parse(readFileSync(json, 'utf8'));
    return { found, after: await score(output), seconds };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

await report();
