/**
 * Moves labels along one axis so that none overlap: each stays as near to where it wants to be as the others let it. Labels that
 * would overlap form a block centred on the mean of their wishes (the pool-adjacent-violators algorithm; Ayer et al. 1955,
 * "An empirical distribution function for sampling with incomplete information", for isotonic regression).
 * @param wishes where each wants to be, in pixels, in any order
 * @param gap least distance of neighbours
 * @param from @param to the range to stay in; where it is too short for all, they start at `from` and run past `to`
 * @returns where each comes to be, in the order of `wishes`
 */
export function spread(wishes: readonly number[], gap: number, from: number, to: number): number[] {
  const order = wishes.map((wish, index) => ({ wish, index })).sort((a, b) => a.wish - b.wish || a.index - b.index);
  // Without the gaps, places need only be in order.
  const blocks: { sum: number; count: number }[] = [];
  for (const [rank, { wish }] of order.entries()) {
    let block = { sum: wish - rank * gap, count: 1 };
    for (let last = blocks.at(-1); last !== undefined; last = blocks.at(-1)) {
      if (last.sum / last.count <= block.sum / block.count) break;
      block = { sum: block.sum + last.sum, count: block.count + last.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  const places = new Array<number>(wishes.length).fill(0);
  const last = to - (wishes.length - 1) * gap;
  let rank = 0;
  for (const { sum, count } of blocks) {
    const start = Math.max(from, Math.min(last, sum / count));
    for (let k = 0; k < count; k++, rank++) places[order[rank]?.index ?? 0] = start + rank * gap;
  }
  return places;
}
