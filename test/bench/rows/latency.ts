import { runStep } from '../process.ts';
import { interleave, ratios, Sample } from '../sample.ts';
import { context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 3;
const FIXTURES = ['mnist-cnn', 'cifar-resnet20', 'cifar-mobilenet'];
const ALIGNMENTS = ['auto', 'none'];

/** How much of the MACs saved comes back as time, with and without counts that the kernels like. */
export async function latencyRow(workshop: Workshop): Promise<Line[]> {
  const wide = workshop.path('wide.onnx');
  await runStep(workshop, 'generate', ['wide', wide]);
  const models = [
    ...FIXTURES.map((name) => ({ name, path: workshop.fixture(`${name}.onnx`), amount: '50%' })),
    { name: 'convs 64-128-256', path: wide, amount: '50%' },
    // Half of a power of two is aligned by itself; this is not.
    { name: 'convs 64-128-256', path: wide, amount: '45%' },
  ];
  const cases = models.flatMap((model) => ALIGNMENTS.map((align) => ({ ...model, align })));
  const results = await interleave(
    REPETITIONS,
    cases.map(
      ({ path, amount, align }) =>
        async () =>
          (await runStep(workshop, 'latency', [path, amount, align])).figures,
    ),
  );
  return cases.map(({ name, amount, align }, i) => {
    const runs = results[i] ?? [];
    const of = (key: string): number[] => runs.map((figures) => figures[key] ?? Number.NaN);
    const [mac, before] = [new Sample(of('macRatio')), new Sample(of('beforeMs'))];
    const won = ratios(of('speedUp'), of('macRatio'));
    return context(
      `${name}, ${amount}, --align ${align}`,
      `${new Sample(of('speedUp')).show(2, '×')} for ${mac.median.toFixed(2)}× fewer MACs: ${won.median.toFixed(2)} (from ${before.median.toFixed(2)} ms)`,
    );
  });
}
