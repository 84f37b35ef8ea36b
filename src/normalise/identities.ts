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
    // A body may hand the copy out by name; it then has a reader that is not a node.
    if (to.uses.size > 0 || bodyOutputs(graph).has(to.name)) continue;
    graph.removeNode(node);
    changed = true;
  }
  return changed;
}

function bodyOutputs(graph: Graph): Set<string> {
  const names = new Set<string>();
  const visit = (inner: Graph): void => {
    for (const node of inner.nodes) {
      for (const { graphs } of node.attributes.values()) {
        for (const body of graphs) {
          for (const output of body.outputs) names.add(output.name);
          visit(body);
        }
      }
    }
  };
  visit(graph);
  return names;
}
