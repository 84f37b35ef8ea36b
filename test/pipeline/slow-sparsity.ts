import { slowestLeave } from '../numeric/weights.ts';
import { type DecodedWeight, decodeWeights } from './decode.ts';

/** Weights by name, as an independent decoder reads them. */
export type Weights = ReadonlyMap<string, DecodedWeight>;

/** Those of the weights of a file that layers multiply with: the ones with more than one axis. */
export function layerWeights(path: string): Weights {
  return new Map([...decodeWeights(path)].filter(([, { dims, floats }]) => dims.length > 1 && floats.length > 0));
}

/** Where a weight is zero. */
export function zerosIn({ floats }: DecodedWeight): boolean[] {
  return Array.from(floats, (value) => value === 0);
}

/** The number of zeros in weights. */
export function countZeros(weights: Weights): number {
  return [...weights.values()].reduce((sum, each) => sum + zerosIn(each).filter(Boolean).length, 0);
}

/** The number of weights. */
export function countWeights(weights: Weights): number {
  return [...weights.values()].reduce((sum, { floats }) => sum + floats.length, 0);
}

/** Where weights are zero, by name. */
export function allZeros(weights: Weights): Record<string, boolean[]> {
  return Object.fromEntries([...weights].map(([name, each]) => [name, zerosIn(each)]));
}

/** What each weight is worth. */
export type Score = (weight: DecodedWeight) => number[];

export const magnitude: Score = ({ floats }) => Array.from(floats, Math.abs);

/** w² over the sum of the squares of all weights of the tensor that are at least as large. */
export const layerAdaptive: Score = ({ floats }) =>
  Array.from(floats, (value) => {
    const larger = floats.filter((other) => Math.abs(other) >= Math.abs(value));
    return value === 0 ? 0 : value ** 2 / larger.reduce((sum, other) => sum + other ** 2, 0);
  });

/** |w| times the Euclidean norm of the weights that make the same output, where outputs are the first axis. */
export const timesRowNorm: Score = ({ dims, floats }) => {
  const width = floats.length / (dims[0] ?? 1);
  return Array.from(floats, (value, i) => {
    const row = floats.subarray(Math.floor(i / width) * width, (Math.floor(i / width) + 1) * width);
    return Math.abs(value) * Math.sqrt(row.reduce((sum, each) => sum + each ** 2, 0));
  });
};

/** Where weights must be zero after an amount left each of them, or all of them together, by sorting. */
export function expectedZeros(
  weights: Weights,
  amount: number,
  together: boolean,
  score: Score = magnitude,
): Record<string, boolean[]> {
  const names = [...weights.keys()];
  const scores = [...weights.values()].map(score);
  const countOf = (lists: readonly (readonly number[])[]): number =>
    Math.round(amount * lists.reduce((sum, { length }) => sum + length, 0));
  const leaves = together
    ? slowestLeave(scores, countOf(scores))
    : scores.flatMap((each) => slowestLeave([each], countOf([each])));
  return Object.fromEntries(names.map((name, i) => [name, leaves[i] ?? []]));
}

/** Groups of so many weights that lie side by side along an axis: the indices of each group's elements. */
export function groupsAlong({ dims, floats }: DecodedWeight, axis: number, size: number): number[][] {
  const stride = dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const length = dims[axis] ?? 1;
  const groups = new Map<string, number[]>();
  for (let i = 0; i < floats.length; i++) {
    const place = Math.floor(i / stride) % length;
    const key = `${Math.floor(i / (stride * length))} ${Math.floor(place / size)} ${i % stride}`;
    groups.set(key, [...(groups.get(key) ?? []), i]);
  }
  return [...groups.values()];
}
