import { addInputLike, append, asFloat32 } from '../ir/append.ts';
import { intAttribute } from '../ir/attributes.ts';
import { dataTypeNumber } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import type { Value } from '../ir/value.ts';

/** Sums that a stage gave, by the names of its outputs. */
export type StageSums = ReadonlyMap<string, readonly Float64Array[]>;

/** Adds nodes to a graph that sum over all elements of a value. */
export class OutputErrors {
  readonly #graph: Graph;
  readonly #names: string[] = [];

  constructor(graph: Graph) {
    this.#graph = graph;
  }

  /** The outputs that were added, all to be summed over batches. */
  get names(): readonly string[] {
    return this.#names;
  }

  /** Adds Σ y, Σ y² and the number of elements. @returns reads Σ (y − the mean of y)² off what they come to */
  addSpread(found: Value): (sums: StageSums) => number {
    const wide = asFloat32(this.#graph, found);
    const [sum, squares, size] = [this.#total(wide), this.#squares(wide), this.#size(wide)];
    return (sums) => numberOf(sums, squares) - numberOf(sums, sum) ** 2 / Math.max(1, numberOf(sums, size));
  }

  /** Adds Σ (y − ŷ)² for what a value should be, which becomes an input. @returns that input, and what reads the sum */
  addError(found: Value): { readonly wanted: Value; readonly error: (sums: StageSums) => number } {
    const wanted = addInputLike(this.#graph, found, 'wanted');
    const error = this.#squares(
      this.#add('error', { opType: 'Sub', inputs: [asFloat32(this.#graph, wanted), asFloat32(this.#graph, found)] }),
    );
    return { wanted, error: (sums) => numberOf(sums, error) };
  }

  #squares(value: Value): string {
    return this.#total(this.#add('squares', { opType: 'Mul', inputs: [value, value] }));
  }

  /** Over all axes, which holds for every operator set alike. */
  #total(value: Value): string {
    const attributes = [intAttribute('keepdims', 0)];
    return this.#give(this.#add('total', { opType: 'ReduceSum', inputs: [value], attributes }));
  }

  #size(value: Value): string {
    const size = this.#add('size', { opType: 'Size', inputs: [value] });
    const attributes = [intAttribute('to', dataTypeNumber('float64'))];
    return this.#give(this.#add('count', { opType: 'Cast', inputs: [size], attributes }));
  }

  #give(value: Value): string {
    this.#graph.addOutput(value);
    this.#names.push(value.name);
    return value.name;
  }

  #add(stem: string, spec: NodeSpec): Value {
    return append(this.#graph, `outputs_${stem}`, spec);
  }
}

function numberOf(sums: StageSums, name: string): number {
  return sums.get(name)?.[0]?.[0] ?? 0;
}
