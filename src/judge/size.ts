import { holdsWeights } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, nodesIn } from '../ir/node.ts';
import { countMacs } from '../ops/macs.ts';
import type { ModelSize } from '../report/report.ts';

/** Beyond this, in bytes, compressing takes longer than everything else together, so the gzip size is not measured. */
export const GZIP_LIMIT: number = 64e6;

/**
 * Elements of all initializers that hold real numbers, quantized ones too; a tensor that several of them share counts
 * once.
 */
export function countParameters(graph: Graph): number {
  const tensors = new Set(initializersIn(graph).map(({ tensor }) => tensor));
  let count = 0;
  for (const tensor of tensors) if (tensor !== undefined && holdsWeights(tensor.type)) count += tensor.size;
  return count;
}

/**
 * The size of a model as it is now.
 * @param parts the bytes of its files
 * @param fileBytes how many they are, where the files were written by somebody else and are a few bytes longer or shorter
 */
export async function measureSize(
  graph: Graph,
  parts: readonly Uint8Array[],
  fileBytes: number = bytesOf(parts),
): Promise<ModelSize> {
  const { macs, unknown } = countMacs(graph);
  return {
    parameters: countParameters(graph),
    macs,
    macsUnknown: unknown,
    nodes: nodesIn(graph).length,
    fileBytes,
    gzipBytes: fileBytes <= GZIP_LIMIT ? await gzipBytes(parts) : null,
  };
}

/** Bytes of all parts together. */
export function bytesOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, part) => sum + part.byteLength, 0);
}

/** Bytes after gzip at level 6, compressed off the main thread. */
async function gzipBytes(parts: readonly Uint8Array[]): Promise<number> {
  const { AsyncGzip } = await import('fflate');
  return new Promise((resolve, reject) => {
    let total = 0;
    const stream = new AsyncGzip({ level: 6 }, (error, chunk, final) => {
      if (error) {
        reject(error);
        return;
      }
      total += chunk.byteLength;
      if (final) resolve(total);
    });
    parts.forEach((part, i) => {
      // The stream hands its input over to the thread, so it gets a copy (slice of a Buffer would be a view).
      stream.push(new Uint8Array(part), i === parts.length - 1);
    });
    if (parts.length === 0) resolve(0);
  });
}
