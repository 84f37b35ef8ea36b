import { holdsWeights } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { initializersIn, nodesIn } from '../ir/node.ts';
import { nonZerosOf } from '../ir/non-zeros.ts';
import type { Tensor } from '../ir/tensor.ts';
import { partsLength } from '../onnx/codec.ts';
import type { Bytes } from '../onnx/stored-bytes.ts';
import { countMacs } from '../ops/macs.ts';
import type { ModelSize } from '../report/report.ts';
import { GZIP_LIMIT, type GzipMeasure, gzipSize } from './gzip-size.ts';

export { GZIP_LIMIT } from './gzip-size.ts';

/**
 * Elements of all initializers that hold real numbers, quantized ones too; a tensor that several of them share counts
 * once.
 */
export function countParameters(graph: Graph): number {
  return weightTensors(graph).reduce((count, tensor) => count + tensor.size, 0);
}

/**
 * Those of them that are not zero. -0 is zero, and the elements of quantized weights are taken as the integers that they
 * are, without their zero point.
 *
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function countNonZeroParameters(graph: Graph): number {
  return weightTensors(graph).reduce((count, tensor) => count + nonZerosOf(tensor), 0);
}

/** The tensors of all initializers that hold real numbers, each once. */
function weightTensors(graph: Graph): Tensor[] {
  const tensors = new Set(initializersIn(graph).flatMap(({ tensor }) => (tensor === undefined ? [] : [tensor])));
  return [...tensors].filter(({ type }) => holdsWeights(type));
}

/**
 * The size of a model as it is now.
 * @param parts the bytes of its files
 * @param fileBytes how many they are, where the files were written by somebody else and are a few bytes longer or
 *   shorter, or compressed
 */
export async function measureSize(
  graph: Graph,
  parts: readonly Bytes[],
  fileBytes: number = partsLength(parts),
  { gzipLimit = GZIP_LIMIT, onProgress }: GzipMeasure = {},
): Promise<ModelSize> {
  const { macs, unknown } = countMacs(graph);
  return {
    parameters: countParameters(graph),
    nonZeros: countNonZeroParameters(graph),
    macs,
    macsUnknown: unknown,
    nodes: nodesIn(graph).length,
    fileBytes,
    gzipBytes: partsLength(parts) <= gzipLimit ? await gzipSize(parts, onProgress) : null,
  };
}

/** Bytes of a file of these parts, to the byte. @param compressed whether it is compressed, as `--gzip` does */
export function storedBytes(parts: readonly Bytes[], compressed: boolean): Promise<number> {
  return compressed ? gzipSize(parts) : Promise.resolve(partsLength(parts));
}
