import type { Cut } from '../channels/cut.ts';
import type { Model } from '../ir/model.ts';
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
    for (const { node, coupling } of cut.map.couplings) {
      const sumsLess = coupling.contractions.some(({ input, dim }) => {
        const value = node.inputs[input];
        return value !== undefined && cut.kept({ value, dim }) !== undefined;
      });
      if (sumsLess || node.inputs.some((value) => value !== undefined && this.#changed.has(value)))
        for (const value of node.outputs) if (value !== undefined) this.#changed.add(value);
    }
  }

  /** Whether what stays of a value may hold other numbers than in the reference, because something that was summed has left. */
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
