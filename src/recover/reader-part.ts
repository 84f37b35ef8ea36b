import type { Group } from '../channels/group.ts';
import { type GroupSums, meanDiagonal, meanSquareOf, ROUNDING } from './covariance.ts';
import { readMatrix } from './layer-matrix.ts';
import type { MeasuredReading } from './readings.ts';

/** What one group of a layer's rows does with the features that were told apart of the channels it reads. */
export interface ReaderPart {
  readonly part: number;
  /** Features that were told apart, and rows: where channels were looked at as a whole, each position of the kernel makes one. */
  readonly features: number;
  readonly rows: number;
}

/** The groups of rows of a layer. */
export function partsOf({ matrix, kernel }: MeasuredReading): ReaderPart[] {
  const positions = matrix.kernel / kernel;
  return Array.from({ length: matrix.groups }, (_, part) => ({
    part,
    features: matrix.features / positions,
    rows: (matrix.rows / matrix.groups) * positions,
  }));
}

/** The unit of a group, counted from its first, that each feature [features] belongs to; -1 for other features. */
export function unitsRead(
  { kernel }: MeasuredReading,
  { part, features }: ReaderPart,
  group: Group,
  unitsAlong: Int32Array,
): Int32Array {
  const channels = features / kernel;
  return Int32Array.from({ length: features }, (_, feature) => {
    const unit = (unitsAlong[part * channels + Math.floor(feature / kernel)] ?? -1) - group.first;
    return unit >= 0 && unit < group.count ? unit : -1;
  });
}

/** Where the weight of a row and a feature is among the elements that `readMatrix` gives. */
export function elementOf(
  { matrix, kernel }: MeasuredReading,
  { part }: ReaderPart,
  row: number,
  feature: number,
): number {
  const positions = matrix.kernel / kernel;
  const first = (part * matrix.rows) / matrix.groups;
  return (first + Math.floor(row / positions)) * matrix.features + feature * positions + (row % positions);
}

/** The weights [rows, features] of a part, row-major. */
export function weightsRead(reading: MeasuredReading, part: ReaderPart): Float64Array {
  const all = readMatrix(reading.matrix);
  const weights = new Float64Array(part.rows * part.features);
  for (let row = 0; row < part.rows; row++)
    for (let feature = 0; feature < part.features; feature++)
      weights[row * part.features + feature] = all[elementOf(reading, part, row, feature)] as number;
  return weights;
}

/** What sums a part reads are in. */
export function sumsOf({ count }: MeasuredReading, { part, features }: ReaderPart): GroupSums {
  return { group: part, features, count };
}

/** Part of the mean variance of what a layer reads that is added to each, so that copies can be told apart. */
const DAMPING = 1e-4;

/** What to add to the diagonal of a part's covariance [features, features], so that channels that say the same can be told apart. */
export function dampingOf(reading: MeasuredReading, part: ReaderPart, covariance: Float64Array): number {
  const square = meanSquareOf(reading, sumsOf(reading, part));
  return Math.max(DAMPING * meanDiagonal(covariance, part.features), ROUNDING * square);
}
