import type { Graph } from '../ir/graph.ts';
import { graphsIn } from '../ir/node.ts';

/**
 * Gives initializers of bodies names that no other initializer of the model has. The branches of an If do not see each
 * other, so that a file may name weights of both alike; but people, recipes and reports go by names.
 */
export function distinctNames(graph: Graph): void {
  const taken = new Set<string>();
  for (const each of graphsIn(graph)) {
    for (const value of [...each.initializers]) {
      if (value.tensor === undefined || !taken.has(value.name) || each.isOutput(value) || each.inputs.includes(value)) {
        taken.add(value.name);
        continue;
      }
      const twin = each.addInitializer(value.name, value.tensor);
      taken.add(twin.name);
      each.replaceUses(value, twin);
      each.removeInitializer(value);
    }
  }
}
