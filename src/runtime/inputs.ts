import { OnnxPruneError } from '../errors.ts';
import { float16Bits } from '../numeric/float16.ts';
import { type Random, seededRandom } from '../numeric/random.ts';
import { elementCount, isTensorType } from './tensor.ts';
import type { Feeds, HostTensor, InputSpec, TensorData, TensorType } from './types.ts';

/** What random inputs are made from. */
export interface InputOptions {
  readonly seed: number;
  /** Size of batch axes; see `batchSymbols`. */
  readonly batch: number;
  /** Size of every other symbol; see `symbolsOf`. Symbols missing here are taken as 1. */
  readonly dims: ReadonlyMap<string, number>;
  /** Symbols that count samples though neither their name nor their place says so. */
  readonly samples?: readonly string[] | undefined;
}

/**
 * Elements that the inputs of one batch may have together to be made up: a volume of 512 x 512 x 512 voxels. More take minutes, and
 * several batches of them more memory than most machines have.
 */
const MOST_ELEMENTS = 2 ** 27;

/** Usual names for the number of samples. */
const BATCH = /^(?:n|b|bs|batch|batch[_ -]?size|num[_ -]?samples|.*_batch|batch_.*)$/i;

/**
 * The name an axis goes by among the symbols: its symbol, or `input[axis]` where the model names none; undefined for a
 * fixed size.
 */
export function symbolOf(spec: InputSpec, axis: number): string | undefined {
  const dim = spec.dims[axis];
  if (typeof dim === 'number') return undefined;
  return dim === undefined || dim === '' ? `${spec.name}[${axis}]` : dim;
}

/** The symbols that stand for the number of samples: those with a usual name, else those of the first axes. */
export function batchSymbols(specs: readonly InputSpec[]): ReadonlySet<string> {
  const all = allSymbols(specs);
  const named = all.filter((symbol) => BATCH.test(symbol));
  if (named.length > 0) {
    // A first axis without a name still counts samples: exporters name only some of the inputs.
    return new Set([...named, ...firstAxes(specs).filter((symbol) => /\[0\]$/.test(symbol))]);
  }
  return new Set(firstAxes(specs));
}

/**
 * The symbols that remain to be given a size, in the order of the inputs; sums of symbols (`past + 1`) follow from
 * their parts.
 */
export function symbolsOf(specs: readonly InputSpec[]): readonly string[] {
  const batch = batchSymbols(specs);
  const parts = allSymbols(specs).flatMap((symbol) => summands(symbol) ?? [symbol]);
  return [...new Set(parts)].filter((symbol) => !batch.has(symbol) && !/^\d+$/.test(symbol));
}

/** The sizes of an input's axes. */
export function resolveDims(
  spec: InputSpec,
  batch: ReadonlySet<string>,
  options: Pick<InputOptions, 'batch' | 'dims' | 'samples'>,
): readonly number[] {
  const sizeOf = (symbol: string): number => {
    const given = options.dims.get(symbol);
    if (given !== undefined) return given;
    if (batch.has(symbol) || options.samples?.includes(symbol)) return options.batch;
    const sum = summands(symbol);
    return sum === undefined
      ? 1
      : sum.reduce((total, part) => total + (/^\d+$/.test(part) ? Number(part) : sizeOf(part)), 0);
  };
  return spec.dims.map((dim, axis) => {
    const symbol = symbolOf(spec, axis);
    return symbol === undefined ? Number(dim) : sizeOf(symbol);
  });
}

/**
 * Random inputs, the same for the same seed: floating-point numbers standard normal, integers uniform in [0, bound),
 * booleans
 * even, strings single letters.
 *
 * @throws OnnxPruneError `unsupported` for an element type that cannot be fed, and for more elements than are made up
 */
export function makeInputs(specs: readonly InputSpec[], options: InputOptions): Feeds {
  const batch = batchSymbols(specs);
  const random = seededRandom(options.seed);
  const sizes = specs.map((spec) => ({ spec, dims: resolveDims(spec, batch, options) }));
  let elements = 0;
  for (const { spec, dims } of sizes) {
    elements += elementCount(dims);
    if (elements > MOST_ELEMENTS) throw tooMany(spec, dims, elements);
  }
  return Object.fromEntries(sizes.map(({ spec, dims }) => [spec.name, randomTensor(spec, dims, random)]));
}

function tooMany({ name }: InputSpec, dims: readonly number[], elements: number): OnnxPruneError {
  return new OnnxPruneError(
    'unsupported',
    name,
    `With input "${name}" of [${dims.join(', ')}], one batch has ${elements} elements, more than the ${MOST_ELEMENTS} that are made up; give data for it.`,
  );
}

function randomTensor(spec: InputSpec, dims: readonly number[], random: Random): HostTensor {
  const { type } = spec;
  if (!isTensorType(type)) {
    throw new OnnxPruneError(
      'unsupported',
      spec.name,
      `Input "${spec.name}" has element type ${type || 'other than a tensor'}, for which no data can be made up; give data for it.`,
    );
  }
  const count = elementCount(dims);
  return { type, dims, data: randomData(type, count, spec.bound ?? 2, random) };
}

function randomData(type: TensorType, length: number, bound: number, random: Random): TensorData {
  const shape = { length };
  const normal = (): number => random.normal();
  const whole = (limit: number) => (): number => random.below(Math.min(bound, limit));
  const big = (): bigint => BigInt(random.below(bound));
  switch (type) {
    case 'float32':
      return Float32Array.from(shape, normal);
    case 'float64':
      return Float64Array.from(shape, normal);
    case 'float16':
      return Uint16Array.from(shape, () => float16Bits(random.normal()));
    case 'int8':
      return Int8Array.from(shape, whole(128));
    case 'uint8':
      return Uint8Array.from(shape, whole(256));
    case 'int16':
      return Int16Array.from(shape, whole(2 ** 15));
    case 'uint16':
      return Uint16Array.from(shape, whole(2 ** 16));
    case 'int32':
      return Int32Array.from(shape, whole(2 ** 31));
    case 'uint32':
      return Uint32Array.from(shape, whole(2 ** 32));
    case 'int64':
      return BigInt64Array.from(shape, big);
    case 'uint64':
      return BigUint64Array.from(shape, big);
    case 'bool':
      return Uint8Array.from(shape, () => random.below(2));
    case 'string':
      return Array.from(shape, () => String.fromCharCode(97 + random.below(26)));
  }
}

function allSymbols(specs: readonly InputSpec[]): readonly string[] {
  return specs.flatMap((spec) => spec.dims.flatMap((_, axis) => symbolOf(spec, axis) ?? []));
}

function firstAxes(specs: readonly InputSpec[]): readonly string[] {
  return specs.flatMap((spec) => (spec.dims.length > 0 ? (symbolOf(spec, 0) ?? []) : []));
}

/** The parts of a symbol that some exporters write as a sum, such as `past_sequence_length + sequence_length`. */
function summands(symbol: string): readonly string[] | undefined {
  const parts = symbol.split('+').map((part) => part.trim());
  return parts.length > 1 && parts.every((part) => /^[\w.]+$/.test(part)) ? parts : undefined;
}
