import { OnnxPruneError } from '../../errors.ts';
import type { Value } from '../../ir/value.ts';
import type { Floats } from '../../numeric/slices.ts';
import type { Formula } from './formula.ts';
import { type LayerAxes, weightVariables } from './layer-variables.ts';
import { explainNonFinite, firstNonFinite } from './non-finite.ts';
import { FORMULA_VARIABLES } from './variables.ts';

/** Of each weight, by its initializer: what formulas may read of the input of its layer, one number per input channel. */
export type MeasuredInputs = ReadonlyMap<Value, ReadonlyMap<string, Float64Array>>;

/** A formula and what was measured for it. */
export interface FormulaScores {
  readonly formula: Formula;
  /** Absent where no calibration data were given. */
  readonly measured: MeasuredInputs | undefined;
}

/** The variables of a formula that only calibration data can tell. */
export function measuredVariables({ variables }: Formula): string[] {
  return variables.filter((name) => FORMULA_VARIABLES[name]?.needsCalibration);
}

/** @throws OnnxPruneError `bad-option` where a formula reads what only calibration data can tell, and there are none */
export function checkCalibrated(formula: Formula, isCalibrated: boolean): void {
  const [first] = measuredVariables(formula);
  if (first === undefined || isCalibrated) return;
  throw new OnnxPruneError(
    'bad-option',
    '--criterion',
    `The formula "${formula.text}" reads ${first}, which is measured on data: give some with --calibration FILE, or leave ${first} out of it.`,
  );
}

/**
 * The scores of all elements of a weight, all finite.
 * @param values its elements, row-major
 * @throws OnnxPruneError `bad-option` where nothing was measured of the weight that the formula reads, and for scores that
 *   are not finite, with the element and the values of all variables there
 */
export function scoreWeight(
  { formula, measured }: FormulaScores,
  value: Value,
  values: Floats,
  axes: LayerAxes,
): Float32Array {
  const dims = value.tensor?.dims ?? [values.length];
  const ofLayer = axes.columns === undefined && axes.rows === undefined ? undefined : measured?.get(value);
  const variables = weightVariables(values, dims, axes, formula.variables, ofLayer);
  const missing = formula.variables.find((name) => !variables.has(name));
  if (missing !== undefined) {
    throw new OnnxPruneError(
      'bad-option',
      value.name,
      `The formula "${formula.text}" reads ${missing}, which is not known of "${value.name}": only inputs of convolutions and matrix products outside of bodies are measured; leave it out with --exclude "${value.name}", or ${missing} out of the formula.`,
    );
  }
  const scores = formula.evaluate(variables, values.length);
  const index = firstNonFinite(scores);
  if (index !== undefined) throw explainNonFinite(formula, variables, index, value.name);
  return scores;
}
