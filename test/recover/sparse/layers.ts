import { addProducts, wholePanel } from '../../../src/numeric/products.ts';
import { selfProducts } from '../../../src/numeric/symmetric.ts';
import { transpose } from '../../../src/numeric/transpose.ts';
import type { Layer } from '../../../src/recover/sparse/problem.ts';
import { createRandom } from '../../support/random.ts';

export interface LayerShape {
  readonly rows: number;
  readonly columns: number;
  readonly seed: number;
  /** Four times the columns if not said. */
  readonly samples?: number;
  /** Inputs that are always zero. */
  readonly dead?: readonly number[];
}

export interface TestLayer extends Layer {
  /** H of as many other samples. */
  readonly check: Float64Array;
}

/** Normal weights over inputs such as layers read: ReLU of correlated values with a bias, of unequal sizes. */
export function reluLayer({ rows, columns, seed, samples = 4 * columns, dead = [] }: LayerShape): TestLayer {
  const random = createRandom(seed);
  const normal = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.normal());
  const latent = columns;
  // The latent values count less and less, so that inputs are correlated.
  const mix = normal(columns * latent).map((value, i) => value * Math.exp((-4 * (i % latent)) / latent));
  const [scales, biases] = [normal(columns).map((value) => Math.exp(value / 2)), normal(columns)];
  const moment = (): Float64Array => {
    const inputs = new Float64Array(samples * columns);
    const source = wholePanel(normal(samples * latent), latent);
    addProducts(wholePanel(inputs, columns), 1, source, samples, wholePanel(mix, latent), columns, latent);
    for (let i = 0; i < inputs.length; i++) {
      const j = i % columns;
      inputs[i] = dead.includes(j) ? 0 : Math.max(0, (inputs[i] ?? 0) + 0.3 * (biases[j] ?? 0)) * (scales[j] ?? 0);
    }
    return selfProducts(transpose(inputs, samples, columns), columns, samples).map((sum) => sum / samples);
  };
  return { weights: normal(rows * columns), rows, columns, moment: moment(), check: moment() };
}

/** How many are zero. */
export function countZeros(weights: Float64Array): number {
  return weights.reduce((count, weight) => count + Number(weight === 0), 0);
}

/** tr((Ŵ − W) H (Ŵ − W)ᵀ), by loops. */
export function outputError({ weights, rows, columns, moment }: Layer, pruned: Float64Array): number {
  let sum = 0;
  for (let row = 0; row < rows; row++) {
    const change = Array.from({ length: columns }, (_, j) => {
      return (pruned[row * columns + j] ?? Number.NaN) - (weights[row * columns + j] ?? Number.NaN);
    });
    change.forEach((a, i) => {
      change.forEach((b, j) => {
        sum += a * b * (moment[i * columns + j] ?? Number.NaN);
      });
    });
  }
  return sum;
}
