import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test, vi } from 'vitest';
import type { PruneOptions, Report } from '../../src/index.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { imageNet, sequenceNet } from '../format/nets.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { normalData } from '../pipeline/held-out.ts';

/** How many cores the machine seems to have: statistics are taken with as many threads. */
const machine = vi.hoisted(() => ({ cores: 1 }));
vi.mock('node:os', async (load) => ({
  ...(await load<typeof import('node:os')>()),
  availableParallelism: () => machine.cores,
}));

const child = new RuntimeChild();
afterAll(() => child.close());

const VERSIONS = { opset: 17, irVersion: 8 };
const NETS = {
  image: { bytes: imageNet(VERSIONS).bytes(), data: normalData(48, 3, { x: [3, 8, 8] }) },
  sequence: { bytes: sequenceNet(VERSIONS).bytes(), data: normalData(48, 3, { x: [6, 8] }) },
};

const WAYS: Readonly<Record<string, PruneOptions>> = {
  'channels, with recovery': { structured: 0.5, recover: 'least-squares' },
  'channels and weights by what is measured': {
    structured: 0.25,
    criterion: 'abs(w) * sqrt(mean_square_in)',
    unstructured: 0.5,
    weightCriterion: 'abs(w) * sqrt(mean_square_in)',
  },
  'weights, chosen on data': { unstructured: 0.5, oneShot: true },
  int8: { int8: true, rounding: 'gptq' },
};

/** A result, and what was said of it but for times, and for what the caller said of threads. */
async function run(
  net: keyof typeof NETS,
  options: PruneOptions,
  threads: number,
): Promise<{ readonly bytes: Buffer; readonly said: Partial<Report> }> {
  machine.cores = threads;
  const { bytes, data } = NETS[net];
  const folder = freshFolder();
  const output = folder.path('out.onnx');
  const calibration = async () => data;
  const settled = { ...options, threads, bench: false, output };
  const report = await pruneIn(child, folder.write('in.onnx', bytes), settled, { calibration });
  const { seconds: _, input: __, output: ___, options: ____, command: _____, ...said } = report;
  return { bytes: readFileSync(output), said };
}

// What an LSTM reads is not measured for formulas.
const PAIRS = (['image', 'sequence'] as const).flatMap((net) =>
  Object.keys(WAYS)
    .filter((way) => net === 'image' || !way.includes('measured'))
    .map((way) => [net, way] as const),
);

describe('whatever the threads, the result is the same byte for byte', { timeout: 120_000 }, () => {
  test.each(PAIRS)('of the %s net: %s', async (net, way) => {
    const options = WAYS[way] ?? expect.fail(`there is no way "${way}"`);
    const once = await run(net, options, 1);
    const again = await run(net, options, 3);
    expect(again.bytes.equals(once.bytes)).toBe(true);
    expect(again.said).toEqual(once.said);
  });
});
