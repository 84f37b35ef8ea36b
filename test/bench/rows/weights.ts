import { rmSync } from 'node:fs';
import { type Run, runProgram, runStep } from '../process.ts';
import { interleave, ratios, Sample } from '../sample.ts';
import { atMost, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 5;

/** The ways to make weights zero that are measured, and what to aim at. */
const WAYS: readonly (readonly [string, readonly string[], number | undefined])[] = [
  ['global magnitude, 90%', ['--unstructured', '90%', '--scope', 'global'], 3],
  [
    'global magnitude, 90%, without the lossless tier',
    ['--unstructured', '90%', '--scope', 'global', '--no-lossless'],
    3,
  ],
  ['2:4', ['--pattern', '2:4'], undefined],
];

/** Making most of 138 million weights zero, against just reading and writing their file of 553 MB. */
export async function weightsRow(workshop: Workshop): Promise<Line[]> {
  const [model, result] = [workshop.path('even.onnx'), workshop.path('even.result.onnx')];
  const { bytes = 0 } = (await runStep(workshop, 'generate', ['even', model])).figures;
  const command = [workshop.command, model, '-o', result, '--force', '--no-verify', '--no-bench', '-q'];
  const [floor = [], ...others] = await interleave<Run>(REPETITIONS, [
    () => runStep(workshop, 'floor', [model, result]),
    ...WAYS.map(
      ([, options]) =>
        () =>
          runProgram(workshop, [...command, ...options]),
    ),
  ]);
  for (const file of [model, result]) rmSync(file, { force: true });
  const times = (runs: readonly Run[]): number[] => runs.map(({ ms }) => ms);
  const lines = WAYS.flatMap(([what, , aim], index): Line[] => {
    const runs = others[index] ?? [];
    const ratio = ratios(times(runs), times(floor));
    const memory = new Sample(runs.map(({ peak }) => peak / bytes));
    return [
      aim === undefined
        ? context(`time of ${what} / floor`, ratio.show(2, '×'))
        : atMost(`time of ${what} / floor`, ratio.show(2, '×'), ratio.median, aim, '×'),
      aim === undefined
        ? context(`peak memory of ${what} / file`, memory.show(2, '×'))
        : atMost(`peak memory of ${what} / file`, memory.show(2, '×'), memory.median, 1.3, '×'),
    ];
  });
  return [
    context('file', `${(bytes / 1e6).toFixed(0)} MB`),
    context('floor: read the file, write it again', new Sample(times(floor)).show(0, ' ms')),
    ...lines,
  ];
}
