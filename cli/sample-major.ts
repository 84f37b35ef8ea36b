import { type ByteSource, partOf, type Scratch } from './byte-source.ts';
import type { NpyLayout } from './npy.ts';

/** What is held in memory at a time. */
const TILE = 16 * 2 ** 20;

/**
 * Copies the numbers of a file in Fortran order, where those of one sample lie far apart, so that each sample is in one
 * piece; inside of it the order stays as it is. Goes tile by tile, by whichever side makes fewer reads and writes.
 *
 * @param bytes the whole file
 * @param scratch room for all numbers
 * @param tell hears how many bytes were moved
 */
export async function toSampleMajor(
  bytes: ByteSource,
  { shape, width, offset }: NpyLayout,
  scratch: Scratch,
  tell: (bytes: number) => void,
): Promise<void> {
  const samples = shape[0] ?? 0;
  const numbers = scratch.size === 0 ? 0 : scratch.size / width / samples;
  const payload = partOf(bytes, offset, scratch.size);
  const tall = samples <= numbers;
  const rows = tall ? samples : Math.max(1, Math.floor(TILE / (numbers * width)));
  const columns = tall ? Math.max(1, Math.floor(TILE / (samples * width))) : numbers;
  for (let row = 0; row < samples; row += rows) {
    for (let column = 0; column < numbers; column += columns) {
      const tile = {
        row,
        column,
        rows: Math.min(rows, samples - row),
        columns: Math.min(columns, numbers - column),
      };
      await writeTile(scratch, tile, numbers * width, transpose(await readTile(payload, tile, samples, width), tile));
      tell(tile.rows * tile.columns * width);
    }
  }
}

interface Tile {
  readonly row: number;
  readonly column: number;
  readonly rows: number;
  readonly columns: number;
}

/** A part of the file column by column; one read where it takes whole columns. */
async function readTile(
  payload: ByteSource,
  { row, column, rows, columns }: Tile,
  samples: number,
  width: number,
): Promise<Uint8Array> {
  if (rows === samples) return payload.read(column * samples * width, (column + columns) * samples * width);
  const tile = new Uint8Array(rows * columns * width);
  for (let c = 0; c < columns; c += 1) {
    const start = ((column + c) * samples + row) * width;
    tile.set(await payload.read(start, start + rows * width), c * rows * width);
  }
  return tile;
}

function transpose(tile: Uint8Array, { rows, columns }: Tile): Uint8Array {
  const result = new Uint8Array(tile.length);
  const width = tile.length / rows / columns;
  let from = 0;
  for (let c = 0; c < columns; c += 1) {
    for (let r = 0; r < rows; r += 1) {
      const to = (r * columns + c) * width;
      for (let byte = 0; byte < width; byte += 1) result[to + byte] = tile[from + byte] as number;
      from += width;
    }
  }
  return result;
}

/** Puts a tile, row by row, where it belongs; one write where it has whole rows. */
async function writeTile(
  scratch: Scratch,
  { row, column, rows, columns }: Tile,
  rowBytes: number,
  tile: Uint8Array,
): Promise<void> {
  const length = tile.length / rows;
  if (length === rowBytes) return scratch.write(tile, row * rowBytes);
  const width = length / columns;
  for (let r = 0; r < rows; r += 1) {
    await scratch.write(tile.subarray(r * length, (r + 1) * length), (row + r) * rowBytes + column * width);
  }
}
