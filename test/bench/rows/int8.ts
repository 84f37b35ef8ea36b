import { rmSync } from 'node:fs';
import { runStep } from '../process.ts';
import { interleave, Sample } from '../sample.ts';
import { atLeast, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 3;
/** The file of floats over that of integers: four times smaller but for scales, biases and what stays in float. */
const SMALLER = 3.8;

/** A net, the samples in a batch, and what its speed-up should be where the CPU has instructions for int8. */
interface Case {
  readonly net: string;
  readonly batch: number;
  readonly threads: number;
  readonly aim?: number;
  /** Calibration samples: enough for ranges, as random weights have no accuracy to lose; 0 where ranges are found as data come. */
  readonly samples: number;
}

const CASES: readonly Case[] = [
  { net: 'resnet18', batch: 1, threads: 1, samples: 16, aim: 3 },
  { net: 'resnet18', batch: 1, threads: 2, samples: 16 },
  { net: 'resnet18', batch: 8, threads: 1, samples: 16 },
  { net: 'mobilenet-v2', batch: 1, threads: 1, samples: 16, aim: 1.7 },
  { net: 'mobilenet-v3', batch: 1, threads: 1, samples: 16, aim: 1.7 },
  { net: 'mlp', batch: 1, threads: 1, samples: 0, aim: 4 },
  { net: 'mlp', batch: 8, threads: 1, samples: 0, aim: 4 },
  { net: 'encoder', batch: 1, threads: 1, samples: 0, aim: 2.5 },
  { net: 'encoder', batch: 8, threads: 1, samples: 0 },
  { net: 'lstm', batch: 1, threads: 1, samples: 0 },
];
/** What running on integers gains, and what it takes to get there, on generated nets of real sizes. */
export async function int8Row(workshop: Workshop): Promise<Line[]> {
  const file = ({ net, batch }: Case): string => workshop.path(`${net}-${batch}.onnx`);
  for (const each of CASES) await runStep(workshop, 'generate', [each.net, file(each), each.batch]);
  const results = await interleave(
    REPETITIONS,
    CASES.map(
      (each) => async () => (await runStep(workshop, 'int8', [file(each), each.samples, each.threads])).figures,
    ),
  );
  for (const each of CASES) rmSync(file(each), { force: true });
  return CASES.flatMap(({ net, batch, threads, aim }, i) => {
    const of = (key: string): Sample => new Sample((results[i] ?? []).map((figures) => figures[key] ?? Number.NaN));
    const [speed, file] = [of('speedUp'), of('fileRatio').median];
    const what = `${net}, batch ${batch}, ${threads} thread${threads === 1 ? '' : 's'}`;
    const gained = `${speed.show(2, '×')} from ${of('beforeMs').median.toFixed(2)} ms`;
    const part = (task: string): string => `${task} ${(100 * of(`time of ${task}`).median).toFixed(0)}%`;
    const nodes = ['integer', 'float', 'conversion', 'layout'].map((task) => `${of(`${task}Nodes`).median} ${task}`);
    const peak = (of('ownPeak').median + of('childPeak').median) / 1e9;
    return [
      aim === undefined ? context(what, gained) : atLeast(what, gained, speed.median, aim, '×'),
      ...(aim === undefined || batch > 1
        ? []
        : [
            atLeast(`${net}, file`, `${file.toFixed(2)}×`, file, SMALLER, '×'),
            context(`${net}, nodes`, nodes.join(', ')),
            context(`${net}, time of nodes`, ['integer', 'float', 'conversions', 'layout'].map(part).join(', ')),
            context(
              `${net}, quantizing`,
              `${of('seconds').median.toFixed(1)} s, ${peak.toFixed(2)} GB in both processes`,
            ),
          ]),
    ];
  });
}
