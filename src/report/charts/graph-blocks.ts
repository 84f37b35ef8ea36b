import type { Outline } from '../outline.ts';

/** Most ends of one kind that are drawn one by one. */
const MOST_ENDS = 10;
/** Most nodes of a block, which is still one thing to a person. */
const MOST_IN_BLOCK = 40;

/** A large graph with blocks in place of nodes. */
export interface Blocks {
  /** Numbers of the outline's nodes in each block, ascending; inputs before all others, outputs behind them. */
  readonly blocks: readonly (readonly number[])[];
  /** Numbers of blocks, from and to; each once. */
  readonly edges: readonly (readonly [number, number])[];
}

/**
 * Folds a graph into blocks of nodes that follow one another in the order of the graph, so that it stays one without cycles. Blocks end
 * where only a single way leads on (the end of a residual block, of an encoder) as far as the graph has such places; ways that begin at a
 * node nothing leads to, such as a table of positions, do not count there, nor do outputs. Many inputs, or many outputs, become one block.
 * @param most blocks between inputs and outputs; where there were more, as many neighbours everywhere are put together
 */
export function foldGraph({ nodes, edges }: Outline, most: number): Blocks {
  const entered = new Set(edges.map(([, to]) => to));
  const left = new Set(edges.map(([from]) => from));
  const numbers = nodes.map((_, index) => index);
  const isInput = (index: number): boolean => nodes[index]?.isLayer === false && !entered.has(index);
  const isOutput = (index: number): boolean => nodes[index]?.isLayer === false && !left.has(index) && !isInput(index);
  const inner = numbers.filter((index) => !isInput(index) && !isOutput(index));
  const blocks = [
    ...endsOf(numbers.filter(isInput)),
    ...evenly(parts(inner, furthest(edges.filter(([from, to]) => entered.has(from) && !isOutput(to)))), most),
    ...endsOf(numbers.filter(isOutput)),
  ];
  const blockOf = new Map(blocks.flatMap((block, number) => block.map((index) => [index, number] as const)));
  const seen = new Set<string>();
  const folded = edges.flatMap(([from, to]): (readonly [number, number])[] => {
    const [a, b] = [blockOf.get(from), blockOf.get(to)];
    if (a === undefined || b === undefined || a === b || seen.has(`${a} ${b}`)) return [];
    seen.add(`${a} ${b}`);
    return [[a, b]];
  });
  return { blocks, edges: folded };
}

function endsOf(ends: readonly number[]): readonly (readonly number[])[] {
  return ends.length > MOST_ENDS ? [ends] : ends.map((end) => [end]);
}

/** The furthest node that each node leads to. */
function furthest(edges: Outline['edges']): ReadonlyMap<number, number> {
  const far = new Map<number, number>();
  for (const [from, to] of edges) far.set(from, Math.max(to, far.get(from) ?? to));
  return far;
}

/** Nodes in their order, cut behind each that no way leads around, and where pieces would be too long. */
function parts(inner: readonly number[], far: ReadonlyMap<number, number>): number[][] {
  const found: number[][] = [];
  let reach = -1;
  let open: number[] = [];
  for (const index of inner) {
    open.push(index);
    if (reach <= index) {
      found.push(...chunks(open, Math.ceil(open.length / MOST_IN_BLOCK)));
      open = [];
    }
    reach = Math.max(reach, far.get(index) ?? -1);
  }
  return open.length === 0 ? found : [...found, ...chunks(open, Math.ceil(open.length / MOST_IN_BLOCK))];
}

function evenly(pieces: readonly number[][], most: number): number[][] {
  const together = Math.max(1, Math.ceil(pieces.length / most));
  return chunks(pieces, Math.ceil(pieces.length / together)).map((some) => some.flat());
}

/** A list in so many pieces of about the same length. */
function chunks<T>(list: readonly T[], count: number): T[][] {
  return Array.from({ length: count }, (_, k) =>
    list.slice(Math.floor((k * list.length) / count), Math.floor(((k + 1) * list.length) / count)),
  );
}
