/**
 * Disjoint sets over the numbers 0 … size − 1, with union by size and path halving: near-linear in all.
 * Source: Tarjan, "Efficiency of a Good But Not Linear Set Union Algorithm", 1975.
 */
export class UnionFind {
  readonly #parent: Int32Array;
  readonly #size: Int32Array;

  constructor(size: number) {
    this.#parent = Int32Array.from({ length: size }, (_, i) => i);
    this.#size = new Int32Array(size).fill(1);
  }

  /** The number that stands for the set of `element`. */
  find(element: number): number {
    const parent = this.#parent;
    let node = element;
    for (let up = parent[node] as number; up !== node; up = parent[node] as number) {
      parent[node] = parent[up] as number;
      node = parent[node] as number;
    }
    return node;
  }

  /** Joins the sets of two elements and returns the number that stands for both now. */
  union(a: number, b: number): number {
    let [big, small] = [this.find(a), this.find(b)];
    if (big === small) return big;
    if ((this.#size[big] as number) < (this.#size[small] as number)) [big, small] = [small, big];
    this.#parent[small] = big;
    this.#size[big] = (this.#size[big] as number) + (this.#size[small] as number);
    return big;
  }
}
