import { timeNode } from '../process.ts';
import { interleave, ratios, Sample } from '../sample.ts';
import { atMost, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

const REPETITIONS = 21;

/** What it takes to say the version, against Node doing nothing. */
export async function startupRow(workshop: Workshop): Promise<Line[]> {
  const [nothing = [], version = [], help = []] = await interleave(REPETITIONS, [
    () => timeNode(['-e', '0']),
    () => timeNode([workshop.command, '--version']),
    () => timeNode([workshop.command, '--help']),
  ]);
  const total = new Sample(version);
  return [
    context('node -e 0', new Sample(nothing).show(0, ' ms')),
    atMost('onnx-prune --version', total.show(0, ' ms'), total.median, 100, ' ms'),
    context('onnx-prune --version / node -e 0', ratios(version, nothing).show(2, '×')),
    context('onnx-prune --help / node -e 0', ratios(help, nothing).show(2, '×')),
  ];
}
