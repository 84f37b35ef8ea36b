import { floatsOf } from './measure.ts';
import { isSameButForOnes } from './tensor.ts';
import type { Accuracy, HostTensor } from './types.ts';

/** Counts the answers of two models that are the labels themselves, batch by batch: for outputs that hold answers and no scores. */
export class AnswerMeasure {
  readonly #output: string;
  #total = 0;
  #hitsA = 0;
  #hitsB = 0;

  /** @param output the output that holds answers; see `fitsAnswers` */
  constructor(output: string) {
    this.#output = output;
  }

  /** Adds one batch; nothing where A's output does not fit the labels. Where B's does not, its answers are wrong. Negative labels are skipped. */
  add(a: Readonly<Record<string, HostTensor>>, b: Readonly<Record<string, HostTensor>>, labels: HostTensor): void {
    const left = a[this.#output];
    const right = b[this.#output];
    if (left === undefined || !fitsAnswers(left, labels)) return;
    const other = right !== undefined && fitsAnswers(right, labels) ? right.data : [];
    for (let i = 0; i < labels.data.length; i++) {
      const label = plain(labels.data[i]);
      if (typeof label === 'number' && label < 0) continue;
      this.#total++;
      if (plain(left.data[i]) === label) this.#hitsA++;
      if (plain(other[i]) === label) this.#hitsB++;
    }
  }

  /** The counts so far; without scores there is no loss and nothing beside the first answer. */
  result(): Accuracy {
    return {
      output: this.#output,
      total: this.#total,
      hitsA: this.#hitsA,
      hitsB: this.#hitsB,
      top5A: null,
      top5B: null,
      lossA: Number.NaN,
      lossB: Number.NaN,
    };
  }
}

/** Whether an output of integers, booleans or words has the shape of labels of its kind, axes of length 1 aside. */
export function fitsAnswers(output: HostTensor | undefined, labels: HostTensor): boolean {
  if (output === undefined || floatsOf(output) !== undefined) return false;
  if ((output.type === 'string') !== (labels.type === 'string')) return false;
  return isSameButForOnes(output.dims, labels.dims);
}

/** Integers as numbers, whatever they are stored as. */
function plain(value: HostTensor['data'][number] | undefined): number | string | undefined {
  return typeof value === 'bigint' ? Number(value) : value;
}
