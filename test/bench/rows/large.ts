import { rmSync } from 'node:fs';
import { childrenOf, peakOf } from '../peak-of.ts';
import { runStep, startProgram } from '../process.ts';
import { atMost, context, type Line } from '../table.ts';
import type { Workshop } from '../workshop.ts';

/** Blocks of 268 MB: 2.1 GB unless ONNX_PRUNE_BENCH_BLOCKS says otherwise (32 are 8.6 GB, and need 26 GB of disk). */
const BLOCKS = Number(process.env['ONNX_PRUNE_BENCH_BLOCKS'] ?? 8);
/** What no run of a model of any size may take in memory, in bytes, its process of onnxruntime included. */
const MOST_MEMORY = 2e9;

const WAYS: readonly (readonly [string, readonly string[]])[] = [
  ['weights, one threshold for all', ['--unstructured', '60%', '--scope', 'global']],
  ['int8 weights', ['--int8', 'weights']],
  ['channels', ['--structured', '50%']],
  ['channels of one layer, --changed-only', ['--structured', '50%', '--only', 'product3_node', '--changed-only']],
];

/** A model whose weights stay in files: everything with its proof, against a plain copy of the files onto the disk. */
export async function largeRow(workshop: Workshop): Promise<Line[]> {
  const [model, result] = [workshop.path('large.onnx'), workshop.path('large.result.onnx')];
  const { bytes = 0 } = (await runStep(workshop, 'stack', [model, BLOCKS])).figures;
  const copy = await runStep(workshop, 'copy', [`${model}.data`, `${result}.data`]);
  const lines = [
    context('files', `${(bytes / 1e9).toFixed(1)} GB`),
    context('plain copy', `${(copy.ms / 1000).toFixed(1)} s`),
  ];
  for (const [what, options] of WAYS) {
    const started = startProgram([workshop.command, model, ...options, '-o', result, '--force', '-q']);
    let peaks = [0, 0];
    const look = setInterval(() => {
      const inside = childrenOf(started.pid).reduce((sum, pid) => sum + peakOf(pid), 0);
      peaks = [Math.max(peaks[0] ?? 0, peakOf(started.pid)), Math.max(peaks[1] ?? 0, inside)];
    }, 50);
    const ms = await started.ended.finally(() => clearInterval(look));
    const [own = 0, inside = 0] = peaks;
    lines.push(
      context(`time of ${what} / plain copy`, `${(ms / copy.ms).toFixed(1)}×`),
      atMost(
        `peak memory of ${what}`,
        `${(own / 1e6).toFixed(0)} MB + ${(inside / 1e6).toFixed(0)} MB of onnxruntime (${((own + inside) / bytes).toFixed(2)}× file)`,
        own + inside,
        MOST_MEMORY,
      ),
    );
  }
  for (const file of [model, `${model}.data`, result, `${result}.data`]) rmSync(file, { force: true });
  return lines;
}
