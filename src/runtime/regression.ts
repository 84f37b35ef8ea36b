import { floatsOf } from './measure.ts';
import { elementCount, isFloating, isSameButForOnes } from './tensor.ts';
import type { HostTensor, Regression } from './types.ts';

/** Adds up the squared errors of two models against targets that are numbers, batch by batch, in float64. */
export class RegressionMeasure {
  readonly #output: string;
  #total = 0;
  #squaresA = 0;
  #squaresB = 0;

  /** @param output the floating output that the targets are of; see `fitsNumbers` */
  constructor(output: string) {
    this.#output = output;
  }

  /** Adds one batch; nothing where A's output does not fit the targets. Where B's does not, its error is NaN for good. */
  add(a: Readonly<Record<string, HostTensor>>, b: Readonly<Record<string, HostTensor>>, targets: HostTensor): void {
    const left = a[this.#output];
    const right = b[this.#output];
    if (!fitsNumbers(left, targets) || left === undefined) return;
    const wanted = numbersOf(targets);
    this.#total += wanted.length;
    this.#squaresA += squaredError(floatsOf(left), wanted);
    this.#squaresB += squaredError(fitsNumbers(right, targets) && right ? floatsOf(right) : undefined, wanted);
  }

  /** The mean squared errors so far; NaN of nothing. */
  result(): Regression {
    const total = this.#total;
    return { output: this.#output, total, mseA: this.#squaresA / total, mseB: this.#squaresB / total };
  }
}

/**
 * Whether labels are numbers that an output should have: floating labels of the shape of a floating output, axes of length 1
 * aside. Of whole numbers only one per sample is taken so, with an output of one number per sample: in more axes they are
 * the numbers of classes.
 */
export function fitsNumbers(output: HostTensor | undefined, labels: HostTensor): boolean {
  if (output === undefined || floatsOf(output) === undefined || labels.type === 'string') return false;
  if (!isSameButForOnes(output.dims, labels.dims)) return false;
  return isFloating(labels.type) || (isOnePerSample(output) && isOnePerSample(labels));
}

/** Whether a tensor has one number for each entry of its first axis. */
export function isOnePerSample({ dims }: HostTensor): boolean {
  return elementCount(dims) === (dims[0] ?? 1);
}

function numbersOf(labels: HostTensor): Float32Array | Float64Array {
  return floatsOf(labels) ?? Float64Array.from(labels.data, Number);
}

function squaredError(values: Float32Array | Float64Array | undefined, wanted: Float32Array | Float64Array): number {
  if (values === undefined) return Number.NaN;
  let sum = 0;
  for (let i = 0; i < wanted.length; i++) {
    const error = (values[i] as number) - (wanted[i] as number);
    sum += error * error;
  }
  return sum;
}
