import { OnnxPruneError } from '../errors.ts';
import { type Histogram, HistogramBuilder } from '../numeric/histogram.ts';
import { floatsOf } from './measure.ts';
import { checkDims } from './running-sum.ts';
import type { HostTensor } from './types.ts';

/** How the elements of a tensor are spread over batches of any shape. */
export class RunningHistogram {
  readonly #name: string;
  readonly #builder = new HistogramBuilder();

  /** @param name of the output, for errors */
  constructor(name: string) {
    this.#name = name;
  }

  /** Counts the output of one batch. @throws OnnxPruneError `bad-data` unless it is float32, float64 or float16 */
  add(_batch: number, tensor: HostTensor): void {
    this.#builder.add(realsOf(this.#name, tensor));
  }

  result(): Histogram {
    return this.#builder.histogram;
  }
}

/** The largest of each element of a tensor over batches. */
export class RunningMost {
  readonly #name: string;
  #most: Float64Array | undefined;
  #dims: readonly number[] | undefined;

  /** @param name of the output, for errors */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Takes in the output of one batch.
   * @throws OnnxPruneError `bad-data` unless it is float32, float64 or float16, and of the dims of those before
   */
  add(batch: number, tensor: HostTensor): void {
    const data = realsOf(this.#name, tensor);
    this.#dims ??= tensor.dims;
    checkDims(this.#name, batch, tensor.dims, this.#dims);
    this.#most ??= new Float64Array(data.length).fill(Number.NEGATIVE_INFINITY);
    const most = this.#most;
    for (let i = 0; i < most.length; i++) most[i] = Math.max(most[i] as number, data[i] as number);
  }

  /** Row-major; NaN where an element was NaN. Empty before the first batch. */
  result(): Float64Array {
    return this.#most ?? new Float64Array(0);
  }
}

function realsOf(name: string, tensor: HostTensor): Float32Array | Float64Array {
  const data = floatsOf(tensor);
  if (data !== undefined) return data;
  const message = `Output "${name}" is ${tensor.type}, but only float32, float64 and float16 spread over numbers; cast it inside the model.`;
  throw new OnnxPruneError('bad-data', name, message);
}
