import { type ByteProgress, gzipParts } from '../onnx/gzip.ts';
import type { Bytes } from '../onnx/stored-bytes.ts';

/** Beyond this, in bytes, compressing takes longer than everything else together, so the gzip size is not measured. */
export const GZIP_LIMIT: number = 64e6;

/** Whether and how the gzip size is measured. */
export interface GzipMeasure {
  /** Files of more bytes than this are not compressed; {@link GZIP_LIMIT} where left out, and Infinity for all. */
  readonly gzipLimit?: number | undefined;
  /** Hears how much has been compressed. */
  readonly onProgress?: ByteProgress | undefined;
}

/**
 * Bytes that a file of these parts has after gzip at level 6, to the byte those that `writeModelFile` would write of it.
 * Compressed in another thread, a few megabytes at a time.
 */
export async function gzipSize(parts: readonly Bytes[], onProgress?: ByteProgress): Promise<number> {
  let total = 0;
  for await (const chunk of gzipParts(parts, onProgress)) total += chunk.byteLength;
  return total;
}
