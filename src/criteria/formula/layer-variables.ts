import { OnnxPruneError, present } from '../../errors.ts';
import { addAbsSums, addSquareSums, type Floats, type Strides, stridesOf } from '../../numeric/slices.ts';
import { FORMULA_VARIABLES, type Variable } from './variables.ts';

/** How a weight lies in its layer; for a bias neither axis is there. */
export interface LayerAxes {
  /** The axis that the layer sums over: each position reads one input. */
  readonly columns: number | undefined;
  /** The axis of the layer's outputs. */
  readonly rows: number | undefined;
}

/** A weight tensor, and what was measured of its layer. */
interface Weight {
  readonly values: Floats;
  readonly dims: readonly number[];
  readonly axes: LayerAxes;
  readonly measured: ReadonlyMap<string, Float64Array>;
}

/**
 * The variables of a weight tensor that a formula may read; see `FORMULA_VARIABLES`. Statistics are in float64. Where
 * an axis is undefined, what is said of its rows or columns is said of the whole tensor, except that the fan is 1.
 *
 * @param values the weights, row-major
 * @param wanted names of variables; only these are computed
 * @param measured of the variables that need calibration: one number per input channel of the layer. A layer in groups
 *   has more input channels than columns: its rows, in as many equal parts, read one group each (Conv).
 * @returns those wanted but measured ones that are not given
 * @throws OnnxPruneError `internal` for names that no variable has, and for measurements that fit no axis
 */
export function weightVariables(
  values: Floats,
  dims: readonly number[],
  axes: LayerAxes,
  wanted: readonly string[],
  measured: ReadonlyMap<string, Float64Array> = new Map(),
): Map<string, Variable> {
  const weight: Weight = { values, dims, axes, measured };
  const variables = new Map<string, Variable>();
  for (const name of wanted) {
    const variable = FORMULA_VARIABLES[name]?.needsCalibration
      ? measuredVariable(name, weight)
      : present(STATISTICS.get(name), `the variable "${name}"`)(weight);
    if (variable !== undefined) variables.set(name, variable);
  }
  return variables;
}

/**
 * The variables that come from a layer's input, one number per channel of it.
 * @param statistics mean and mean square of each channel over the calibration data
 */
export function inputVariables(statistics: {
  readonly mean: Float64Array;
  readonly meanSquare: Float64Array;
}): Map<string, Float64Array> {
  const { mean, meanSquare } = statistics;
  // Rounding may leave the difference of equal numbers below zero.
  const variance = meanSquare.map((square, channel) => Math.max(0, square - (mean[channel] as number) ** 2));
  return new Map([
    ['mean_in', mean],
    ['mean_square_in', meanSquare],
    ['var_in', variance],
  ]);
}

/** How each variable that needs no calibration comes from the weight. */
const STATISTICS: ReadonlyMap<string, (weight: Weight) => Variable> = new Map<string, (weight: Weight) => Variable>([
  ['w', ({ values }) => ({ kind: 'elements', values })],
  ['n', ({ values }) => numeral(values.length)],
  ['fan_in', ({ values, dims, axes: { rows } }) => numeral(fan(values, dims, rows))],
  ['fan_out', ({ values, dims, axes: { columns } }) => numeral(fan(values, dims, columns))],
  ['mean', ({ values }) => numeral(meanOf(values))],
  ['std', ({ values }) => numeral(deviationOf(values))],
  ['mean_abs', ({ values }) => numeral(total(addAbsSums, values) / values.length)],
  ['max_abs', ({ values }) => numeral(largestOf(values))],
  ['norm', ({ values }) => numeral(Math.sqrt(total(addSquareSums, values)))],
  ['row_norm', (weight) => perSlice(weight, weight.axes.rows, addSquareSums, Math.sqrt)],
  ['column_norm', (weight) => perSlice(weight, weight.axes.columns, addSquareSums, Math.sqrt)],
  ['row_mean_abs', (weight) => perSlice(weight, weight.axes.rows, addAbsSums, average)],
  ['column_mean_abs', (weight) => perSlice(weight, weight.axes.columns, addAbsSums, average)],
]);

type AddSums = (data: Floats, strides: Strides, sums: Float64Array) => void;

const average = (sum: number, count: number): number => sum / count;

function numeral(value: number): Variable {
  return { kind: 'number', value };
}

function fan(values: Floats, dims: readonly number[], axis: number | undefined): number {
  return axis === undefined ? 1 : values.length / (dims[axis] ?? 1);
}

/** A sum over all elements. */
function total(add: AddSums, values: Floats): number {
  const sums = new Float64Array(1);
  add(values, { outer: 1, size: 1, inner: values.length }, sums);
  return sums[0] as number;
}

/** A statistic of each slice along an axis, or of the whole tensor. */
function perSlice(
  { values, dims }: Weight,
  axis: number | undefined,
  add: AddSums,
  from: (sum: number, count: number) => number,
): Variable {
  if (axis === undefined) return numeral(from(total(add, values), values.length));
  const strides = stridesOf(dims, axis);
  const sums = new Float64Array(strides.size);
  add(values, strides, sums);
  return { kind: 'axis', values: sums.map((sum) => from(sum, strides.outer * strides.inner)), strides };
}

function meanOf(values: Floats): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] as number;
  return sum / values.length;
}

/** In two passes: the difference of two big sums would lose what a far mean leaves. */
function deviationOf(values: Floats): number {
  const mean = meanOf(values);
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += ((values[i] as number) - mean) ** 2;
  return Math.sqrt(sum / values.length);
}

function largestOf(values: Floats): number {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  return largest;
}

/** What was measured of each input channel, spread over the weights that read it. */
function measuredVariable(name: string, { values, dims, axes, measured }: Weight): Variable | undefined {
  const channels = measured.get(name);
  if (channels === undefined) return undefined;
  const { columns, rows } = axes;
  if (columns !== undefined) {
    const inputs = stridesOf(dims, columns);
    if (channels.length === inputs.size) return { kind: 'axis', values: channels, strides: inputs };
    const groups = channels.length / inputs.size;
    const outputs = rows === undefined ? undefined : stridesOf(dims, rows);
    if (outputs !== undefined && Number.isInteger(groups) && outputs.size % groups === 0) {
      return { kind: 'elements', values: overGroups(channels, values.length, inputs, outputs, groups) };
    }
  }
  throw new OnnxPruneError(
    'internal',
    name,
    `Internal error: ${channels.length} values of ${name} do not fit a weight [${dims.join(', ')}]. Please report this with the model.`,
  );
}

function overGroups(
  channels: Float64Array,
  size: number,
  inputs: Strides,
  outputs: Strides,
  groups: number,
): Float64Array {
  const spread = new Float64Array(size);
  const rowsPerGroup = outputs.size / groups;
  for (let i = 0; i < size; i++) {
    const row = Math.floor(i / outputs.inner) % outputs.size;
    const column = Math.floor(i / inputs.inner) % inputs.size;
    spread[i] = channels[Math.floor(row / rowsPerGroup) * inputs.size + column] as number;
  }
  return spread;
}
