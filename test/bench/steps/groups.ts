import { buildChannelMap } from '../../../src/channels/build.ts';
import { importModel } from '../../../src/ir/model.ts';
import { normalise } from '../../../src/normalise/normalise.ts';
import { readModelFile } from '../../../src/onnx/read.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import { createEngine, RuntimeChild } from '../../../src/runtime/index.ts';

// Normalises a graph and finds its groups. Prints the ms of our own work, of onnxruntime's answers and of the groups.
// Everything is done twice and the second time counts: a process that has just started mostly compiles.
const [path = ''] = process.argv.slice(2);
const child = new RuntimeChild();
const engine = createEngine(child);
let waiting = 0;
async function waited<T>(work: Promise<T>): Promise<T> {
  const start = performance.now();
  try {
    return await work;
  } finally {
    waiting += performance.now() - start;
  }
}
const figures = { normaliseMs: 0, runtimeMs: 0, groupsMs: 0, groups: 0, nodes: 0 };
for (let pass = 0; pass < 2; pass++) {
  const { model: proto, directory } = await readModelFile(path);
  const model = importModel(proto, directory);
  waiting = 0;
  const start = performance.now();
  await normalise(model, {
    inferShapes: (shell) => waited(engine.inferShapes(shell)),
    evaluate: (shell) => waited(engine.evaluate(shell)),
    observeShapes: (shell, names) => waited(engine.observeShapes(shell, names)),
  });
  const middle = performance.now();
  const map = buildChannelMap(model.graph, ruleOf);
  figures.normaliseMs = middle - start - waiting;
  figures.runtimeMs = waiting;
  figures.groupsMs = performance.now() - middle;
  figures.groups = map.groups.length;
  figures.nodes = model.graph.nodes.size;
}
await child.close();
console.log(JSON.stringify(figures));
