import { seededRandom } from './random.ts';
import type { Floats, Strides } from './slices.ts';

/** Rows of a matrix that are spread over a row-major array, each with a factor, and with one more element at its end. */
export interface Rows {
  readonly data: Floats;
  /** Row r is the slice r along the axis. */
  readonly strides: Strides;
  /** Multiplies the elements of row r, but for the last one. */
  readonly factors: Float64Array;
  readonly last: Float64Array;
  /** Only rows of the same class are compared. */
  readonly classes: Int32Array;
}

/** The first row that each row is a positive multiple of, itself where there is none before it, and which multiple. */
export interface Parallels {
  readonly first: Int32Array;
  readonly multiple: Float64Array;
  /** 1 for rows that are zero, but for the last element. */
  readonly isZero: Uint8Array;
}

/** How far apart projections of parallel rows may be, in tolerances: far above what rounding makes of a sum, far below chance. */
const NEAR = 8;

/**
 * Finds rows that are positive multiples of one another, as far as the rounding of their elements allows.
 * A sample of each row, scaled to length 1, is projected on a random direction; rows whose projections are near one another
 * are compared element by element. So the cost is that of sorting the rows, whatever their length.
 *
 * @param tolerance how far an element may be off, as a part of itself: some roundings of its type
 */
export function findParallels(rows: Rows, tolerance: number): Parallels {
  const { strides, last, classes } = rows;
  const { size } = strides;
  const { norms, projections, isZero, isSampled } = project(rows);
  const first = Int32Array.from({ length: size }, (_, row) => row);
  const multiple = new Float64Array(size).fill(1);
  const order = Array.from({ length: size }, (_, row) => row)
    .filter((row) => isZero[row] === 0 && Number.isFinite(projections[row]))
    .sort(
      (a, b) =>
        (classes[a] as number) - (classes[b] as number) ||
        (isSampled[a] as number) - (isSampled[b] as number) ||
        (projections[a] as number) - (projections[b] as number) ||
        a - b,
    );
  let open: number[] = [];
  for (const row of order) {
    open = open.filter(
      (leader) =>
        classes[leader] === classes[row] &&
        (projections[row] as number) - (projections[leader] as number) <= NEAR * tolerance,
    );
    const leader = open.find((each) =>
      isMultiple(rows, row, each, (norms[row] as number) / (norms[each] as number), tolerance),
    );
    if (leader === undefined) open.push(row);
    else {
      first[row] = leader;
      multiple[row] = (norms[row] as number) / (norms[leader] as number);
    }
  }
  return leadersFirst({ first, multiple, isZero }, last.length);
}

/** Makes the row with the lowest number of each set its leader. */
function leadersFirst({ first, multiple, isZero }: Parallels, size: number): Parallels {
  const lowest = new Map<number, number>();
  for (let row = 0; row < size; row++) {
    const leader = first[row] as number;
    if (!lowest.has(leader)) lowest.set(leader, row);
  }
  const leaders = new Int32Array(size);
  const multiples = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    const leader = lowest.get(first[row] as number) ?? row;
    leaders[row] = leader;
    multiples[row] = leader === row ? 1 : (multiple[row] as number) / (multiple[leader] as number);
  }
  return { first: leaders, multiple: multiples, isZero };
}

/** Elements of a row that it is projected by: enough to tell rows apart, few beside the elements of a large one. */
const SAMPLE = 512;

/**
 * Lengths of all rows, their projections divided by them, and which rows are zero: of a sample of their elements, or, where
 * that is zero, of all of them. A multiple of a row is one of its sample too, and it is zero where the row's is.
 */
function project({ data, strides, factors, last }: Rows): {
  norms: Float64Array;
  projections: Float64Array;
  isZero: Uint8Array;
  isSampled: Uint8Array;
} {
  const { outer, size, inner } = strides;
  const length = outer * inner;
  const random = seededRandom(1);
  const direction = Float64Array.from({ length: length + 1 }, () => random.normal());
  // Where element k of the first row is; those of the others lie behind it in steps of `inner`.
  const place = (k: number): number => Math.floor(k / inner) * size * inner + (k % inner);
  const count = Math.min(length, SAMPLE);
  const sample = Float64Array.from({ length: count }, (_, i) => Math.floor((i * length) / count));
  const [places, towards] = [sample.map(place), sample.map((k) => direction[k] as number)];
  const [norms, projections] = [new Float64Array(size), new Float64Array(size)];
  const [isZero, isSampled] = [new Uint8Array(size), new Uint8Array(size)];
  for (let row = 0; row < size; row++) {
    const from = row * inner;
    let [square, sum] = [0, 0];
    for (let i = 0; i < count; i++) {
      const element = data[from + (places[i] as number)] as number;
      square += element * element;
      sum += element * (towards[i] as number);
    }
    // The squares of denormal numbers vanish, so that this is a question to the elements themselves.
    const isNothing = square === 0 && isZeroRow(data, strides, row);
    isSampled[row] = square === 0 ? 0 : 1;
    for (let k = 0; k < (isSampled[row] === 1 || isNothing ? 0 : length); k++) {
      const element = data[from + place(k)] as number;
      square += element * element;
      sum += element * (direction[k] as number);
    }
    const [factor, end] = [factors[row] as number, last[row] as number];
    isZero[row] = factor === 0 || isNothing ? 1 : 0;
    norms[row] = Math.sqrt(square * factor * factor + end * end);
    projections[row] = (sum * factor + end * (direction[length] as number)) / (norms[row] as number);
  }
  return { norms, projections, isZero, isSampled };
}

function isZeroRow(data: Floats, { outer, size, inner }: Strides, row: number): boolean {
  for (let block = 0; block < outer; block++) {
    const from = (block * size + row) * inner;
    for (let at = from; at < from + inner; at++) if (data[at] !== 0) return false;
  }
  return true;
}

function isMultiple(
  { data, strides, factors, last }: Rows,
  row: number,
  of: number,
  ratio: number,
  tolerance: number,
): boolean {
  const isNear = (a: number, b: number): boolean => Math.abs(a - b * ratio) <= tolerance * Math.abs(a);
  if (!isNear(last[row] as number, last[of] as number)) return false;
  const { outer, size, inner } = strides;
  const [factor, factorOf] = [factors[row] as number, factors[of] as number];
  for (let block = 0; block < outer; block++) {
    let at = (block * size + row) * inner;
    let atOf = (block * size + of) * inner;
    for (const end = at + inner; at < end; at++, atOf++)
      if (!isNear((data[at] as number) * factor, (data[atOf] as number) * factorOf)) return false;
  }
  return true;
}
