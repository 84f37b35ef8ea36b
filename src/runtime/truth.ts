import { AccuracyMeasure, fitsClasses } from './accuracy.ts';
import { floatsOf } from './measure.ts';
import { fitsNumbers, RegressionMeasure } from './regression.ts';
import type { Comparison, HostTensor } from './types.ts';

/**
 * Holds two models against labels, batch by batch. The first batch decides what the labels are, and of which output:
 * numbers of classes where a floating output has a row of classes for each, else numbers that an output should have.
 * Fractions are no numbers of classes where an output has their shape.
 */
export class TruthMeasure {
  #accuracy: AccuracyMeasure | undefined;
  #regression: RegressionMeasure | undefined;

  /**
   * Adds one batch: A's outputs, and B's under the names of A's.
   * @throws OnnxPruneError `bad-data` for numbers of classes that are no whole numbers or beyond the classes
   */
  add(a: Readonly<Record<string, HostTensor>>, b: Readonly<Record<string, HostTensor>>, labels: HostTensor): void {
    if (this.#accuracy === undefined && this.#regression === undefined) this.#decide(a, labels);
    this.#accuracy?.add(a, b, labels);
    this.#regression?.add(a, b, labels);
  }

  /** What was found so far; both undefined where no output fits the labels. */
  result(): Pick<Comparison, 'accuracy' | 'regression'> {
    return { accuracy: this.#accuracy?.result(), regression: this.#regression?.result() };
  }

  #decide(outputs: Readonly<Record<string, HostTensor>>, labels: HostTensor): void {
    const names = Object.keys(outputs);
    const classes = names.find((name) => fitsClasses(outputs[name], labels));
    const numbers = names.find((name) => fitsNumbers(outputs[name], labels));
    if (classes !== undefined && (numbers === undefined || areWhole(labels))) {
      this.#accuracy = new AccuracyMeasure(classes);
    } else if (numbers !== undefined) this.#regression = new RegressionMeasure(numbers);
  }
}

function areWhole(labels: HostTensor): boolean {
  return (floatsOf(labels) ?? []).every((value: number) => Number.isInteger(value));
}
