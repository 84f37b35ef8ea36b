import { OnnxPruneError } from '../errors.ts';
import type { HostTensor } from './types.ts';

/** A sum over batches. */
export interface StageSum {
  /** Dims of the output in every batch. */
  readonly dims: readonly number[];
  /** Row-major. Not finite where an element was not. */
  readonly data: Float64Array;
}

/**
 * Sums of a tensor over batches, in float64 because a thousand batches of float32 rounding is too much for a
 * Gram matrix that is to be inverted. Batch i goes to part i mod `parts`.
 */
export class RunningSum {
  readonly #name: string;
  readonly #parts: (Float64Array | undefined)[];
  #dims: readonly number[] | undefined;

  /** @param name of the output, for errors */
  constructor(name: string, parts: number) {
    this.#name = name;
    this.#parts = new Array<undefined>(parts).fill(undefined);
  }

  /**
   * Adds the output of one batch.
   * @param tensor float32 or float64, of the same dims as those before
   * @throws OnnxPruneError `bad-data` for another type or other dims
   */
  add(batch: number, { type, dims, data }: HostTensor): void {
    if (!(data instanceof Float32Array || data instanceof Float64Array)) {
      const message = `Output "${this.#name}" is ${type}, but only float32 and float64 are summed; cast it inside the model.`;
      throw new OnnxPruneError('bad-data', this.#name, message);
    }
    this.#dims ??= dims;
    checkDims(this.#name, batch, dims, this.#dims);
    const part = batch % this.#parts.length;
    const sum = this.#parts[part];
    if (sum === undefined) this.#parts[part] = new Float64Array(data);
    else addTo(sum, data);
  }

  /** The sum of each part; zeros for parts that no batch belongs to. Empty before the first batch. */
  result(): readonly StageSum[] {
    const dims = this.#dims;
    if (dims === undefined) return [];
    const length = dims.reduce((product, size) => product * size, 1);
    return this.#parts.map((sum) => ({ dims, data: sum ?? new Float64Array(length) }));
  }
}

/** @throws OnnxPruneError `bad-data` where an output has other dims in a batch than in those before */
export function checkDims(name: string, batch: number, dims: readonly number[], expected: readonly number[]): void {
  if (expected.length === dims.length && expected.every((size, axis) => size === dims[axis])) return;
  const message = `Output "${name}" is [${dims.join(', ')}] in batch ${batch} but [${expected.join(', ')}] in those before; what is taken together must have one shape, so reduce over the samples inside the model.`;
  throw new OnnxPruneError('bad-data', name, message);
}

function addTo(sum: Float64Array, data: Float32Array | Float64Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + (data[i] as number);
}
