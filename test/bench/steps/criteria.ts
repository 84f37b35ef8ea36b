import { buildChannelMap } from '../../../src/channels/build.ts';
import { criteria, scoreGroup } from '../../../src/criteria/criteria.ts';
import { importModel } from '../../../src/ir/model.ts';
import type { Value } from '../../../src/ir/value.ts';
import { normalise } from '../../../src/normalise/normalise.ts';
import { readModelFile } from '../../../src/onnx/read.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import { createEngine, RuntimeChild } from '../../../src/runtime/index.ts';

// Ranks every group of a model by every criterion, and reads all weights once. Prints ms, and the number of weights.
const [path = ''] = process.argv.slice(2);
const { model: proto, directory } = await readModelFile(path);
const model = importModel(proto, directory);
const child = new RuntimeChild();
await normalise(model, createEngine(child));
await child.close();
const map = buildChannelMap(model.graph, ruleOf);
const floatsOf = ({ tensor, name }: Value): Float32Array | Float64Array => {
  if (tensor === undefined) throw new Error(`"${name}" has no data`);
  return tensor.floats();
};
// Once for the compiler, once for the figures.
readAll();
const figures: Record<string, number> = { weights: readAll(), readMs: timed(readAll) };
for (const criterion of criteria) {
  const rank = (): void => {
    for (const group of map.groups) scoreGroup(criterion, group, { map, seed: 0, floatsOf });
  };
  // What takes long has been compiled long before it ends.
  const first = timed(rank);
  figures[criterion.name] = first > 1000 ? first : timed(rank);
}
console.log(JSON.stringify(figures));

/** One pass over all weights. @returns how many there are */
function readAll(): number {
  let [count, sum] = [0, 0];
  for (const value of model.graph.initializers) {
    const data = floatsOf(value);
    sum += sumOf(data);
    count += data.length;
  }
  if (Number.isNaN(sum)) throw new Error('The weights hold NaN');
  return count;
}

function sumOf(data: Float32Array | Float64Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i] ?? 0;
  return sum;
}

function timed(work: () => void): number {
  const start = performance.now();
  work();
  return performance.now() - start;
}
