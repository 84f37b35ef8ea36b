import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { OnnxPruneError } from '../../src/index.ts';
import { parseAmount, parsePositive } from '../../src/options/parse.ts';
import { bestOf, type Contender } from './contest.ts';
import { lossOf, mostWithin } from './frontier.ts';
import { MeasurementLog } from './log.ts';
import { Bench, type Measurement, type Setting } from './measure.ts';
import { CHOSEN, CONTESTS } from './settings.ts';
import { markdownTable, percent } from './table.ts';

const USAGE = `Accuracy and gzip size of nets pruned without retraining, as Markdown.

npm run evidence -- --test FILE.npz --calibration FILE.npz [options] MODEL...

  --amounts <list>   amounts, separated by commas (default: 0%,25%,50%,60%,70%,80%,90%,95%,97%,99%)
  --contest <name>   only this one: ${Object.keys(CONTESTS).join('; ')}; repeatable
  --chosen           no contest, but the settings that won before
  --loss <points>    also look, percent by percent, for the most that costs no more accuracy than this (default: 0.6)
  --log <file>       keep every measurement there, and take those from it that it has`;

const AMOUNTS = '0%,25%,50%,60%,70%,80%,90%,95%,97%,99%';

/** Measures every contest and prints a table of all, and then one of the winners. */
async function report(): Promise<void> {
  const { values, positionals: models } = parseArgs({
    allowPositionals: true,
    options: {
      test: { type: 'string' },
      calibration: { type: 'string' },
      amounts: { type: 'string', default: AMOUNTS },
      contest: { type: 'string', multiple: true, default: Object.keys(CONTESTS) },
      chosen: { type: 'boolean', default: false },
      loss: { type: 'string', default: '0.6' },
      log: { type: 'string' },
    },
  });
  const { test, calibration } = values;
  const unknown = values.contest.find((name) => CONTESTS[name] === undefined);
  if (test === undefined || calibration === undefined || models.length === 0 || unknown !== undefined) {
    console.error(USAGE);
    process.exitCode = 2;
    return;
  }
  const bench = new Bench({ test, calibration }, new MeasurementLog(values.log));
  const loss = parsePositive('--loss', values.loss) / 100;
  const amounts = values.amounts.split(',').map((amount) => parseAmount('--amounts', amount));
  if (values.chosen) {
    const contenders: Contender[] = [];
    for (const setting of CHOSEN) contenders.push(await contend(bench, setting, models, amounts));
    console.log(matrixOf(contenders, models, amounts));
    return;
  }
  const winners: (readonly [string, Contender])[] = [];
  for (const name of values.contest) {
    const contenders: Contender[] = [];
    for (const setting of CONTESTS[name] ?? []) {
      contenders.push(await contend(bench, setting, models, amounts));
    }
    const winner = bestOf(contenders);
    if (winner !== undefined) winners.push([name, winner]);
    console.log(`### ${name}\n\n${matrixOf(contenders, models, amounts)}\n`);
  }
  console.log(`### The best that is the same for all nets\n\n${summaryOf(winners, models, amounts)}\n`);
  for (const [name, { setting }] of winners) console.log(`- ${name}: ${describe(setting)}`);
  await reportFrontier(bench, winners, models, amounts, loss);
}

async function contend(
  bench: Bench,
  setting: Setting,
  models: readonly string[],
  amounts: readonly number[],
): Promise<Contender> {
  const nets = new Map<string, Measurement[]>();
  for (const model of models) {
    const measured: Measurement[] = [];
    for (const amount of amounts) {
      const one = await bench.measure(model, setting, amount);
      console.error(
        `${nameOf(model)} ${describe(setting)} ${percent(amount)}: ${show(one)} (${one.seconds.toFixed(1)} s)`,
      );
      measured.push(one);
    }
    nets.set(model, measured);
  }
  return { setting, nets };
}

function matrixOf(contenders: readonly Contender[], models: readonly string[], amounts: readonly number[]): string {
  const rows = models.flatMap((model) =>
    contenders.map(({ setting, nets }) => [nameOf(model), describe(setting), ...(nets.get(model) ?? []).map(show)]),
  );
  return markdownTable(['net', 'ranked by', ...amounts.map(percent)], rows);
}

function summaryOf(
  winners: readonly (readonly [string, Contender])[],
  models: readonly string[],
  amounts: readonly number[],
): string {
  const rows = models.flatMap((model) =>
    winners.map(([name, { nets }]) => [nameOf(model), name, ...(nets.get(model) ?? []).map(show)]),
  );
  return markdownTable(['net', 'what leaves', ...amounts.map(percent)], rows);
}

/** How far the winners get within a loss, between the amounts of the tables too. */
async function reportFrontier(
  bench: Bench,
  winners: readonly (readonly [string, Contender])[],
  models: readonly string[],
  amounts: readonly number[],
  loss: number,
): Promise<void> {
  const rows: string[][] = [];
  for (const model of models) {
    for (const [name, { setting, nets }] of winners) {
      const known = new Map(amounts.map((amount, i) => [amount, nets.get(model)?.[i]] as const));
      const most = await mostWithin(loss, known, (amount) => bench.measure(model, setting, amount));
      const cells =
        most === undefined
          ? ['none', '', '']
          : [percent(most.amount), show(most.measurement), (100 * lossOf(most.measurement)).toFixed(2)];
      rows.push([nameOf(model), name, ...cells]);
    }
  }
  const head = ['net', 'what leaves', 'most', 'accuracy / gzip', 'points lost'];
  console.log(
    `\n### The most that costs at most ${Number((100 * loss).toFixed(2))} points\n\n${markdownTable(head, rows)}`,
  );
}

function nameOf(model: string): string {
  return basename(model, '.onnx');
}

function describe({ criterion, scope }: Setting): string {
  return `\`${criterion}\`, ${scope}`;
}

function show({ hits, total, gzipRatio }: Measurement): string {
  return `${((100 * hits) / total).toFixed(2)} / ${gzipRatio.toFixed(2)}×`;
}

try {
  await report();
} catch (error) {
  if (!(error instanceof OnnxPruneError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
