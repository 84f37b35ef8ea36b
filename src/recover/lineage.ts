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

  /** The same for a copy of the model. @param originOf the value of the model that one of the copy stands for */
  seenFrom(originOf: (value: Value) => Value): Lineage {
    return new CopiedLineage(this, originOf);
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

/** How a copy of a model hangs together with what the model was. */
class CopiedLineage extends Lineage {
  readonly #own: Lineage;
  readonly #originOf: (value: Value) => Value;

  constructor(own: Lineage, originOf: (value: Value) => Value) {
    super(own.reference);
    this.#own = own;
    this.#originOf = originOf;
  }

  override isChanged(value: Value): boolean {
    return this.#own.isChanged(this.#originOf(value));
  }

  override kept({ value, dim }: Axis): readonly number[] | undefined {
    return this.#own.kept({ value: this.#originOf(value), dim });
  }
}
