import type { Graph } from '../ir/graph.ts';
import { labelOf, nodesIn } from '../ir/node.ts';

/** ONNX's operators that draw random numbers: two runs give two outputs. Dropout does only in training mode. */
const RANDOM: ReadonlySet<string> = new Set([
  'Bernoulli',
  'Multinomial',
  'RandomNormal',
  'RandomNormalLike',
  'RandomUniform',
  'RandomUniformLike',
]);

/** The nodes of a graph, subgraphs included, that draw random numbers, as `operator "name"`. */
export function randomNodes(graph: Graph): string[] {
  return nodesIn(graph).flatMap((node) =>
    RANDOM.has(node.opType) && node.domain === '' ? [`${node.opType} "${labelOf(node)}"`] : [],
  );
}
