import { countNonZeros } from '../numeric/non-zeros.ts';
import { bitsOf, hasSignedZero } from './data-type.ts';
import type { Tensor } from './tensor.ts';

/**
 * Number of elements that are not zero, as they are stored: of floats, -0 counts as zero and NaN does not; of quantized
 * weights those count that are not the integer 0, whatever their zero point.
 *
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function nonZerosOf(tensor: Tensor): number {
  return countNonZeros(tensor.raw(), bitsOf(tensor.type), tensor.size, hasSignedZero(tensor.type));
}
