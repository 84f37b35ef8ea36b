/** Indices to keep along one axis of an array, ascending. */
export interface Keep {
  readonly axis: number;
  readonly indices: readonly number[];
}

/** Consecutive runs of ascending indices, as [start, length]: most cuts keep neighbours, which one copy moves. */
function runsOf(indices: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  for (const index of indices) {
    const last = runs[runs.length - 1];
    if (last !== undefined && last[0] + last[1] === index) last[1]++;
    else runs.push([index, 1]);
  }
  return runs;
}

/** One axis to be cut, seen from outside: bytes of one position along it, and the runs of positions that stay. */
interface Level {
  readonly axis: number;
  readonly stride: number;
  readonly runs: readonly (readonly [number, number])[];
}

/** The same bytes as numbers of 4 bytes. */
interface Words {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

/** Undefined where elements have another size or the bytes are not aligned. */
function wordsOf(bytes: Uint8Array, out: Uint8Array, elementBytes: number): Words | undefined {
  if (elementBytes !== 4 || bytes.byteOffset % 4 !== 0 || out.byteOffset % 4 !== 0) return undefined;
  return {
    from: new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4),
    to: new Uint32Array(out.buffer, out.byteOffset, out.byteLength / 4),
  };
}

function copyWords(words: Words, from: number, to: number, count: number): void {
  for (let i = 0; i < count; i++) words.to[to + i] = words.from[from + i] as number;
}

/** Runs of fewer bytes than this are faster moved element by element than by a call. */
const SHORT_RUN = 128;

/**
 * Keeps the given indices along some axes of a row-major array, moving bytes only. All axes are cut in one pass, so the
 * only memory it takes is the result, or none: what stays keeps its order and moves towards the front alone, so the result
 * may be written over the array itself.
 *
 * @param bytes `elementBytes` times the product of `dims`
 * @param into where the result goes, at its start: `bytes` itself, or nothing for memory of its own
 * @returns the bytes of the smaller array; its dims are `dims` with each kept axis replaced by the number kept
 */
export function take(
  bytes: Uint8Array,
  dims: readonly number[],
  elementBytes: number,
  keeps: readonly Keep[],
  into?: Uint8Array,
): Uint8Array {
  if (keeps.length === 0) return bytes;
  const inner = (from: number): number => dims.slice(from).reduce((product, dim) => product * dim, elementBytes);
  const byAxis = [...keeps].sort((a, b) => a.axis - b.axis);
  const levels: Level[] = byAxis.map(({ axis, indices }) => ({ axis, stride: inner(axis + 1), runs: runsOf(indices) }));
  const kept = new Map(keeps.map(({ axis, indices }) => [axis, indices.length]));
  const length = dims.reduce((product, dim, axis) => product * (kept.get(axis) ?? dim), elementBytes);
  const out = into?.subarray(0, length) ?? new Uint8Array(length);
  const words = wordsOf(bytes, out, elementBytes);
  let to = 0;

  /** Copies what stays of the block at `from`, which one position along the axis before `first` spans. */
  const copyBlock = (from: number, first: number, depth: number): void => {
    const level = levels[depth];
    if (level === undefined) return;
    const { axis, stride, runs } = level;
    const size = (dims[axis] ?? 1) * stride;
    const blocks = dims.slice(first, axis).reduce((product, dim) => product * dim, 1);
    for (let block = 0; block < blocks; block++) {
      const base = from + block * size;
      if (depth === levels.length - 1) copyRuns(base, stride, runs);
      else {
        for (const [start, length] of runs)
          for (let i = start; i < start + length; i++) copyBlock(base + i * stride, axis + 1, depth + 1);
      }
    }
  };

  const copyRuns = (base: number, stride: number, runs: Level['runs']): void => {
    for (const [start, length] of runs) {
      const from = base + start * stride;
      const count = length * stride;
      if (words !== undefined && count < SHORT_RUN) copyWords(words, from / 4, to / 4, count / 4);
      else out.set(bytes.subarray(from, from + count), to);
      to += count;
    }
  };

  copyBlock(0, 0, 0);
  return out;
}
