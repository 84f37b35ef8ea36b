import type { Node } from '../ir/node.ts';
import { type Dim, dimsOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, output, pinUnranked, pinValue, sameLength } from './coupling.ts';
import type { Alternative, AxisLink, Coupling, InnerAxis, Pin } from './rule.ts';

/** Dims [from, to) of one side that are regrouped with those of the other. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** An axis within a block: it advances every `stride` flat positions and repeats after `end = stride · length`. */
interface Digit {
  readonly dim: number;
  readonly stride: number;
  readonly end: number;
}

/**
 * Splits two shapes over the same elements into blocks that are regrouped separately: walking from the last dim to the
 * first, a block closes wherever the products meet. Dims of unknown length can only be lined up from the front.
 */
function blocksOf(before: readonly Dim[], after: readonly Dim[]): { blocks: [Span, Span][]; rest: [Span, Span] } {
  let front = 0;
  while (front < before.length && front < after.length && sameLength(before[front], after[front])) front++;
  const blocks: [Span, Span][] = [];
  for (let dim = 0; dim < front; dim++)
    blocks.push([
      { from: dim, to: dim + 1 },
      { from: dim, to: dim + 1 },
    ]);
  let [i, j] = [before.length, after.length];
  let [topI, topJ] = [i, j];
  let [left, right] = [1, 1];
  const closeBlock = (): void => {
    if (i < topI || j < topJ)
      blocks.push([
        { from: i, to: topI },
        { from: j, to: topJ },
      ]);
    [topI, topJ, left, right] = [i, j, 1, 1];
  };
  while (i > front || j > front) {
    const takeLeft = left <= right && i > front ? i : undefined;
    const next = takeLeft !== undefined || j <= front ? before[i - 1] : after[j - 1];
    if (
      left * right === 1 &&
      i > front &&
      j > front &&
      typeof before[i - 1] !== 'number' &&
      sameLength(before[i - 1], after[j - 1])
    ) {
      // An open length that both sides have between blocks passes as it is.
      closeBlock();
      i--;
      j--;
      closeBlock();
      continue;
    }
    if (typeof next !== 'number' || next === 0) break;
    if (takeLeft !== undefined || j <= front) {
      left *= next;
      i--;
    } else {
      right *= next;
      j--;
    }
    if (left === right && left > 1) closeBlock();
  }
  return {
    blocks,
    rest: [
      { from: front, to: topI },
      { from: front, to: topJ },
    ],
  };
}

function digitsOf(dims: readonly Dim[], span: Span): Digit[] {
  const digits: Digit[] = [];
  let stride = 1;
  for (let dim = span.to - 1; dim >= span.from; dim--) {
    const length = dims[dim];
    // In front of an axis of unknown length no stride is known.
    if (typeof length !== 'number') break;
    if (length > 1) digits.push({ dim, stride, end: stride * length });
    stride *= length;
  }
  return digits.reverse();
}

/** A link between the living factor [low, high) of the flat index and the axis that contains it. */
function factorOf(living: InnerAxis, low: number, high: number, value: Value, digit: Digit): AxisLink {
  return {
    a: living,
    b: axis(value, digit.dim),
    map: { kind: 'factor', outer: digit.end / high, inner: low / digit.stride },
  };
}

/**
 * The ways a block can live. A Reshape keeps the flat index; an axis of either side is one digit of it. Two digits meet
 * where their ranges overlap, and that overlap, one factor of the flat index, is what can leave as positions of both.
 * Only one factor of a block can live: a position that had to leave with two would drag everything along.
 */
function alternativesOf(node: Node, data: Value, out: Value, [before, after]: [Span, Span]): Alternative[] {
  const [left, right] = [digitsOf(dimsOf(data) ?? [], before), digitsOf(dimsOf(out) ?? [], after)];
  return meetings(node, [data, left], [out, right]).map(({ links, alive }) => ({
    links,
    pins: [[data, left] as const, [out, right] as const].flatMap(([value, digits], side) =>
      digits.flatMap(({ dim }): Pin[] =>
        dim === alive[side]
          ? []
          : [{ axis: axis(value, dim), reason: `${node.opType} folds it together with another axis that is pruned` }],
      ),
    ),
  }));
}

