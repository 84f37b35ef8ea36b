import type { Floats, Strides } from '../../numeric/slices.ts';

/** What a variable is over a tensor: one number, one per element, or one per position along an axis of it. */
export type Variable =
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'elements'; readonly values: Floats }
  | { readonly kind: 'axis'; readonly values: Float64Array; readonly strides: Strides };

/** What a variable is, in one line for people, and whether only calibration data can tell it. */
export interface VariableFact {
  readonly summary: string;
  readonly needsCalibration: boolean;
}

const known = (summary: string): VariableFact => ({ summary, needsCalibration: false });
const measured = (summary: string): VariableFact => ({ summary, needsCalibration: true });

/** The variables that a formula may read. A row makes one output of its layer, a column reads one input. */
export const FORMULA_VARIABLES: Readonly<Record<string, VariableFact>> = {
  w: known('the weight'),
  n: known('number of weights in the tensor'),
  fan_in: known('weights per output of the layer (1 for a bias)'),
  fan_out: known('weights per input of the layer (1 for a bias)'),
  mean: known('mean of the weights in the tensor'),
  std: known('standard deviation of the weights in the tensor (over n, not n - 1)'),
  mean_abs: known('mean of |w| in the tensor'),
  max_abs: known('largest |w| in the tensor'),
  norm: known('Euclidean norm of the tensor'),
  row_norm: known('Euclidean norm of the weights that make the same output'),
  column_norm: known('Euclidean norm of the weights that read the same input'),
  row_mean_abs: known('mean of |w| over the weights that make the same output'),
  column_mean_abs: known('mean of |w| over the weights that read the same input'),
  mean_in: measured('mean of the input that the weight reads'),
  mean_square_in: measured('mean square of the input that the weight reads'),
  var_in: measured('variance of the input that the weight reads'),
};

/** The numbers that have a name. */
export const CONSTANTS: ReadonlyMap<string, number> = new Map([
  ['pi', Math.PI],
  ['e', Math.E],
]);

/** The value of a variable at one element of the tensor. */
export function valueAt(variable: Variable, element: number): number {
  switch (variable.kind) {
    case 'number':
      return variable.value;
    case 'elements':
      return variable.values[element] ?? Number.NaN;
    case 'axis': {
      const { inner, size } = variable.strides;
      return variable.values[Math.floor(element / inner) % size] ?? Number.NaN;
    }
  }
}
