import type { Graph } from '../ir/graph.ts';
import { graphsIn } from '../ir/node.ts';
import { elementTypeOf } from '../ir/value.ts';
import type { InnerRounding } from '../runtime/index.ts';

/** How coarsely a model rounds between its operators: what its tensors other than constants are stored as. */
export function innerRounding(graph: Graph): ReadonlySet<InnerRounding> {
  const found = new Set<InnerRounding>();
  for (const each of graphsIn(graph)) {
    for (const value of each.values) {
      if (value.producer === undefined) continue;
      const rounding = ROUNDINGS.get(elementTypeOf(value));
      if (rounding !== undefined) found.add(rounding);
    }
  }
  return found;
}

const ROUNDINGS: ReadonlyMap<string, InnerRounding> = new Map([
  ['float16', 'float16'],
  ['bfloat16', 'float16'],
  ['int8', 'integers'],
  ['uint8', 'integers'],
]);
