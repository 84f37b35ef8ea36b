import { OnnxPruneError } from '../errors.ts';
import { floatsOf } from './measure.ts';
import { isSameButForOnes } from './tensor.ts';
import type { Accuracy, HostTensor } from './types.ts';

type Floats = Float32Array | Float64Array;

/** What the rows of an output are: raw scores, probabilities, or logarithms of probabilities. */
type Scale = 'scores' | 'probabilities' | 'log-probabilities';

/** How far the sum of a row of probabilities may be from 1: float16 and integers round. */
const SUM_TOLERANCE = 1e-3;
/** A probability below is taken for this, since one row at exactly 0 would make the mean of all infinite. */
const LEAST_PROBABILITY = 1e-12;
/** How many guesses top-5 allows. */
const GUESSES = 5;

/** Answers of one model. */
class Answers {
  hits = 0;
  top = 0;
  loss = 0;

  add(values: Floats, start: number, classes: number, label: number, scale: Scale): void {
    const rank = rankOf(values, start, classes, label);
    if (rank === 0) this.hits++;
    if (rank < GUESSES) this.top++;
    this.loss += crossEntropy(values, start, classes, label, scale);
  }
}

/**
 * Counts the right answers of two models against labels, batch by batch, and adds up their cross-entropy.
 *
 * Whether an output holds raw scores, probabilities or their logarithms is decided once, by all rows of A's first batch:
 * probabilities lie in [0, 1] and add up to 1; logarithms of such are not above 0, and their log-sum-exp is 0. B is read
 * as A is, for its rounding may have spoilt the sums.
 */
export class AccuracyMeasure {
  readonly #output: string;
  readonly #a = new Answers();
  readonly #b = new Answers();
  #scale: Scale | undefined;
  #classes = 0;
  #total = 0;
  #answered = true;

  /** @param output the floating output whose rows along the last axis are the classes' scores; see `fitsClasses` */
  constructor(output: string) {
    this.#output = output;
  }

  /**
   * Adds one batch; nothing where A's output does not fit the labels.
   * @throws OnnxPruneError `bad-data` for labels that are no whole numbers or beyond the classes
   */
  add(a: Readonly<Record<string, HostTensor>>, b: Readonly<Record<string, HostTensor>>, labels: HostTensor): void {
    const left = a[this.#output];
    const right = b[this.#output];
    if (left === undefined || !fitsClasses(left, labels)) return;
    const classes = left.dims.at(-1) ?? 1;
    const answersA = floatsOf(left);
    const answersB = fitsClasses(right, labels) && right?.dims.at(-1) === classes ? floatsOf(right) : undefined;
    if (answersA === undefined) return;
    this.#scale ??= scaleOf(answersA, classes);
    this.#classes = classes;
    this.#answered &&= answersB !== undefined;
    for (const [row, raw] of labels.data.entries()) {
      const label = Number(raw);
      if (!Number.isInteger(label) || label >= classes) {
        throw new OnnxPruneError(
          'bad-data',
          'labels',
          `Label ${String(raw)} does not fit output "${this.#output}", which has ${classes} classes; labels are whole numbers from 0 to ${classes - 1}, negative ones are skipped.`,
        );
      }
      if (label < 0) continue;
      this.#total++;
      this.#a.add(answersA, row * classes, classes, label, this.#scale);
      if (answersB !== undefined) this.#b.add(answersB, row * classes, classes, label, this.#scale);
    }
  }

  /** The counts so far. Losses are NaN where there is nothing to take the mean of, or B did not answer everything. */
  result(): Accuracy {
    const many = this.#classes > GUESSES;
    return {
      output: this.#output,
      total: this.#total,
      hitsA: this.#a.hits,
      hitsB: this.#b.hits,
      top5A: many ? this.#a.top : null,
      top5B: many ? this.#b.top : null,
      lossA: this.#a.loss / this.#total,
      lossB: this.#answered ? this.#b.loss / this.#total : Number.NaN,
    };
  }
}

/**
 * Whether an output's rows along the last axis can answer the labels: floating [N, classes] for labels [N], [N, T, classes]
 * for [N, T], axes of length 1 aside, with two classes or more.
 */
export function fitsClasses(output: HostTensor | undefined, labels: HostTensor): boolean {
  if (output === undefined || floatsOf(output) === undefined || (output.dims.at(-1) ?? 1) < 2) return false;
  return isSameButForOnes(output.dims.slice(0, -1), labels.dims);
}

/**
 * How many elements of a row come before the label's: larger ones, and equal ones of a lower index, so that rank 0 is the
 * first maximum. NaN comes before everything, since a row with NaN gives no answer to rely on.
 */
function rankOf(values: Floats, start: number, classes: number, label: number): number {
  const own = values[start + label] as number;
  let rank = 0;
  for (let i = 0; i < label; i++) if (!((values[start + i] as number) < own)) rank++;
  for (let i = label + 1; i < classes; i++) if (!((values[start + i] as number) <= own)) rank++;
  return rank;
}

/** −log p of the label, in nats. */
function crossEntropy(values: Floats, start: number, classes: number, label: number, scale: Scale): number {
  const own = values[start + label] as number;
  if (scale === 'probabilities') return -Math.log(Math.max(own, LEAST_PROBABILITY));
  return scale === 'log-probabilities' ? -own : logSumExp(values, start, classes) - own;
}

/** log Σ exp of a row, from its largest element up, so that nothing overflows. */
function logSumExp(values: Floats, start: number, length: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = start; i < start + length; i++) most = Math.max(most, values[i] as number);
  let sum = 0;
  for (let i = start; i < start + length; i++) sum += Math.exp((values[i] as number) - most);
  return most + Math.log(sum);
}

function scaleOf(values: Floats, classes: number): Scale {
  let [areProbabilities, areLogarithms] = [values.length > 0, values.length > 0];
  for (let start = 0; start + classes <= values.length && (areProbabilities || areLogarithms); start += classes) {
    let [sum, least, most] = [0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = start; i < start + classes; i++) {
      const value = values[i] as number;
      sum += value;
      least = Math.min(least, value);
      most = Math.max(most, value);
    }
    areProbabilities &&= least >= 0 && most <= 1 && Math.abs(sum - 1) <= SUM_TOLERANCE;
    areLogarithms &&= most <= 0 && Math.abs(logSumExp(values, start, classes)) <= SUM_TOLERANCE;
  }
  if (areProbabilities) return 'probabilities';
  return areLogarithms ? 'log-probabilities' : 'scores';
}
