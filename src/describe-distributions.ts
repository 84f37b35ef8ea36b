import { type WeightTensor, weightTensorsOf } from './channels/weight-tensors.ts';
import { isFloat } from './ir/data-type.ts';
import type { Graph } from './ir/graph.ts';
import { labelOf } from './ir/node.ts';
import { magnitudeKeys } from './numeric/keys.ts';
import { selectLowest } from './numeric/select.ts';
import { ruleOf } from './ops/rules.ts';
import type { LayerDistribution } from './report/distribution.ts';

/** Bins of the magnitudes. */
const BINS = 40;

/** Norms that are listed at most. */
const MOST_NORMS = 256;

/** Steps between the points of a curve of shares, at most. */
const MOST_STEPS = 64;

/** The part of the weights that are called the top ones. */
const TOP = 0.1;

/**
 * How the weights of each layer are distributed, in the file's order: of every constant of floating-point numbers that a layer
 * sums with, and of embeddings that one sums with, too. Output channels are the positions along the axis that becomes the layer's
 * output; a weight without one such axis counts as one channel. float64 is taken as float32. What holds numbers that are not
 * finite is left out, and so are integers. Numbers are rounded to six significant digits, since they are for charts.
 *
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function describeDistributions(graph: Graph): readonly LayerDistribution[] {
  return weightTensorsOf(graph, ruleOf).flatMap((weight) => {
    const isSummed = weight.kind === 'weight' || (weight.kind === 'embedding' && weight.columns !== undefined);
    return isSummed && isFloat(weight.tensor.type) ? (distributionOf(weight) ?? []) : [];
  });
}

/** Undefined where some weight is not finite. */
function distributionOf({ name, nodes, tensor, rows }: WeightTensor): LayerDistribution | undefined {
  const read = tensor.floats();
  const floats = read instanceof Float32Array ? read : Float32Array.from(read);
  const { length } = floats;
  const channels = rows === undefined ? 1 : (tensor.dims[rows] ?? 1);
  const inner = rows === undefined ? length : tensor.dims.slice(rows + 1).reduce((size, dim) => size * dim, 1);
  const { most, zeros, squares } = measure(floats, channels, inner);
  // What is top must not be zero: of weights that are zero for the most part, fewer are.
  const top = Math.min(Math.max(1, Math.round(TOP * length)), length - zeros);
  const keys = magnitudeKeys('float32', new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  const { key, unranked } = selectLowest([keys], length - top);
  if (unranked.some((count) => count > 0)) return undefined;
  const { counts, above, tied } = count(floats, channels, inner, most, floatOfKey(key));
  counts[0] = (counts[0] as number) - zeros;
  const held = spreadTies(above, tied, top).sort().reverse();
  return {
    node: nodes[0] === undefined ? '' : labelOf(nodes[0]),
    initializer: name,
    weights: length,
    zeros,
    magnitudes: { most: rounded(most), counts: [...counts] },
    norms: evenly(squares.map(Math.sqrt).sort().reverse(), MOST_NORMS),
    channels,
    topShare: sharesOf(held, top),
    topGini: rounded(giniOf(held, top)),
  };
}

/** The largest magnitude, the number of zeros, and the sum of squares of each channel. */
function measure(
  floats: Float32Array,
  channels: number,
  inner: number,
): { readonly most: number; readonly zeros: number; readonly squares: Float64Array } {
  const squares = new Float64Array(channels);
  let [most, zeros] = [0, 0];
  for (let start = 0, channel = 0; start < floats.length; start += inner) {
    let sum = 0;
    for (let i = start; i < start + inner; i++) {
      const value = floats[i] as number;
      most = Math.max(most, Math.abs(value));
      zeros += Number(value === 0);
      sum += value * value;
    }
    squares[channel] = (squares[channel] as number) + sum;
    channel = channel + 1 === channels ? 0 : channel + 1;
  }
  return { most, zeros, squares };
}

/**
 * How many magnitudes lie in each bin, zeros in the first, and how many of each channel lie above a bound and how many on it.
 */
function count(
  floats: Float32Array,
  channels: number,
  inner: number,
  most: number,
  bound: number,
): { readonly counts: Uint32Array; readonly above: Float64Array; readonly tied: Float64Array } {
  // One bin more, since the largest lies at the end of the last.
  const bins = new Uint32Array(BINS + 1);
  const [above, tied] = [new Float64Array(channels), new Float64Array(channels)];
  const scale = most === 0 ? 0 : BINS / most;
  for (let start = 0, channel = 0; start < floats.length; start += inner) {
    let [over, on] = [0, 0];
    for (let i = start; i < start + inner; i++) {
      const magnitude = Math.abs(floats[i] as number);
      const bin = Math.trunc(magnitude * scale);
      bins[bin] = (bins[bin] as number) + 1;
      over += Number(magnitude > bound);
      on += Number(magnitude === bound);
    }
    above[channel] = (above[channel] as number) + over;
    tied[channel] = (tied[channel] as number) + on;
    channel = channel + 1 === channels ? 0 : channel + 1;
  }
  bins[BINS - 1] = (bins[BINS - 1] as number) + (bins[BINS] as number);
  return { counts: bins.subarray(0, BINS), above, tied };
}

/** How many top weights each channel holds: those above the bound, and its part of the room that is left for those on it. */
function spreadTies(above: Float64Array, tied: Float64Array, top: number): Float64Array {
  const room = top - sumOf(above);
  const part = room === 0 ? 0 : room / sumOf(tied);
  return above.map((each, channel) => each + part * (tied[channel] as number));
}

/** The share that the first k channels hold, for k evenly chosen from 0 to all. @param held descending */
function sharesOf(held: Float64Array, top: number): number[] {
  if (top === 0) return [0, 1];
  const shares = new Float64Array(held.length + 1);
  held.forEach((each, channel) => {
    shares[channel + 1] = (shares[channel] as number) + each;
  });
  return evenly(
    shares.map((each) => Math.min(1, each / top)),
    MOST_STEPS + 1,
  );
}

/**
 * The Gini coefficient of counts: half of their mean absolute difference over their mean; 0 where there are none.
 * Source: Gini, "Variabilità e mutabilità", 1912, in the form for sorted numbers.
 * @param held descending
 */
function giniOf(held: Float64Array, top: number): number {
  const { length } = held;
  if (top === 0) return 0;
  const ranked = held.reduce((sum, each, i) => sum + (length - i) * each, 0);
  return Math.max(0, (2 * ranked) / (length * top) - (length + 1) / length);
}

/** At most `most` of the numbers, evenly chosen, the first and the last among them. */
function evenly(numbers: Float64Array, most: number): number[] {
  const points = Math.min(numbers.length, most);
  return Array.from({ length: points }, (_, i) => {
    const place = points === 1 ? 0 : Math.round((i * (numbers.length - 1)) / (points - 1));
    return rounded(numbers[place] as number);
  });
}

function sumOf(numbers: Float64Array): number {
  return numbers.reduce((sum, each) => sum + each, 0);
}

function floatOfKey(key: number): number {
  return new Float32Array(Uint32Array.of(key).buffer)[0] as number;
}

function rounded(number: number): number {
  return Number(number.toPrecision(6));
}
