import type { ArrayFile } from './array-files.ts';
import { type ByteSource, type MakeScratch, partOf } from './byte-source.ts';
import {
  type ArrayHead,
  decodeNumbers,
  elementsIn,
  fromFortran,
  type NpyLayout,
  type NumpyArray,
  npyLayout,
} from './npy.ts';
import { HEADER_ROOM } from './npy-header.ts';
import { readingAhead } from './read-ahead.ts';
import { toSampleMajor } from './sample-major.ts';

/** An array in a .npy file, of which any entries along the first axis can be read. */
export interface NpyFile extends ArrayHead {
  /** Reads entries along the first axis. @param numbers ascending, each once */
  rows(numbers: readonly number[]): Promise<NumpyArray>;
}

/**
 * Opens a .npy file to read it by position.
 *
 * @param scratch makes room for the copy of an array in Fortran order
 * @param tell hears how many bytes of that were moved
 * @throws OnnxPruneError `bad-data` when it is no .npy file, is damaged, or holds something else than numbers.
 */
export async function openNpy(
  { bytes, source }: ArrayFile,
  scratch: MakeScratch,
  tell: (done: number, total: number) => void,
): Promise<NpyFile> {
  const layout = npyLayout(await bytes.read(0, Math.min(HEADER_ROOM, bytes.size)), bytes.size, source);
  const { shape, dtype, fortran, offset, width } = layout;
  const size = elementsIn(shape) * width;
  const payload = fortran
    ? await sampleMajor(bytes, layout, await scratch(size, source), tell)
    : partOf(bytes, offset, size);
  const reader = readingAhead(payload);
  const [, ...inner] = shape;
  const rowBytes = elementsIn(inner) * width;
  return {
    dtype,
    shape,
    rows: async (numbers) => {
      const found = await readRows(reader, rowBytes, numbers);
      const ordered = fortran && inner.length > 1 ? eachFromFortran(found, rowBytes, inner, width) : found;
      return decodeNumbers(ordered, [numbers.length, ...inner], layout);
    },
  };
}

async function sampleMajor(
  bytes: ByteSource,
  layout: NpyLayout,
  copy: Awaited<ReturnType<MakeScratch>>,
  tell: (done: number, total: number) => void,
): Promise<ByteSource> {
  let done = 0;
  await toSampleMajor(bytes, layout, copy, (moved) => {
    done += moved;
    tell(done, copy.size);
  });
  return copy;
}

/** Neighbours are read together, and what is one piece is not copied. */
async function readRows(payload: ByteSource, rowBytes: number, numbers: readonly number[]): Promise<Uint8Array> {
  const runs: Uint8Array[] = [];
  for (let from = 0; from < numbers.length; ) {
    const first = numbers[from] ?? 0;
    let to = from + 1;
    while (numbers[to] === first + to - from) to += 1;
    runs.push(await payload.read(first * rowBytes, (first + to - from) * rowBytes));
    from = to;
  }
  const [only] = runs;
  return runs.length === 1 && only !== undefined ? only : joined(runs, numbers.length * rowBytes);
}

function joined(parts: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Rows with their numbers moved so that the last axis runs fastest, where the first one did. */
function eachFromFortran(rows: Uint8Array, rowBytes: number, inner: readonly number[], width: number): Uint8Array {
  const result = new Uint8Array(rows.length);
  for (let at = 0; at < rows.length; at += rowBytes) {
    result.set(fromFortran(rows.subarray(at, at + rowBytes), width, inner), at);
  }
  return result;
}
