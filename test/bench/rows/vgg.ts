import { rmSync } from 'node:fs';
import { type Run, runProgram, runStep } from '../process.ts';
import { interleave, ratios, Sample } from '../sample.ts';
import { atMost, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 5;

const times = (runs: readonly Run[]): number[] => runs.map(({ ms }) => ms);
const peaks = (runs: readonly Run[]): number[] => runs.map(({ peak }) => peak);

/** Reading, pruning and writing a file of 553 MB, against just reading and writing it. */
export async function vggRow(workshop: Workshop): Promise<Line[]> {
  const [model, result] = [workshop.path('vgg16.onnx'), workshop.path('vgg16.result.onnx')];
  const { bytes = 0 } = (await runStep(workshop, 'generate', ['vgg16', model])).figures;
  const command = [workshop.command, model, '-o', result, '--force', '--no-verify', '--no-bench', '-q', '--structured'];
  const fresh = async <T>(run: () => Promise<T>): Promise<T> => {
    rmSync(result, { force: true });
    return run();
  };
  const [copy = [], floor = [], half = [], tenth = [], library = [], commandIdle = [], idle = [], floorIdle = []] =
    await interleave<Run>(REPETITIONS, [
      () => fresh(() => runStep(workshop, 'copy', [model, result])),
      () => fresh(() => runStep(workshop, 'floor', [model, result])),
      () => fresh(() => runProgram(workshop, [...command, '50%'])),
      () => fresh(() => runProgram(workshop, [...command, '10%'])),
      () => fresh(() => runStep(workshop, 'prune', [model, result, '50%'])),
      () => runProgram(workshop, [workshop.command, '--version']),
      () => runStep(workshop, 'prune'),
      () => runStep(workshop, 'floor'),
    ]);
  const stages = (await runStep(workshop, 'prune', [model, result, '50%'])).figures;
  rmSync(result, { force: true });
  rmSync(model);

  const raw = (runs: readonly Run[]): Sample => new Sample(peaks(runs).map((peak) => peak / bytes));
  const net = (runs: readonly Run[], base: readonly Run[]): Sample => {
    const baseline = new Sample(peaks(base)).median;
    return new Sample(peaks(runs).map((peak) => (peak - baseline) / bytes));
  };
  const ratio = (runs: readonly Run[]): Sample => ratios(times(runs), times(floor));
  const timeLine = (what: string, runs: readonly Run[]): Line =>
    atMost(`time of ${what} / floor`, ratio(runs).show(2, '×'), ratio(runs).median, 2, '×');
  const memoryLine = (what: string, sample: Sample): Line =>
    atMost(`peak memory of ${what} / file`, sample.show(2, '×'), sample.median, 1.3, '×');
  const megabytes = (runs: readonly Run[]): string => `${(new Sample(peaks(runs)).median / 1e6).toFixed(0)} MB`;
  return [
    context('file', `${(bytes / 1e6).toFixed(0)} MB`),
    context('floor: read the file, write it again', new Sample(times(floor)).show(0, ' ms')),
    context('copy of the file / floor', ratio(copy).show(2, '×')),
    timeLine('command, 50%', half),
    timeLine('command, 10%', tenth),
    timeLine('library, 50%', library),
    context('stages of the library, ms', stagesOf(stages)),
    context('peak memory of the floor / file', raw(floor).show(2, '×')),
    context('peak memory of the floor / file, net of imports', net(floor, floorIdle).show(2, '×')),
    context('memory of a process that only imports', `${megabytes(idle)} library, ${megabytes(commandIdle)} --version`),
    memoryLine('command, 50%', raw(half)),
    memoryLine('command, 50%, net of imports', net(half, idle)),
    memoryLine('library, 50%', raw(library)),
    memoryLine('library, 50%, net of imports', net(library, idle)),
    memoryLine('command, 10%', raw(tenth)),
    memoryLine('command, 10%, net of imports', net(tenth, idle)),
  ];
}

function stagesOf(figures: Readonly<Record<string, number>>): string {
  return Object.entries(figures)
    .filter(([stage]) => stage !== 'resultBytes')
    .map(([stage, seconds]) => `${stage} ${Math.round(seconds * 1000)}`)
    .join(', ');
}
