import type { Graph } from '../ir/graph.ts';
import { isVector } from './shared-vectors.ts';

/**
 * Removes Identity nodes: readers of the copy read the original. torch exports equal initializers as one initializer and
 * Identities of it, so this is what makes them plain weights again. An Identity that makes a graph output stays.
 */
export function removeIdentities(graph: Graph): boolean {
  let changed = false;
  for (const node of [...graph.nodes]) {
    const [from, to] = [node.inputs[0], node.outputs[0]];
    if (
      node.opType !== 'Identity' ||
      node.domain !== '' ||
      from === undefined ||
      to === undefined ||
      graph.isOutput(to)
    )
      continue;
    if (from.tensor !== undefined && isVector(from.tensor) && from.uses.size > 1) {
      // A vector stored once for many layers: each gets its own again, under the name it had.
      graph.replaceByInitializer(node, from.tensor);
      changed = true;
      continue;
    }
    graph.replaceUses(to, from);
    graph.removeNode(node);
    changed = true;
  }
  return changed;
}
