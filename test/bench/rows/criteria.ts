import { runStep } from '../process.ts';
import { interleave, ratios, Sample } from '../sample.ts';
import { context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 3;

/** What ranking costs, against reading every weight once: `l1` and `l2` look at both who makes and who reads a channel. */
export async function criteriaRow(workshop: Workshop): Promise<Line[]> {
  const path = workshop.path('ranking.onnx');
  await runStep(workshop, 'generate', ['ranking', path]);
  const [runs = []] = await interleave(REPETITIONS, [
    async () => (await runStep(workshop, 'criteria', [path])).figures,
  ]);
  const of = (key: string): number[] => runs.map((figures) => figures[key] ?? Number.NaN);
  const names = Object.keys(runs[0] ?? {}).filter((name) => name !== 'weights' && name !== 'readMs');
  return [
    context('weights', `${(new Sample(of('weights')).median / 1e6).toFixed(1)} million`),
    context('one pass over the weights', new Sample(of('readMs')).show(0, ' ms')),
    ...names.map((name) => context(`${name} / one pass`, ratios(of(name), of('readMs')).show(1, '×'))),
  ];
}
