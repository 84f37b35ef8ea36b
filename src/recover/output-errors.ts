import { present } from '../errors.ts';
import { intAttribute } from '../ir/attributes.ts';
import { dataTypeNumber } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';

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
    const wide = this.#wide(found);
    const [sum, squares, size] = [this.#total(wide), this.#squares(wide), this.#size(wide)];
    return (sums) => numberOf(sums, squares) - numberOf(sums, sum) ** 2 / Math.max(1, numberOf(sums, size));
  }

  /** Adds Σ (y − ŷ)² for what a value should be, which becomes an input. @returns that input, and what reads the sum */
  addError(found: Value): { readonly wanted: Value; readonly error: (sums: StageSums) => number } {
    const graph = this.#graph;
    const dims = (dimsOf(found) ?? []).map(() => undefined);
    const wanted = graph.addValue(graph.uniqueName('wanted'), found.type && { ...found.type, dims });
    graph.addInput(wanted);
    const error = this.#squares(this.#add('error', { opType: 'Sub', inputs: [this.#wide(wanted), this.#wide(found)] }));
    return { wanted, error: (sums) => numberOf(sums, error) };
  }

  #wide(value: Value): Value {
    if (elementTypeOf(value) === 'float32') return value;
    const attributes = [intAttribute('to', dataTypeNumber('float32'))];
    return this.#add('wide', { opType: 'Cast', inputs: [value], attributes });
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
    const name = this.#graph.uniqueName(`outputs_${stem}`);
    return present(this.#graph.addNode({ ...spec, name }, [name]).outputs[0], `the output of "${name}"`);
  }
}

function numberOf(sums: StageSums, name: string): number {
  return sums.get(name)?.[0]?.[0] ?? 0;
}
