import type { Node } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { axis, type CouplingBuilder, countedLength, lineUp, rankOf } from './coupling.ts';

/**
 * The batch, the first axis of all tensors that have a rank of three or more, passes from the queries to the others.
 * Sequences stay: every position is weighed against the others.
 */
export function passBatch(
  coupling: CouplingBuilder,
  node: Node,
  query: Value,
  others: readonly (Value | undefined)[],
): void {
  for (const other of others) {
    if (other === undefined || (rankOf(other) ?? 0) < 3) continue;
    if (other.tensor === undefined) lineUp(coupling, axis(other, 0), axis(query, 0));
    else if (other.tensor.dims[0] !== 1) {
      const reason = `${node.opType} has constants for each sample of it`;
      coupling.pin(other, 0, reason).pin(query, 0, reason);
    }
  }
  for (const value of [query, ...others]) {
    const rank = value && rankOf(value);
    // [batch, sequence, hidden], or [batch, heads, sequence, …].
    if (value !== undefined && (rank === 3 || rank === 4))
      coupling.pin(value, rank === 3 ? 1 : 2, `${node.opType} weighs its positions against one another`);
  }
}

/** Multiply-accumulates of the products with keys and with values, for queries of as many positions as keys. */
export function scoreMacs(query: Value, hidden: number | undefined, hiddenV: number | undefined): number | undefined {
  const [batch, ...rest] = dimsOf(query) ?? [];
  if (hidden === undefined || hiddenV === undefined || rest.length === 0) return undefined;
  const positions = countedLength(rest.length === 2 ? rest[0] : rest[1]);
  return countedLength(batch) * positions * positions * (hidden + hiddenV);
}
