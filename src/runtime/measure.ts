import { float16ToFloat32 } from '../numeric/float16.ts';
import { isFloating } from './tensor.ts';
import type { HostTensor, OutputComparison } from './types.ts';

/** Numbers of a floating tensor: float32 or float64 elements, row-major. */
export function floatsOf(tensor: HostTensor): Float32Array | Float64Array | undefined {
  const { type, data } = tensor;
  if (type === 'float16' && data instanceof Uint16Array) return float16ToFloat32(data);
  return data instanceof Float32Array || data instanceof Float64Array ? data : undefined;
}

/** Index of the first largest element of `length` elements from `start`, counted from `start`. */
export function argmax(values: Float32Array | Float64Array, start: number, length: number): number {
  let best = 0;
  let most = values[start] ?? Number.NEGATIVE_INFINITY;
  for (let i = 1; i < length; i++) {
    const value = values[start + i] as number;
    if (value > most) {
      most = value;
      best = i;
    }
  }
  return best;
}

/** Elements of an output by which batches are told apart. */
const SAMPLE = 1024;

/** Compares one output of two models, batch by batch. */
export class OutputMeasure {
  readonly #name: string;
  #type = '';
  #dims: readonly number[] = [];
  #problem: string | undefined;
  #count = 0;
  #mismatches = 0;
  #first: number | bigint | string | undefined;
  #constant = true;
  /** Some elements of the first batch, and whether every other batch had the same ones. */
  #sample: readonly unknown[] | undefined;
  #batches = 0;
  #unmoved = true;
  // Sums in float64, over the elements that are finite on both sides.
  #dot = 0;
  #squaresA = 0;
  #squaresB = 0;
  #squaresError = 0;
  #maxError = 0;
  #maxReference = 0;
  #rows = 0;
  #agreeing = 0;
  #nonFiniteA = 0;
  #nonFiniteB = 0;
  #nonFiniteAgree = true;

  constructor(name: string) {
    this.#name = name;
  }

  /** Adds one batch: A's output and B's, undefined where B has none of the name. */
  add(a: HostTensor, b: HostTensor | undefined): void {
    this.#type = a.type;
    this.#dims = a.dims;
    const problem = differenceInKind(a, b);
    if (problem !== undefined || b === undefined) {
      this.#problem ??= problem;
      return;
    }
    this.#moved(a);
    const left = floatsOf(a);
    const right = floatsOf(b);
    if (left === undefined || right === undefined) this.#addExact(a, b);
    else this.#addFloats(left, right, a.dims.at(-1) ?? 1);
  }

  /** The verdict over all batches so far. */
  result(): OutputComparison {
    const floating = isFloating(this.#type);
    const lengths = Math.sqrt(this.#squaresA) * Math.sqrt(this.#squaresB);
    // Equal vectors have cosine 1, which the rounding of the roots would miss by a hair.
    const same = this.#squaresError === 0;
    const cosine = same ? 1 : lengths > 0 ? Math.min(1, Math.max(-1, this.#dot / lengths)) : 0;
    const relative = same ? 0 : Math.sqrt(this.#squaresError / this.#squaresA);
    return {
      name: this.#name,
      type: this.#type,
      dims: this.#dims,
      count: this.#count,
      problem: this.#problem,
      identical: this.#problem === undefined && this.#mismatches === 0,
      mismatches: this.#mismatches,
      constant: this.#constant || (this.#batches > 1 && this.#unmoved),
      cosine: floating ? cosine : undefined,
      relativeL2: floating ? relative : undefined,
      maxAbsError: this.#type === 'string' ? undefined : this.#maxError,
      maxAbsReference: floating ? this.#maxReference : undefined,
      argmaxAgreement: this.#rows > 0 ? this.#agreeing / this.#rows : undefined,
      nonFinite: { a: this.#nonFiniteA, b: this.#nonFiniteB, agree: this.#nonFiniteAgree },
    };
  }

  #addExact(a: HostTensor, b: HostTensor): void {
    const length = a.data.length;
    this.#count += length;
    for (let i = 0; i < length; i++) {
      const value = a.data[i];
      this.#seen(value);
      const other = b.data[i];
      if (value === other) continue;
      this.#mismatches++;
      const error = Math.abs(difference(value, other));
      if (error > this.#maxError) this.#maxError = error;
    }
  }

  #addFloats(a: Float32Array | Float64Array, b: Float32Array | Float64Array, last: number): void {
    const length = a.length;
    this.#count += length;
    for (let i = 0; i < length; i++) {
      const x = a[i] as number;
      const y = b[i] as number;
      this.#seen(x);
      if (!Object.is(x, y) && x !== y) this.#mismatches++;
      const finiteX = Number.isFinite(x);
      const finiteY = Number.isFinite(y);
      if (!finiteX) this.#nonFiniteA++;
      if (!finiteY) this.#nonFiniteB++;
      if (finiteX && finiteY) {
        const error = x - y;
        this.#dot += x * y;
        this.#squaresA += x * x;
        this.#squaresB += y * y;
        this.#squaresError += error * error;
        if (Math.abs(error) > this.#maxError) this.#maxError = Math.abs(error);
        if (Math.abs(x) > this.#maxReference) this.#maxReference = Math.abs(x);
      } else if (!Object.is(x, y)) {
        this.#nonFiniteAgree = false;
      }
    }
    if (last < 2) return;
    for (let start = 0; start + last <= length; start += last) {
      this.#rows++;
      if (argmax(a, start, last) === argmax(b, start, last)) this.#agreeing++;
    }
  }

  /** Notes whether another batch gives another output; of other dims it does. */
  #moved({ data, dims }: HostTensor): void {
    this.#batches++;
    const stride = Math.ceil(data.length / SAMPLE) || 1;
    const sample: unknown[] = [...dims];
    for (let i = 0; i < data.length; i += stride) sample.push(data[i]);
    this.#sample ??= sample;
    const before = this.#sample;
    if (sample.length !== before.length || sample.some((value, i) => !Object.is(value, before[i])))
      this.#unmoved = false;
  }

  #seen(value: number | bigint | string | undefined): void {
    this.#first ??= value;
    if (this.#constant && value !== this.#first && !Object.is(value, this.#first)) this.#constant = false;
  }
}

/** a − b; of words, nothing. */
function difference(a: HostTensor['data'][number] | undefined, b: HostTensor['data'][number] | undefined): number {
  if (typeof a === 'bigint' && typeof b === 'bigint') return Number(a - b);
  return typeof a === 'number' && typeof b === 'number' ? a - b : 0;
}

function differenceInKind(a: HostTensor, b: HostTensor | undefined): string | undefined {
  if (b === undefined) return 'the other model has no such output';
  if (a.type !== b.type) return `type ${a.type} against ${b.type}`;
  const same = a.dims.length === b.dims.length && a.dims.every((size, axis) => size === b.dims[axis]);
  return same ? undefined : `shape [${a.dims.join(', ')}] against [${b.dims.join(', ')}]`;
}
