import { addProducts, wholePanel } from '../../numeric/products.ts';
import type { Layer } from './problem.ts';

/**
 * What other weights do to the output of a layer, relative to the output: tr((Ŵ − W) H (Ŵ − W)ᵀ) / tr(W H Wᵀ). 0 where
 * both are zero, Infinity where only the output is. Cost: 2 · rows · columns² multiplications.
 * @param pruned Ŵ, row-major [rows, columns]
 * @param moment H where it is not that of the layer, such as that of samples held out
 */
export function relativeError(layer: Layer, pruned: Float64Array, moment: Float64Array = layer.moment): number {
  const { weights, rows, columns } = layer;
  const change = pruned.map((weight, i) => weight - (weights[i] as number));
  const error = energy(change, rows, columns, moment);
  return error === 0 ? 0 : error / energy(weights, rows, columns, moment);
}

/** tr(W H Wᵀ), not below zero: the mean square of what weights [rows, columns] give, summed over rows. */
export function energy(weights: Float64Array, rows: number, columns: number, moment: Float64Array): number {
  return rowEnergies(weights, rows, columns, moment).reduce((sum, each) => sum + each, 0);
}

/** The diagonal of W H Wᵀ [rows], not below zero: the mean square of what each row of weights [rows, columns] gives. */
export function rowEnergies(weights: Float64Array, rows: number, columns: number, moment: Float64Array): Float64Array {
  const image = new Float64Array(rows * columns);
  const [left, right] = [wholePanel(weights, columns), wholePanel(moment, columns)];
  addProducts(wholePanel(image, columns), 1, left, rows, right, columns, columns);
  return Float64Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = row * columns; i < (row + 1) * columns; i++) sum += (weights[i] as number) * (image[i] as number);
    return Math.max(sum, 0);
  });
}
