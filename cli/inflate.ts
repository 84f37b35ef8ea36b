import { Readable } from 'node:stream';
import { createInflateRaw } from 'node:zlib';
import { ZipDamage } from './zip-directory.ts';

const PIECE = 2 ** 20;

/**
 * Inflates raw deflate data (RFC 1951) piece by piece; what comes in and goes out waits in memory a piece at a time.
 * @throws ZipDamage in zlib's words where the data are damaged or cut off; what is behind their end is passed over
 */
export async function* inflate(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = Readable.from(compressed, { objectMode: false });
  const inflated = createInflateRaw({ chunkSize: PIECE });
  source.on('error', (error) => inflated.destroy(error));
  source.pipe(inflated);
  try {
    for await (const chunk of inflated) {
      const bytes: Uint8Array = chunk;
      yield bytes;
    }
  } catch (error) {
    throw isZlibError(error) ? new ZipDamage(error.message, { cause: error }) : error;
  } finally {
    source.destroy();
  }
}

function isZlibError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}
