import { bitsOf } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { graphsIn, initializersIn } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { isPacked, takePacked } from '../numeric/packed.ts';
import { type Keep, take } from '../numeric/take.ts';
import type { RuleLookup } from './couplings.ts';
import type { Cut } from './cut.ts';

/**
 * Removes the units of a cut from the graph that its channel map was built on, bodies included: repairs attributes and shape constants,
 * cuts every initializer along every axis at once, and makes the known types true. Nothing here knows an operator.
 *
 * @param memory `reuse` writes what stays of large tensors over the tensors themselves, which nobody may read then:
 *   neither a clone of the graph nor the message that it came from
 */
export function shrink(graph: Graph, cut: Cut, ruleOf: RuleLookup, memory: 'copy' | 'reuse' = 'copy'): void {
  const before = new Map(initializersIn(graph).map((value) => [value, value.tensor]));
  const owners = new Map<Tensor, number>();
  for (const tensor of before.values()) if (tensor !== undefined) owners.set(tensor, (owners.get(tensor) ?? 0) + 1);
  // Repairs read the constants and lengths from before, so they come first; what they replace is cut already.
  for (const { node } of cut.map.couplings) ruleOf(node).repair?.(node, cut.kept, node.graph);
  for (const each of graphsIn(graph)) {
    for (const value of each.values) {
      if (value.tensor !== undefined) {
        if (before.get(value) !== value.tensor) continue;
        const own = memory === 'reuse' && owners.get(value.tensor) === 1 && value.tensor.byteLength >= WORTH_REUSING;
        const smaller = cutTensor(value, value.tensor, cut, own);
        if (smaller !== undefined) each.setTensor(value, smaller);
      } else if (value.type?.dims !== undefined) {
        const dims = value.type.dims.map((length, dim) => cut.kept({ value, dim })?.length ?? length);
        each.setType(value, { ...value.type, dims });
      }
    }
  }
}

/** Smaller tensors, in bytes, are copied: their memory is not worth the care. */
const WORTH_REUSING = 65_536;

/** The initializer without the positions that leave; undefined where it stays as it is. */
function cutTensor(value: Value, tensor: Tensor, cut: Cut, inPlace: boolean): Tensor | undefined {
  const keeps: Keep[] = [];
  const dims = tensor.dims.map((length, dim) => {
    const indices = cut.kept({ value, dim });
    if (indices === undefined) return length;
    keeps.push({ axis: dim, indices });
    return indices.length;
  });
  if (keeps.length === 0) return undefined;
  const bytes = tensor.raw();
  const bits = bitsOf(tensor.type);
  const rest = isPacked(bits)
    ? takePacked(bytes, tensor.dims, bits, keeps)
    : take(bytes, tensor.dims, bits / 8, keeps, inPlace ? bytes : undefined);
  return tensor.withData(dims, rest);
}
