import { OnnxPruneError } from '../errors.ts';
import { argmax, floatsOf } from './measure.ts';
import type { Accuracy, HostTensor } from './types.ts';

/** Counts the right answers of two models against labels, batch by batch. */
export class AccuracyMeasure {
  #output: string | undefined;
  #total = 0;
  #hitsA = 0;
  #hitsB = 0;

  /**
   * Adds one batch. The first floating output that fits the labels ([N, classes] for [N], [N, T, classes] for [N, T];
   * axes of
   * length 1 aside) gives the answers, in all batches.
   * @throws OnnxPruneError `bad-data` for labels that are no whole numbers or beyond the classes
   */
  add(a: Readonly<Record<string, HostTensor>>, b: Readonly<Record<string, HostTensor>>, labels: HostTensor): void {
    this.#output ??= Object.keys(a).find((name) => fits(a[name], labels));
    const name = this.#output;
    if (name === undefined) return;
    const left = a[name];
    const right = b[name];
    if (left === undefined || !fits(left, labels)) return;
    const classes = left.dims.at(-1) ?? 1;
    const answersA = floatsOf(left);
    const answersB = fits(right, labels) && right?.dims.at(-1) === classes ? floatsOf(right) : undefined;
    if (answersA === undefined) return;
    for (const [row, raw] of labels.data.entries()) {
      const label = Number(raw);
      if (!Number.isInteger(label) || label >= classes) {
        throw new OnnxPruneError(
          'bad-data',
          'labels',
          `Label ${String(raw)} does not fit output "${name}", which has ${classes} classes; labels are whole numbers from 0 to ${classes - 1}, negative ones are skipped.`,
        );
      }
      if (label < 0) continue;
      this.#total++;
      if (argmax(answersA, row * classes, classes) === label) this.#hitsA++;
      if (answersB !== undefined && argmax(answersB, row * classes, classes) === label) this.#hitsB++;
    }
  }

  /** The counts so far; undefined when no output fitted. */
  result(): Accuracy | undefined {
    if (this.#output === undefined) return undefined;
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

function fits(output: HostTensor | undefined, labels: HostTensor): boolean {
  if (output === undefined || floatsOf(output) === undefined || (output.dims.at(-1) ?? 1) < 2) return false;
  const rows = output.dims.slice(0, -1).filter((size) => size !== 1);
  const wanted = labels.dims.filter((size) => size !== 1);
  return rows.length === wanted.length && rows.every((size, axis) => size === wanted[axis]);
}
