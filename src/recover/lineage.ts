import type { Cut } from '../channels/cut.ts';
import type { Model } from '../ir/model.ts';
import { readsOf, subgraphsOf } from '../ir/node.ts';
import type { Axis, Value } from '../ir/value.ts';

/** How a model that channels left hangs together with the model that it was. */
export class Lineage {
  /** The model before the first cut. */
  readonly reference: Model;
  readonly #cuts: Cut[] = [];
  readonly #changed = new Set<Value>();

  constructor(reference: Model) {
    this.reference = reference;
  }

  /** Notes a cut; call it before the graph shrinks. */
  add(cut: Cut): void {
    this.#cuts.push(cut);
    // In executable order, bodies before the nodes that run them.
    for (const { node, coupling } of cut.map.couplings) {
      const isCut = (axis: Axis): boolean => cut.kept(axis) !== undefined;
      const mixesLess =
        coupling.contractions.some(({ input, dim }) => {
          const value = node.inputs[input];
          return value !== undefined && isCut({ value, dim });
        }) || (coupling.approximate ?? []).some(({ axis }) => isCut(axis));
      const read = [...readsOf(node), ...subgraphsOf(node).flatMap(({ outputs }) => outputs)];
      if (mixesLess || read.some((value) => this.#changed.has(value)))
        for (const value of node.outputs) if (value !== undefined) this.#changed.add(value);
    }
  }

  /** Whether what stays of a value may hold other numbers than in the reference, because something that was summed, or that statistics were taken over, has left. */
  isChanged(value: Value): boolean {
    return this.#changed.has(value);
  }

  /** The positions that stay along an axis, in the reference's numbering; undefined where all do. */
  kept(axis: Axis): readonly number[] | undefined {
    let kept: readonly number[] | undefined;
    for (const cut of this.#cuts) {
      const own = cut.kept(axis);
      if (own === undefined) continue;
      const before = kept;
      kept = before === undefined ? own : own.map((index) => before[index] as number);
    }
    return kept;
  }
}
