import type { DataType } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { readsOf } from '../ir/node.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';

/**
 * Which values of a graph are needed at which time, when its nodes run one after the other: what has to be kept so that
 * the rest can run later without running the beginning again.
 */
export class Timeline {
  /** When a value is made; absent for inputs and constants, which are there from the start. */
  readonly #made = new Map<Value, number>();
  /** When it is read for the last time on the way to what is wanted. */
  readonly #lastRead = new Map<Value, number>();
  /** Values in the order they are made, with their times. */
  readonly #order: Value[] = [];
  readonly #kept = new Set<Value>();
  #next = 0;

  /** @param wanted values that somebody will ask for; nothing beyond them is looked at */
  constructor(graph: Graph, wanted: Iterable<Value>) {
    const nodes = graph.sorted();
    nodes.forEach((node, time) => {
      for (const value of node.outputs) {
        if (value === undefined) continue;
        this.#made.set(value, time);
        this.#order.push(value);
      }
    });
    const needed = new Set<Value>(wanted);
    for (let time = nodes.length - 1; time >= 0; time--) {
      const node = nodes[time];
      const outputs = (node?.outputs ?? []).filter((value) => value !== undefined);
      if (node === undefined || !outputs.some((value) => needed.has(value))) continue;
      // What cannot be kept is made again, of what it was made of.
      const until = outputs.reduce(
        (latest, value) => (isStorable(value) ? latest : Math.max(latest, this.#lastRead.get(value) ?? 0)),
        time,
      );
      for (const value of readsOf(node)) {
        needed.add(value);
        this.#lastRead.set(value, Math.max(this.#lastRead.get(value) ?? 0, until));
      }
    }
    for (const input of graph.inputs) if (input.tensor === undefined && needed.has(input)) this.#kept.add(input);
  }

  /** When a value is made, counted in nodes; -1 where it is there from the start. */
  timeOf(value: Value): number {
    return this.#made.get(value) ?? -1;
  }

  /** What is kept now: enough to make everything from now on. Inputs of the graph count from the start. */
  get kept(): ReadonlySet<Value> {
    return this.#kept;
  }

  /**
   * Moves on to a time: nodes before it have run.
   * @returns what has to be kept beyond what was before, and what nobody needs any more
   */
  advance(time: number): { readonly added: readonly Value[]; readonly dropped: readonly Value[] } {
    const added: Value[] = [];
    for (; this.#next < this.#order.length; this.#next++) {
      const value = this.#order[this.#next];
      if (value === undefined || this.timeOf(value) >= time) break;
      if (isStorable(value) && (this.#lastRead.get(value) ?? -1) >= time) added.push(value);
    }
    const dropped = [...this.#kept].filter((value) => (this.#lastRead.get(value) ?? -1) < time);
    for (const value of dropped) this.#kept.delete(value);
    for (const value of added) this.#kept.add(value);
    return { added, dropped };
  }
}

/** Types of elements that cannot leave the runtime, nor be fed to it. */
const INSIDE: ReadonlySet<DataType> = new Set([
  'undefined',
  'bfloat16',
  'complex64',
  'complex128',
  'float8e4m3fn',
  'float8e4m3fnuz',
  'float8e5m2',
  'float8e5m2fnuz',
  'uint4',
  'int4',
  'float4e2m1',
  'float8e8m0',
  'uint2',
  'int2',
]);

/** Whether a value can be kept and fed again: a tensor of a known type that crosses into JavaScript. */
function isStorable(value: Value): boolean {
  return !INSIDE.has(elementTypeOf(value)) && value.type?.dims !== undefined;
}
