import { countNonZeros } from '../numeric/non-zeros.ts';
import { bitsOf, hasSignedZero } from './data-type.ts';
import type { Tensor } from './tensor.ts';

/** Tensors do not change, and some take long to read. */
const known = new WeakMap<Tensor, number>();

/**
 * Number of elements that are not zero, as they are stored: of floats, -0 counts as zero and NaN does not; of quantized
 * weights those count that are not the integer 0, whatever their zero point.
 *
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function nonZerosOf(tensor: Tensor): number {
  const count =
    known.get(tensor) ?? countNonZeros(tensor.raw(), bitsOf(tensor.type), tensor.size, hasSignedZero(tensor.type));
  known.set(tensor, count);
  return count;
}
