import type { Graph } from '../ir/graph.ts';
import type { Value } from '../ir/value.ts';

/**
 * Values that several nodes can read, so that each is made once a graph: a rounded constant, or what an input is rounded to.
 * What they are made of is not kept for that.
 */
export class SharedValues {
  readonly #made = new Map<Graph, WeakMap<object, Map<string, Value>>>();

  /**
   * The value in a graph that was made of something, or a new one.
   * @param source what it is made of, compared by identity
   * @param as what it is made to: one value for each
   */
  of(graph: Graph, source: object, as: string, make: () => Value): Value {
    const ofGraph = this.#made.get(graph) ?? new WeakMap<object, Map<string, Value>>();
    const ofSource = ofGraph.get(source) ?? new Map<string, Value>();
    this.#made.set(graph, ofGraph.set(source, ofSource));
    const value = ofSource.get(as) ?? make();
    ofSource.set(as, value);
    return value;
  }
}
