import type { Value } from '../ir/value.ts';
import { isFloatType } from '../numeric/float-bytes.ts';
import { countUnranked, magnitudeKeys } from '../numeric/keys.ts';

/** Why a layer with a constant weight stays in float, where integers could not say what it holds; undefined where they can. */
export function whyNotFinite({ name, tensor }: Value): string | undefined {
  if (tensor === undefined || !isFloatType(tensor.type)) return undefined;
  const count = countUnranked(magnitudeKeys(tensor.type, tensor.raw()));
  if (count === 0) return undefined;
  return `its weight "${name}" holds ${count} NaN or infinite ${count === 1 ? 'number' : 'numbers'}, which no integer stands for`;
}
