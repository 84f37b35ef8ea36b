import { OnnxPruneError } from '../src/errors.ts';
import { type Converter, convertArray, converterFor } from './convert-array.ts';
import type { Samples } from './load-samples.ts';
import type { ArrayHead, NumpyArray } from './npy.ts';

export { loadSamples, type Samples } from './load-samples.ts';
export type { NumpyArray, NumpyData, NumpyType } from './npy.ts';

/** What a model says about one of its inputs. A dim that is a name or `undefined` may have any size. */
export interface SampleInput {
  readonly name: string;
  readonly dtype: string;
  readonly dims: readonly (number | string | undefined)[];
}

/** Samples that fit a model. The first axis of every array has `count` entries. */
export interface MatchedSamples {
  readonly count: number;
  /** One array per model input, already of the input's type. */
  readonly feeds: ReadonlyMap<string, NumpyArray>;
  /** Numbers of classes, or numbers that an output should have, where the file has an array `labels`. */
  readonly labels: NumpyArray | undefined;
}

/** Arrays that fit a model, whether their numbers are in memory or not. */
export interface FittedSamples<A> {
  readonly count: number;
  /** For each input its array, which may have to be converted; see `convertedFor`. */
  readonly feeds: readonly { readonly input: SampleInput; readonly array: A }[];
  readonly labels: A | undefined;
}

const LABELS = 'labels';

/**
 * Fits arrays to the inputs of a model, or says in one sentence why they do not fit.
 *
 * Names: every input needs an array of its name, and no array may be left over. `labels` are labels unless an input has that name.
 * A single array goes to a single input whatever its name, since nothing else can be meant.
 *
 * Types: between integers when every value fits, between floats when no value overflows (rounding to nearest). Integers
 * are never taken for floats: only the owner of the data knows whether 0..255 means 0..1.
 *
 * Shapes: axis 0 counts the samples; the others must equal the model's fixed dims, and dims of one name must agree everywhere.
 *
 * @throws OnnxPruneError `bad-data` for anything that does not fit, `unsupported` for inputs that have no samples axis.
 */
export function matchSamples({ source, arrays }: Samples, inputs: readonly SampleInput[]): MatchedSamples {
  const { count, feeds, labels } = fitSamples(source, arrays, inputs);
  const converted = feeds.map(({ input, array }) => [input.name, convertedFor(source, input, array)] as const);
  return { count, feeds: new Map(converted), labels };
}

/**
 * Does what `matchSamples` does as far as types and shapes tell; `convertedFor` does the rest, for all samples or some.
 * @throws OnnxPruneError as `matchSamples`
 */
export function fitSamples<A extends ArrayHead>(
  source: string,
  arrays: ReadonlyMap<string, A>,
  inputs: readonly SampleInput[],
): FittedSamples<A> {
  const labels = inputs.some((input) => input.name === LABELS) ? undefined : arrays.get(LABELS);
  const named = new Map([...arrays].filter(([, array]) => array !== labels));
  const feeds = assign(source, named, inputs);
  const symbols = new Map<string, { size: number; where: string }>();
  for (const { input, array } of feeds) {
    checkShape(source, input, array);
    bindSymbols(source, input, array, symbols);
    if (array.dtype !== input.dtype) converterOf(source, input, array);
  }
  if (labels !== undefined) checkLabels(source, labels);
  const counted = feeds.map(({ input, array }) => [input.name, array] as const);
  const count = commonCount(source, labels === undefined ? counted : [...counted, [LABELS, labels]]);
  checkBatch(source, count, inputs);
  return { count, feeds, labels };
}

/**
 * The numbers for an input in its type; the array itself where it has that.
 * @throws OnnxPruneError `bad-data` where the type cannot hold one of them, or there is no conversion
 */
export function convertedFor(source: string, input: SampleInput, array: NumpyArray): NumpyArray {
  const { name, dtype } = input;
  if (array.dtype === dtype) return array;
  const outcome = convertArray(array, converterOf(source, input, array));
  if ('array' in outcome) return outcome.array;
  throw bad(
    source,
    `${source}: the array for input '${name}' is ${array.dtype} and holds ${outcome.misfit}, which the ${dtype} that the model expects cannot hold; scale or clip the data first.`,
  );
}

function converterOf(source: string, { name, dtype }: SampleInput, array: ArrayHead): Converter {
  const converter = converterFor(array.dtype, dtype);
  if (converter !== undefined) return converter;
  const scale = dtype.startsWith('float') ? ', scaled as in training,' : '';
  throw bad(
    source,
    `${source}: the array for input '${name}' is ${array.dtype}, but the model expects ${dtype}; convert it first${scale} with array.astype('${dtype}').`,
  );
}

