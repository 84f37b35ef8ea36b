import { type PruneHooks, prune } from '../../../src/index.ts';
import { seededRandom } from '../../../src/numeric/random.ts';
import { childrenOf, peakOf } from '../peak-of.ts';

// Quantizes a model on random numbers: file, samples (0: without data), threads, mode. Prints how much faster and smaller it became, what
// runs on integers, the parts of time, seconds, and peak memory in bytes.
const [path = '', samples = '8', threads = '1', int8 = 'auto'] = process.argv.slice(2);
const random = seededRandom(1);
const noise = Float32Array.from({ length: 2 ** 20 }, () => random.normal());
/** Samples with neighbours that are alike, made when they are asked for. */
const calibration: PruneHooks['calibration'] = async ([input]) => {
  if (input === undefined) throw new Error('The model has no input');
  const dims = input.dims.slice(1).map(Number);
  const size = dims.reduce((product, each) => product * each, 1);
  return {
    count: Number(samples),
    labelled: false,
    batch: async (numbers) => {
      const data = new Float32Array(numbers.length * size);
      numbers.forEach((sample, i) => {
        for (let at = 0; at < size; at++)
          data[i * size + at] = noise[(sample * 7919 + (at >> 1)) % noise.length] as number;
      });
      return { feeds: { [input.name]: { type: 'float32', dims: [numbers.length, ...dims], data } }, labels: undefined };
    },
    close: async () => {},
  };
};
// The runtime's process ends before the run does, so it is looked at on the way.
let childPeak = 0;
const watch = setInterval(() => {
  for (const pid of childrenOf(process.pid)) childPeak = Math.max(childPeak, peakOf(pid));
}, 100);
const { latency, size, quantization, seconds } = await prune(
  path,
  { int8, threads, dryRun: true },
  samples === '0' ? {} : { calibration },
);
clearInterval(watch);
const speedUp = latency?.after.speedUp;
const fusion = quantization?.fusion;
const time = fusion?.time;
if (speedUp === undefined || !fusion || !time) throw new Error('There is no latency in the report');
console.log(
  JSON.stringify({
    speedUp: speedUp.median,
    p25: speedUp.p25,
    p75: speedUp.p75,
    beforeMs: latency?.before.median,
    fileRatio: size.before.fileBytes / (size.after.fileBytes ?? Number.NaN),
    integerNodes: fusion.integer,
    floatNodes: fusion.float,
    conversionNodes: fusion.conversions,
    layoutNodes: fusion.layout,
    ...Object.fromEntries(Object.entries(time).map(([task, share]) => [`time of ${task}`, share])),
    seconds: (seconds['measure ranges'] ?? 0) + (seconds['quantize'] ?? 0),
    ownPeak: peakOf(process.pid),
    childPeak,
  }),
);
