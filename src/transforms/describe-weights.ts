import type { WeightTensor } from '../channels/weight-tensors.ts';
import { labelOf } from '../ir/node.ts';
import type { KeptWeight } from './select-weights.ts';

/** How many elements of a weight are zero. */
export interface PrunedLayer {
  readonly initializer: string;
  /** The nodes that read it. */
  readonly nodes: readonly string[];
  readonly dims: readonly number[];
  /** Its elements. */
  readonly weights: number;
  readonly zerosBefore: number;
  readonly zerosAfter: number;
  /** Fraction of them that is zero now. */
  readonly sparsity: number;
}

/** Constants that took no part, and why: ends the sentence "left whole because …". */
export interface WholeWeights {
  readonly reason: string;
  readonly layers: readonly {
    readonly initializer: string;
    /** The first node that reads it. */
    readonly node: string;
    /** Its elements. */
    readonly weights: number;
  }[];
}

/** Describes a weight that took part. */
export function describeLayer(
  { name, nodes, tensor }: WeightTensor,
  zerosBefore: number,
  zerosAfter: number,
): PrunedLayer {
  return {
    initializer: name,
    nodes: nodes.map(labelOf),
    dims: tensor.dims,
    weights: tensor.size,
    zerosBefore,
    zerosAfter,
    sparsity: zerosAfter / tensor.size,
  };
}

/** The constants that took no part by reason, the most elements first. */
export function describeKept(kept: readonly KeptWeight[]): WholeWeights[] {
  const byReason = new Map<string, WholeWeights['layers'][number][]>();
  for (const { weight, reason } of kept) {
    const node = weight.nodes[0];
    const layers = byReason.get(reason) ?? [];
    layers.push({
      initializer: weight.name,
      node: node === undefined ? '' : labelOf(node),
      weights: weight.tensor.size,
    });
    byReason.set(reason, layers);
  }
  const sizeOf = ({ layers }: WholeWeights): number => layers.reduce((sum, { weights }) => sum + weights, 0);
  return [...byReason].map(([reason, layers]) => ({ reason, layers })).sort((a, b) => sizeOf(b) - sizeOf(a));
}
