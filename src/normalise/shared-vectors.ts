import { holdsWeights } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';

/**
 * Whether an initializer holds one number per channel: a bias (int32 where it is quantized), a scale, a zero point, a
 * slope.
 */
export function isVector({ dims, type }: Tensor): boolean {
  return (holdsWeights(type) || type === 'int32') && dims.filter((dim) => dim > 1).length === 1;
}

/**
 * Gives every reader of a shared vector a copy of its own. Exporters store equal initializers once, so the zero biases of
 * all layers come as one: that would tie the channels of all of them together, though no one meant it. Weights of two
 * axes and more stay shared, since tying those is a decision of the model.
 */
export function untieVectors(graph: Graph): boolean {
  let changed = false;
  for (const value of [...graph.initializers]) {
    const { tensor } = value;
    if (tensor === undefined || !isVector(tensor)) continue;
    for (const reader of [...value.uses].slice(1)) {
      reader.inputs.forEach((input, index) => {
        if (input === value) reader.graph.setInput(reader, index, graph.addInitializer(value.name, tensor));
      });
      changed = true;
    }
  }
  return changed;
}

/** Takes copies back that nothing has set apart since: initializers that are the very same tensor. */
export function retieVectors(graph: Graph): void {
  const firsts = new Map<Tensor, Value>();
  for (const value of [...graph.initializers]) {
    const { tensor } = value;
    if (tensor === undefined || graph.isOutput(value)) continue;
    const first = firsts.get(tensor);
    if (first === undefined) firsts.set(tensor, value);
    else {
      graph.replaceUses(value, first);
      graph.removeInitializer(value);
    }
  }
}
