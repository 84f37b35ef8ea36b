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

function takeAxis(bytes: Uint8Array, dims: readonly number[], elementBytes: number, keep: Keep): Uint8Array {
  const size = dims[keep.axis] ?? 1;
  const outer = dims.slice(0, keep.axis).reduce((product, dim) => product * dim, 1);
  const inner = dims.slice(keep.axis + 1).reduce((product, dim) => product * dim, elementBytes);
  const out = new Uint8Array(outer * keep.indices.length * inner);
  const runs = runsOf(keep.indices);
  let to = 0;
  for (let block = 0; block < outer; block++) {
    const base = block * size * inner;
    for (const [start, length] of runs) {
      const from = base + start * inner;
      out.set(bytes.subarray(from, from + length * inner), to);
      to += length * inner;
    }
  }
  return out;
}

/**
 * Keeps the given indices along some axes of a row-major array, moving bytes only.
 * Cuts the outermost axis first, so that later cuts touch less; peak extra memory is two results.
 *
 * @param bytes `elementBytes` times the product of `dims`
 * @returns the bytes of the smaller array; its dims are `dims` with each kept axis replaced by the number kept
 */
export function take(
  bytes: Uint8Array,
  dims: readonly number[],
  elementBytes: number,
  keeps: readonly Keep[],
): Uint8Array {
  const shape = [...dims];
  let current = bytes;
  for (const keep of [...keeps].sort((a, b) => a.axis - b.axis)) {
    current = takeAxis(current, shape, elementBytes, keep);
    shape[keep.axis] = keep.indices.length;
  }
  return current;
}