function assign<A>(
  source: string,
  arrays: ReadonlyMap<string, A>,
  inputs: readonly SampleInput[],
): FittedSamples<A>['feeds'] {
  const [onlyInput] = inputs;
  const [onlyArray] = arrays.values();
  if (inputs.length === 1 && arrays.size === 1 && onlyInput !== undefined && onlyArray !== undefined) {
    return [{ input: onlyInput, array: onlyArray }];
  }
  const assigned: { input: SampleInput; array: A }[] = [];
  for (const input of inputs) {
    const array = arrays.get(input.name);
    if (array === undefined)
      throw nameError(source, `has no array for the model's input '${input.name}'`, arrays, inputs);
    assigned.push({ input, array });
  }
  const left = [...arrays.keys()].find((name) => inputs.every((input) => input.name !== name));
  if (left !== undefined) throw nameError(source, `has an array '${left}' that no model input takes`, arrays, inputs);
  return assigned;
}

function nameError(
  source: string,
  what: string,
  arrays: ReadonlyMap<string, unknown>,
  inputs: readonly SampleInput[],
): OnnxPruneError {
  const expected = quoted(inputs.map((input) => input.name));
  const found = quoted([...arrays.keys()]);
  return bad(
    source,
    `${source} ${what}: the model expects ${expected} (and optionally '${LABELS}'), the data holds ${found}; rename the arrays to match or leave the others out.`,
  );
}

function checkShape(source: string, { name, dims }: SampleInput, { shape }: ArrayHead): void {
  if (dims.length === 0) {
    const message = `The model's input '${name}' is a scalar, which has no axis to count samples along; make it a constant of the model to use data with it.`;
    throw new OnnxPruneError('unsupported', name, message);
  }
  const expected = ['samples', ...dims.slice(1).map((dim) => dim ?? '?')].join(', ');
  const fits =
    shape.length === dims.length &&
    dims.every((dim, axis) => axis === 0 || typeof dim !== 'number' || dim === shape[axis]);
  if (fits) return;
  const remedy =
    shape.length === dims.length - 1
      ? 'add the samples axis in front, e.g. array[None]'
      : 'reshape, transpose or crop the data as the model was fed in training';
  throw bad(
    source,
    `${source}: the array for input '${name}' has shape [${shape.join(', ')}], but the model expects [${expected}]; ${remedy}.`,
  );
}

function bindSymbols(
  source: string,
  { name, dims }: SampleInput,
  { shape }: ArrayHead,
  symbols: Map<string, { size: number; where: string }>,
): void {
  for (const [axis, dim] of dims.entries()) {
    // Axis 0 is fed in batches, so its name says nothing about the number of samples in the file.
    if (axis === 0 || typeof dim !== 'string' || dim === '' || dim === dims[0]) continue;
    const size = shape[axis] ?? 0;
    const where = `axis ${axis} of '${name}'`;
    const earlier = symbols.get(dim);
    if (earlier !== undefined && earlier.size !== size) {
      throw bad(
        source,
        `${source}: the model's dimension '${dim}' must have one size, but is ${earlier.size} along ${earlier.where} and ${size} along ${where}; pad or crop the data to match.`,
      );
    }
    symbols.set(dim, { size, where });
  }
}

function checkLabels(source: string, { shape }: ArrayHead): void {
  if (shape.length === 0) {
    throw bad(
      source,
      `${source}: '${LABELS}' is a single number, but one label per sample is expected; give an array [samples].`,
    );
  }
}

function commonCount(source: string, arrays: readonly (readonly [string, ArrayHead])[]): number {
  const counts = arrays.map(([name, { shape }]) => ({ name, count: shape[0] ?? 0 }));
  const [first] = counts;
  if (first === undefined)
    throw bad(source, `${source}: the model has no inputs, so data cannot be fed to it; run without data.`);
  const other = counts.find(({ count }) => count !== first.count);
  if (other !== undefined) {
    throw bad(
      source,
      `${source}: '${first.name}' has ${first.count} samples but '${other.name}' has ${other.count}; every array must have the same length along its first axis.`,
    );
  }
  if (first.count === 0)
    throw bad(source, `${source}: '${first.name}' holds no samples; its first axis is 0 long, give at least one.`);
  return first.count;
}

function checkBatch(source: string, count: number, inputs: readonly SampleInput[]): void {
  for (const { name, dims } of inputs) {
    const [batch] = dims;
    if (typeof batch === 'number' && batch > count) {
      throw bad(
        source,
        `${source}: the model takes input '${name}' in batches of ${batch}, but there are only ${count} samples; give at least ${batch}.`,
      );
    }
  }
}

function quoted(names: readonly string[]): string {
  return names.length === 0 ? 'no arrays' : names.map((name) => `'${name}'`).join(', ');
}

function bad(source: string, message: string): OnnxPruneError {
  return new OnnxPruneError('bad-data', source, message);
}
