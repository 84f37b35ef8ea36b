import { isFloat } from '../ir/data-type.ts';
import type { Tensor } from '../ir/tensor.ts';
import { elementTypeOf, lengthOf } from '../ir/value.ts';
import { findParallels } from '../numeric/parallel-rows.ts';
import { type Floats, stridesOf } from '../numeric/slices.ts';
import type { Layer } from '../ops/rule.ts';
import { type ChannelNumbers, type NumberTable, ONES } from './channel-numbers.ts';
import { constantOf } from './constants.ts';
import type { RuleLookup } from './couplings.ts';

/** Rounding of the element types that weights are stored in, half a unit in the last place. */
const ROUNDING: Readonly<Record<string, number>> = {
  float32: 2 ** -24,
  float64: 2 ** -53,
  float16: 2 ** -11,
  bfloat16: 2 ** -8,
};
/** Roundings by which elements of a multiple may be off: its own, and those of the numbers that the multiple is found by. */
const ROUNDINGS = 4;

/**
 * Numbers what the output channels of a layer hold: those without weights hold their bias, and those whose weights and
 * bias are a multiple of another's hold that multiple.
 * @returns undefined where nothing is known, because the weights or the biases are computed or no rows are alike
 */
export function numberRows(layer: Layer, table: NumberTable, ruleOf: RuleLookup): ChannelNumbers | undefined {
  const weight = constantOf(layer.weight, ruleOf);
  const size = lengthOf(layer.out);
  if (weight === undefined || size === undefined || !isFloat(weight.type) || weight.dims[layer.rows] !== size)
    return undefined;
  const biases = biasesOf(layer, size);
  if (biases === undefined) return undefined;
  const inputs = inputsOfRows(layer, table, size);
  const strides = stridesOf(weight.dims, layer.rows);
  const data = weight.floats();
  const factors = inputs.scales.map((scale) => scale * layer.gain);
  const rows = { data, strides, factors, last: biases, classes: inputs.ids };
  // Weights may be stored coarser than they are computed with: then what they hold is exact.
  const rounding = Math.min(ROUNDING[weight.type] ?? 0, ROUNDING[elementTypeOf(layer.weight)] ?? 0);
  const { first, multiple, isZero } = findParallels(rows, ROUNDINGS * rounding);
  // In most layers no row is zero or like another.
  if (!isZero.includes(1) && first.every((leader, row) => leader === row) && !readsOnes(layer, inputs))
    return undefined;
  const ids = new Int32Array(size);
  const scales = new Float64Array(size);
  for (let row = 0; row < size; row++) {
    const leader = first[row] as number;
    if (isZero[row] === 1) scales[row] = biases[row] as number;
    else if (layer.isEven && layer.columns === undefined && inputs.ids[row] === ONES)
      scales[row] = (factors[row] as number) * sumOfRow(data, strides, row) + (biases[row] as number);
    else {
      if (leader === row) ids[row] = table.fresh();
      else ids[row] = ids[leader] as number;
      scales[row] = multiple[row] as number;
    }
    if (!Number.isFinite(scales[row])) [ids[row], scales[row]] = [table.fresh(), 1];
  }
  return { ids, scales, isUnknown: false };
}

/** Whether some row of a depthwise layer reads a channel that is the same number everywhere, and gives one that is. */
function readsOnes({ columns, isEven }: Layer, { ids }: ChannelNumbers): boolean {
  return columns === undefined && isEven && ids.includes(ONES);
}

/** The number that is added to each channel; undefined where it is computed or has another shape. */
function biasesOf({ bias }: Layer, size: number): Float64Array | undefined {
  if (bias.value === undefined) return new Float64Array(size);
  const { tensor }: { readonly tensor: Tensor | undefined } = bias.value;
  if (tensor === undefined || !isFloat(tensor.type)) return undefined;
  const isVector = tensor.size === size && (tensor.dims.at(-1) ?? 1) === size;
  if (!isVector && tensor.size !== 1) return undefined;
  const data = tensor.floats();
  return Float64Array.from({ length: size }, (_, i) => (data[isVector ? i : 0] as number) * bias.gain);
}

/**
 * What the rows read: all the same channels, those of their group, or, in a depthwise layer, one channel each, of which
 * several may be multiples of one another.
 */
function inputsOfRows(layer: Layer, table: NumberTable, size: number): ChannelNumbers {
  const { data, groups, columns } = layer;
  const perGroup = size / groups;
  const scales = new Float64Array(size).fill(1);
  if (columns !== undefined)
    return { ids: Int32Array.from({ length: size }, (_, row) => Math.floor(row / perGroup)), scales, isUnknown: false };
  const numbers = table.along(data, groups);
  const ids = Int32Array.from({ length: size }, (_, row) => numbers.ids[Math.floor(row / perGroup)] as number);
  return {
    ids,
    scales: scales.map((_, row) => numbers.scales[Math.floor(row / perGroup)] as number),
    isUnknown: numbers.isUnknown,
  };
}

function sumOfRow(
  data: Floats,
  { outer, size, inner }: { outer: number; size: number; inner: number },
  row: number,
): number {
  let sum = 0;
  for (let block = 0; block < outer; block++) {
    const from = (block * size + row) * inner;
    for (let at = from; at < from + inner; at++) sum += data[at] as number;
  }
  return sum;
}
