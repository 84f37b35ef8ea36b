import { AccuracyMeasure, fitsClasses } from './accuracy.ts';
import { AnswerMeasure, fitsAnswers } from './answers.ts';
import { classesOfOneHot, isOneHot, withBothClasses } from './class-labels.ts';
import { floatsOf } from './measure.ts';
import { fitsNumbers, isOnePerSample, RegressionMeasure } from './regression.ts';
import { elementCount } from './tensor.ts';
import type { Comparison, HostTensor } from './types.ts';

type Outputs = Readonly<Record<string, HostTensor>>;

/** How labels of a form are held against outputs. */
interface Reading {
  readonly measure: AccuracyMeasure | AnswerMeasure | RegressionMeasure;
  readonly labels: (labels: HostTensor) => HostTensor;
  readonly outputs: (outputs: Outputs) => Outputs;
}

/**
 * Holds two models against labels, batch by batch. A's first outputs and all labels decide what the labels are, and of which output:
 *
 * - numbers of classes, where a floating output has a row of classes for each, unless they are fractions and of an output's shape;
 * - one-hot rows, where an output has their shape: then, too, the largest number is the answer;
 * - yes (1) or no (0), where an output has one number in [0, 1] per sample: the answer is yes above 0.5;
 * - numbers that a floating output should have;
 * - else answers that an output of integers or words should have, as of a model that ends with ArgMax.
 */
export class TruthMeasure {
  readonly #all: readonly HostTensor[];
  #reading: Reading | undefined;
  #unfit: string | undefined;

  /** @param labels of all batches that are going to be added */
  constructor(labels: readonly HostTensor[]) {
    this.#all = labels;
  }

  /**
   * Adds one batch: A's outputs, and B's under the names of A's.
   * @throws OnnxPruneError `bad-data` for numbers of classes that are no whole numbers or beyond the classes
   */
  add(a: Outputs, b: Outputs, labels: HostTensor): void {
    if (this.#reading === undefined && this.#unfit === undefined) this.#decide(a, labels);
    if (this.#reading === undefined) return;
    const { measure, outputs, labels: read } = this.#reading;
    measure.add(outputs(a), outputs(b), read(labels));
  }

  /** What was found so far; both undefined where no output fits the labels. */
  result(): Pick<Comparison, 'accuracy' | 'regression'> {
    const measure = this.#reading?.measure;
    return {
      accuracy: measure instanceof RegressionMeasure ? undefined : measure?.result(),
      regression: measure instanceof RegressionMeasure ? measure.result() : undefined,
    };
  }

  /** Why nothing was found, as a sentence without its full stop; undefined where something was. */
  get unfit(): string | undefined {
    return this.#unfit;
  }

  #decide(outputs: Outputs, labels: HostTensor): void {
    const names = Object.keys(outputs);
    const classes = names.find((name) => fitsClasses(outputs[name], labels));
    const numbers = names.find((name) => fitsNumbers(outputs[name], labels));
    const answers = names.find((name) => fitsAnswers(outputs[name], labels));
    const asTheyAre = { labels: same<HostTensor>, outputs: same<Outputs> };
    if (classes !== undefined && (numbers === undefined || areWhole(labels))) {
      this.#reading = { ...asTheyAre, measure: new AccuracyMeasure(classes) };
      return;
    }
    const hot = names.find((name) => hasShapeOf(outputs[name], labels));
    const yes = names.find((name) => isProbability(outputs[name], labels));
    if (hot !== undefined && this.#all.every(isOneHot)) {
      this.#reading = { ...asTheyAre, measure: new AccuracyMeasure(hot), labels: classesOfOneHot };
    } else if (yes !== undefined && this.#all.every(areYesOrNo)) {
      const both = (each: Outputs): Outputs => {
        const output = each[yes];
        return output !== undefined && isOnePerSample(output) ? { [yes]: withBothClasses(output) } : {};
      };
      this.#reading = { ...asTheyAre, measure: new AccuracyMeasure(yes), outputs: both };
    } else if (numbers !== undefined) this.#reading = { ...asTheyAre, measure: new RegressionMeasure(numbers) };
    else if (answers !== undefined) this.#reading = { ...asTheyAre, measure: new AnswerMeasure(answers) };
    else this.#unfit = unfitText(labels);
  }
}

function same<T>(value: T): T {
  return value;
}

/** Whether a floating output has rows of several numbers, and exactly the labels' shape. */
function hasShapeOf(output: HostTensor | undefined, { dims }: HostTensor): boolean {
  if (output === undefined || floatsOf(output) === undefined || (dims.at(-1) ?? 1) < 2) return false;
  return output.dims.length === dims.length && dims.every((size, axis) => size === output.dims[axis]);
}

function isProbability(output: HostTensor | undefined, labels: HostTensor): boolean {
  if (output === undefined || !isOnePerSample(output) || !isOnePerSample(labels)) return false;
  const values = floatsOf(output);
  return (
    values !== undefined &&
    elementCount(output.dims) === elementCount(labels.dims) &&
    values.every((value: number) => value >= 0 && value <= 1)
  );
}

function areYesOrNo({ data }: HostTensor): boolean {
  return [...data].every((label) => label !== '' && (Number(label) === 0 || Number(label) === 1));
}

function areWhole(labels: HostTensor): boolean {
  return (floatsOf(labels) ?? []).every((value: number) => Number.isInteger(value));
}

function unfitText({ type, dims }: HostTensor): string {
  const shape = ['N', ...dims.slice(1)].join(', ');
  return `the labels, ${type} [${shape}], fit no output, so nothing was held against them: numbers of classes need a floating output of shape [${shape}, classes], and one-hot rows, numbers or answers an output of shape [${shape}]`;
}