/** Where two digits meet, innermost first, which is the finest choice; `alive` are their axes. */
function meetings(
  node: Node,
  [data, left]: readonly [Value, readonly Digit[]],
  [out, right]: readonly [Value, readonly Digit[]],
): { links: AxisLink[]; alive: [number, number] }[] {
  const ways: { links: AxisLink[]; alive: [number, number] }[] = [];
  for (const i of left) {
    for (const j of right) {
      const low = Math.max(i.stride, j.stride);
      const high = Math.min(i.end, j.end);
      const nested =
        [i.stride, j.stride].every((stride) => low % stride === 0) && [i.end, j.end].every((end) => end % high === 0);
      if (low >= high || high % low !== 0 || !nested) continue;
      const living: InnerAxis = { node, name: `factor ${low}:${high} of ${out.name}`, length: high / low };
      const links = [factorOf(living, low, high, data, i), factorOf(living, low, high, out, j)];
      ways.push({ links, alive: [i.dim, j.dim] });
    }
  }
  return ways.reverse();
}

/**
 * The ways that axes in front of all of unknown length can live: `[N, C, h, w]` → `[N, G, ?]`. Their strides are unknown,
 * but not in proportion to one another, since both sides have the same number of elements behind them.
 */
function alternativesInFront(node: Node, a: [Value, Span], b: [Value, Span], reason: string): Alternative[] {
  const [left, right] = [a, b].map(([value, span]) => frontOf(dimsOf(value) ?? [], span));
  if (left === undefined || right === undefined) return [];
  const total = left.product * right.product;
  const digits = ({ lengths }: { lengths: readonly [number, number][] }): Digit[] => {
    let end = total;
    return lengths.flatMap(([dim, length]) => {
      const digit = { dim, stride: end / length, end };
      end /= length;
      return length > 1 ? [digit] : [];
    });
  };
  const ways = meetings(node, [a[0], digits(left)], [b[0], digits(right)]);
  return ways.map(({ links, alive }) => ({
    links,
    pins: [a, b].flatMap(([value, span], side) =>
      pinValue(value, reason, (dim) => dim >= span.from && dim < span.to && dim !== alive[side]),
    ),
  }));
}

/** The axes in front of the first of unknown length; undefined where none is unknown. */
function frontOf(dims: readonly Dim[], span: Span): { lengths: [number, number][]; product: number } | undefined {
  const lengths: [number, number][] = [];
  let product = 1;
  for (let dim = span.from; dim < span.to; dim++) {
    const length = dims[dim];
    if (typeof length !== 'number') return { lengths, product };
    if (length === 0) return undefined;
    lengths.push([dim, length]);
    product *= length;
  }
  return undefined;
}

/** How axes pass through an operator that keeps the flat index and regroups the dims: Reshape, Flatten. */
export function coupleRegrouping(node: Node): Coupling {
  const [data, out] = [input(node, 0), output(node)];
  const [before, after] = [dimsOf(data), dimsOf(out)];
  if (before === undefined || after === undefined) return pinUnranked(node);
  const coupling = new CouplingBuilder();
  const choices: Alternative[][] = [];
  const { blocks, rest } = blocksOf(before, after);
  for (const [left, right] of blocks) {
    const [i, j] = [left.from, right.from];
    if (left.to - i === 1 && right.to - j === 1) {
      coupling.same(axis(data, i), axis(out, j));
      continue;
    }
    const alternatives = alternativesOf(node, data, out, [left, right]);
    if (alternatives.length > 0) choices.push(alternatives);
    else pinSpans(coupling, [data, left], [out, right], `${node.opType} cuts it into pieces that do not nest`);
  }
  // Axes behind one of unknown length still have their strides: heads that are folded into an open batch, for example.
  const reason = `${node.opType} regroups it with an axis of unknown length`;
  const behind = alternativesOf(node, data, out, rest).map((way) => ({
    ...way,
    pins: [...way.pins, ...openPins([data, rest[0]], [out, rest[1]], reason)],
  }));
  const open = [...behind, ...alternativesInFront(node, [data, rest[0]], [out, rest[1]], reason)];
  if (open.length > 0) choices.push(open);
  else pinSpans(coupling, [data, rest[0]], [out, rest[1]], reason);
  if (choices.length === 0) return coupling;
  return { ...coupling, choices };
}

/** Pins on the axes of a block that have no stride. */
function openPins(a: [Value, Span], b: [Value, Span], reason: string): Pin[] {
  return [a, b].flatMap(([value, span]) => {
    const dims = dimsOf(value) ?? [];
    const known = new Set(digitsOf(dims, span).map((digit) => digit.dim));
    return pinValue(value, reason, (dim) => dim >= span.from && dim < span.to && !known.has(dim) && dims[dim] !== 1);
  });
}

function pinSpans(coupling: CouplingBuilder, a: [Value, Span], b: [Value, Span], reason: string): void {
  for (const [value, span] of [a, b]) {
    // An axis of length 1 takes no part: its one position stays in any case.
    const matters = (dim: number): boolean => dim >= span.from && dim < span.to && dimsOf(value)?.[dim] !== 1;
    coupling.pins.push(...pinValue(value, reason, matters));
  }
}
