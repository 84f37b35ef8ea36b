import { availableParallelism } from 'node:os';
import { calibrationBatches } from '../../../src/calibrate/batches.ts';
import { CalibrationStages } from '../../../src/calibrate/stages.ts';
import { pruneInRounds } from '../../../src/channel-rounds.ts';
import { inputSpecs } from '../../../src/judge/inputs.ts';
import type { SampleSource } from '../../../src/judge/sample-source.ts';
import { loadModel } from '../../../src/load.ts';
import { seededRandom } from '../../../src/numeric/random.ts';
import { checkPruneOptions } from '../../../src/options/prune-options.ts';
import { createEngine, RuntimeChild } from '../../../src/runtime/index.ts';
import { Stopwatch } from '../../../src/stopwatch.ts';
import { withWorkspace } from '../../../src/workspace.ts';
import { peakOf } from '../peak-of.ts';

// Ranks, cuts and recovers a model: file, amount, samples. Prints seconds in all and in onnxruntime, and peak memory in bytes.
const [path = '', amount = '30%', samples = '256'] = process.argv.slice(2);
const child = new RuntimeChild({ deadlineMs: 3_600_000 });
const { model } = await loadModel(path, createEngine(child));
const specs = inputSpecs(model.graph);
const random = seededRandom(1);
const noise = Float32Array.from({ length: 2 ** 20 }, () => random.normal());
// Images with neighbours that are alike, made when they are asked for.
const source: SampleSource = {
  count: Number(samples),
  labelled: false,
  batch: async (numbers) => {
    const size = 3 * 224 * 224;
    const data = new Float32Array(numbers.length * size);
    numbers.forEach((sample, i) => {
      for (let at = 0; at < size; at++)
        data[i * size + at] = noise[(sample * 7919 + (at >> 3) + ((at % 224) >> 2) * 31) % noise.length] as number;
    });
    return { feeds: { image: { type: 'float32', dims: [numbers.length, 3, 224, 224], data } }, labels: undefined };
  },
  close: async () => {},
};
const clock = new Stopwatch();
let inRuntime = 0;
await withWorkspace(async (place) => {
  const settings = { child, place, memoryLimit: 2 ** 29, threads: availableParallelism() };
  const stages = await CalibrationStages.open(calibrationBatches(source, specs, { batch: 16 }), settings);
  const run = stages.run.bind(stages);
  stages.run = async (stage) => {
    const start = performance.now();
    try {
      return await run(stage);
    } finally {
      inRuntime += performance.now() - start;
    }
  };
  const options = checkPruneOptions({ structured: amount, verify: false }, true);
  const start = performance.now();
  await pruneInRounds(model, options, {
    clock,
    stages: async () => stages,
    formula: async () => undefined,
    map: undefined,
    trial: undefined,
    rankings: undefined,
    onPass: async () => {},
  });
  const total = performance.now() - start;
  const childPeak = peakOf(child.pid ?? process.pid);
  console.log(
    JSON.stringify({
      totalMs: total,
      inRuntimeMs: inRuntime,
      childPeak,
      ownPeak: peakOf(process.pid),
      ...clock.seconds,
    }),
  );
});
await child.close();
