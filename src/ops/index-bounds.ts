import type { Graph } from '../ir/graph.ts';
import type { Value } from '../ir/value.ts';
import { ruleOf } from './rules.ts';

/**
 * How large the integers of each graph input may be: the shortest axis that any operator looks them up in, following
 * operators that only hand elements on. Inputs that index nothing are absent.
 */
export function indexBounds(graph: Graph): ReadonlyMap<string, number> {
  const bounds = new Map<Value, number>();
  for (const node of graph.sorted().reverse()) {
    const rule = ruleOf(node);
    for (const { input, bound } of rule.indexes?.(node) ?? []) lower(bounds, input, bound);
    const [from, to] = [node.inputs[0], node.outputs[0]];
    const passed = to && bounds.get(to);
    if (rule.passesElements && from !== undefined && passed !== undefined) lower(bounds, from, passed);
  }
  return new Map(
    graph.inputs.flatMap((value) => (bounds.has(value) ? [[value.name, bounds.get(value) ?? 1] as const] : [])),
  );
}

function lower(bounds: Map<Value, number>, value: Value, bound: number): void {
  bounds.set(value, Math.min(bound, bounds.get(value) ?? bound));
}
