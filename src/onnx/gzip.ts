import { constants } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { createGunzip } from 'node:zlib';
import { OnnxPruneError } from '../errors.ts';
import { type Bytes, piecesOf } from './stored-bytes.ts';

/** Hears of progress: bytes done and bytes in all, before compression. */
export type ByteProgress = (done: number, total: number) => void;

/** The usual level of gzip; sizes are reported for it. */
const level = 6;
/** Data go to the compressor in pieces of this size, wherever parts end, so that its output depends on the bytes alone. */
const pieceBytes = 2 ** 20;
/** The compressor has at most about this many bytes waiting. */
const queueBytes = 4 * pieceBytes;
/** Nothing unpacks to more than this many times its bytes (the format's own limit: https://zlib.net/zlib_tech.html). */
const mostRatio = 1032;

/**
 * What a file may unpack to in any case, and how many times its bytes beyond that: models of which nine in ten weights are zero
 * unpack to ten times, and ten megabytes of a bomb to ten gigabytes.
 */
const freeBytes = 2 ** 30;
const plausibleRatio = 128;

/** Whether bytes begin as those of gzip do (RFC 1952). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/**
 * Unpacks a gzip file while it is read, into memory of its own. With zlib and not fflate, because zlib checks the CRC.
 *
 * @param path how errors call the file
 * @param most bytes that it may have unpacked; where left out, what is plausible for its size and fits into a buffer
 * @throws OnnxPruneError `bad-model` where the file is truncated or damaged, `bad-file` where it has more bytes than `most`
 */
export async function gunzipFile(handle: FileHandle, path: string, most?: number): Promise<Uint8Array> {
  const { size } = await handle.stat();
  const limit = most ?? Math.min(Math.max(freeBytes, size * plausibleRatio), constants.MAX_LENGTH);
  const room = Math.min(Math.max(await statedLength(handle), pieceBytes), limit);
  let whole = Buffer.allocUnsafeSlow(room);
  let done = 0;
  const source = handle.createReadStream({ start: 0, autoClose: false, highWaterMark: pieceBytes });
  const unpacked = createGunzip({ chunkSize: pieceBytes });
  source.on('error', (error) => unpacked.destroy(error));
  source.pipe(unpacked);
  try {
    for await (const chunk of unpacked) {
      const bytes: Uint8Array = chunk;
      const needed = done + bytes.length;
      if (needed > limit) throw tooLong(path, limit, size);
      if (needed > whole.length) {
        const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, 2 * whole.length), limit));
        larger.set(whole.subarray(0, done));
        whole = larger;
      }
      whole.set(bytes, done);
      done = needed;
    }
  } catch (error) {
    throw isZlibError(error) ? damaged(path, error) : error;
  } finally {
    source.destroy();
  }
  return new Uint8Array(whole.buffer, whole.byteOffset, done);
}

/** The length that the last four bytes state, no more than can be; only a guess, since a file may have several members. */
async function statedLength(handle: FileHandle): Promise<number> {
  const { size } = await handle.stat();
  const tail = Buffer.alloc(4);
  await handle.read(tail, 0, 4, Math.max(0, size - 4));
  return Math.min(tail.readUInt32LE(), size * mostRatio);
}

/**
 * Compresses parts, one after the other, in another thread while this one does something else; no more than a few
 * megabytes wait on either side. The output depends on the bytes alone: it states no time and no name.
 *
 * @param onProgress hears how many bytes have been compressed; what it throws ends the work, and is thrown
 */
export async function* gzipParts(
  parts: readonly Bytes[],
  onProgress?: ByteProgress,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { AsyncGzip } = await import('fflate');
  const total = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const pieces = evenPieces(parts);
  let ready: Uint8Array[] = [];
  let failure: { readonly error: unknown } | undefined;
  let open = true;
  let compressed = 0;
  let wake = (): void => {};
  const stream = new AsyncGzip({ level, mtime: 0 }, (error, chunk, final) => {
    if (error) failure ??= { error };
    else ready.push(chunk);
    open = !final && !error;
    wake();
  });
  stream.ondrain = (size) => {
    compressed += size;
    // Thrown here, it would be thrown into an event of the thread, where nobody could catch it.
    try {
      onProgress?.(compressed, total);
    } catch (error) {
      failure ??= { error };
    }
    wake();
  };
  try {
    for (let fed = false; open || ready.length > 0; ) {
      while (!fed && stream.queuedSize < queueBytes) {
        const { value, done } = pieces.next();
        fed = done === true;
        // The thread takes the piece over. The end is an empty piece, so that no piece has to be known as the last.
        stream.push(value ?? new Uint8Array(0), fed);
      }
      // Nothing can happen between the look and the wait, so no event is missed.
      if (open && ready.length === 0 && failure === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (failure !== undefined) throw failure.error;
      const chunks = ready;
      ready = [];
      yield* chunks;
    }
    // The thread ends with its last output, before it could say that it has dealt with the last piece.
    onProgress?.(total, total);
  } finally {
    stream.terminate();
  }
}

/** Parts put together and cut into pieces of one size, each in memory of its own. */
function* evenPieces(parts: readonly Bytes[]): Generator<Uint8Array, undefined, undefined> {
  let piece = new Uint8Array(pieceBytes);
  let filled = 0;
  for (const part of piecesOf(parts)) {
    for (let from = 0; from < part.length; ) {
      const bytes = part.subarray(from, from + pieceBytes - filled);
      piece.set(bytes, filled);
      filled += bytes.length;
      from += bytes.length;
      if (filled < pieceBytes) continue;
      yield piece;
      piece = new Uint8Array(pieceBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield piece.slice(0, filled);
  return undefined;
}

function isZlibError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

function damaged(path: string, error: Error & { readonly code: string }): OnnxPruneError {
  const what =
    error.code === 'Z_BUF_ERROR'
      ? 'is compressed with gzip, but truncated'
      : `is compressed with gzip, but damaged (${error.message})`;
  return new OnnxPruneError('bad-model', path, `${path} ${what}; compress or copy it again.`, error);
}

function tooLong(path: string, most: number, size: number): OnnxPruneError {
  return new OnnxPruneError(
    'bad-file',
    path,
    `${path} has ${size} bytes and unpacks to more than ${most}, the most that can be read: unpack it, and keep its tensors in external data.`,
  );
}
