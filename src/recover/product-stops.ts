import type { RuleLookup } from '../channels/couplings.ts';
import type { Model } from '../ir/model.ts';
import type { Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import { isFloatType } from '../numeric/float-bytes.ts';
import type { InnerProduct } from '../ops/rule.ts';
import { MOST_FEATURES, whyShared } from './stops.ts';

/** A constant that a node multiplies inside, whose sums cannot be looked at: a matrix [rows, features] in row-major order. */
export interface ProductStop {
  readonly kind: 'product';
  readonly node: Node;
  readonly product: InnerProduct;
  readonly tensor: Tensor;
  readonly rows: number;
  readonly features: number;
  /** Groups of rows that are multiplied with numbers of their own. */
  readonly groups: number;
  /** Why it stays as it is: ends the sentence "… because …". */
  readonly fixed: string | undefined;
}

/** The constants that nodes of a model multiply inside, in executable order; those of a node as its rule lists them. */
export function productStopsOf({ graph }: Model, ruleOf: RuleLookup): ProductStop[] {
  return graph.sorted().flatMap((node) =>
    (ruleOf(node).products?.(node) ?? []).flatMap((product): ProductStop[] => {
      const { weight, groups } = product;
      const { tensor } = weight;
      const features = tensor?.dims.at(-1) ?? 0;
      if (tensor === undefined || !isFloatType(tensor.type) || features === 0) return [];
      const rows = tensor.size / features;
      return [
        { kind: 'product', node, product, tensor, rows, features, groups, fixed: whyFixed(node, product, features) },
      ];
    }),
  );
}

function whyFixed(node: Node, { weight }: InnerProduct, features: number): string | undefined {
  const tooMany =
    features > MOST_FEATURES ? `its rows have ${features} weights, more than ${MOST_FEATURES}` : undefined;
  return whyShared(node, weight) ?? tooMany;
}
