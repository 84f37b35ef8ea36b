import { factorize, solve } from '../numeric/cholesky.ts';
import { covarianceOf, meanDiagonal } from './covariance.ts';
import { layerMatrix, readMatrix } from './layer-matrix.ts';
import type { Lineage } from './lineage.ts';
import type { ChannelMoments, Moments } from './moments.ts';
import type { Stop } from './stops.ts';
import type { LayerChange, Visit } from './walk.ts';

/** Ridge, as a part of the mean variance of the channels. */
const RIDGE = 1e-3;

/**
 * A layer with its weights of the whole model, in which what it read of channels that are gone, or are not what they were, is
 * made of what it reads now: with z ≈ z' + A·x + c, z' being x at the channels that stayed and A = C_(z−z')x (C_xx + λI)⁻¹, each
 * position of the kernel gets W·(S + A). For layers of which the channels as a whole are seen.
 * Source: GRAIL (2026) and CORP (2026), which fold a linear map of the remaining channels into the layer that reads them.
 *
 * @returns undefined where the whole model's weight has another form
 */
export function mixChannels(
  stop: Stop,
  moments: ChannelMoments,
  { halves, shares, affine }: Visit,
  lineage: Lineage,
): LayerChange | undefined {
  const { layer, matrix, whole } = stop;
  const before = whole && layerMatrix({ ...layer, weight: whole.weight });
  if (before === undefined || before.kernel !== matrix.kernel) return undefined;
  const { groups, kernel } = matrix;
  const channels = matrix.features / kernel;
  const all = before.features / kernel;
  const own = matrix.rows / groups;
  const rows = lineage.kept({ value: layer.weight, dim: layer.rows });
  const kept = lineage.kept(layer.data);
  const weights = readMatrix(before);
  const elements = new Float64Array(matrix.rows * matrix.features);
  for (let group = 0; group < groups; group++) {
    const stayed = Array.from({ length: channels }, (_, i) => wholeChannel(kept, group * channels + i, all));
    // Where positions of the output read different positions of the kernel, one bias cannot make up for what all of them lack.
    const map = channelMap(moments, { group, channels, all, stayed }, affine && stop.isLaidOut);
    for (let row = group * own; row < (group + 1) * own; row++) {
      const from = (rows?.[row] ?? row) * before.features;
      for (let place = 0; place < kernel; place++) {
        for (let z = 0; z < all; z++) {
          const weight = weights[from + z * kernel + place] as number;
          if (weight === 0) continue;
          for (let x = 0; x < channels; x++) {
            const at = row * matrix.features + x * kernel + place;
            elements[at] = (elements[at] as number) + weight * (map[x * all + z] as number);
          }
        }
      }
    }
  }
  return {
    matrix: elements,
    shift: affine ? shiftOf(stop, elements, moments, halves, shares) : new Float64Array(matrix.rows),
  };
}

/** The channel, within its group, that a channel was in the whole model. */
function wholeChannel(kept: readonly number[] | undefined, index: number, all: number): number {
  return (kept?.[index] ?? index) % all;
}

/** S + A, transposed: [channels, channels of the whole]. */
function channelMap(
  { gram, sum, wholeCross, wholeSum, count }: ChannelMoments,
  { group, channels, all, stayed }: { group: number; channels: number; all: number; stayed: readonly number[] },
  affine: boolean,
): Float64Array {
  const n = count[0] ?? 1;
  const mean = (x: number): number => (affine ? (sum[group * channels + x] as number) / n : 0);
  const covariance = covarianceOf({ sum, gram }, { group, features: channels, count: n }, affine);
  // Of z − z': what the channels that stayed give is taken off.
  const cross = new Float64Array(channels * all);
  for (let x = 0; x < channels; x++) {
    for (let z = 0; z < all; z++) {
      const product = wholeCross[(group * channels + x) * all + z] as number;
      cross[x * all + z] = (product - mean(x) * (wholeSum[group * all + z] as number)) / n;
    }
    stayed.forEach((z, y) => {
      const at = x * all + z;
      cross[at] = (cross[at] as number) - (covariance[x * channels + y] as number);
    });
  }
  const map = solve(factorize(covariance, channels, RIDGE * meanDiagonal(covariance, channels)), cross, all);
  stayed.forEach((z, x) => {
    map[x * all + z] = (map[x * all + z] as number) + 1;
  });
  return map;
}

/** What the output lacks on average, once the matrix has changed: exact where no zeros are read beyond a border. */
function shiftOf(
  { layer, matrix, isLaidOut }: Stop,
  elements: Float64Array,
  { sum, count }: ChannelMoments,
  halves: readonly Moments[],
  shares: Float64Array,
): Float64Array {
  const { rows, features, groups, kernel } = matrix;
  const current = readMatrix(matrix);
  const channels = features / kernel;
  const total = (pick: (half: Moments) => number): number => halves.reduce((all, half) => all + pick(half), 0);
  const positions = total((half) => half.count[0] ?? 0);
  // Each position that is read counts once with each of the kernel, however many positions are made of it.
  const share = isLaidOut ? 1 : (count[0] ?? 1) / positions;
  return Float64Array.from({ length: rows }, (_, row) => {
    const group = Math.floor((row * groups) / rows);
    let shift = ((shares[row] as number) * total((half) => half.errorSum[row] ?? 0)) / positions;
    for (let feature = 0; feature < features; feature++) {
      const at = row * features + feature;
      const mean = (sum[group * channels + Math.floor(feature / kernel)] as number) / (count[0] ?? 1);
      shift -= ((elements[at] as number) - (current[at] as number)) * layer.gain * mean * share;
    }
    return shift;
  });
}
