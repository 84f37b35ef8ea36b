import { OnnxPruneError } from '../errors.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { RuntimeCrash } from './child-errors.ts';
import { symbolsOf } from './inputs.ts';
import { subjectOf } from './model-info.ts';
import type { Trial } from './protocol.ts';
import type { InputSpec, ModelSource } from './types.ts';

/** Sizes with which a model runs: `makeInputs` takes them as they are. */
export type RunnableInputs = Trial;

/**
 * Sizes tried in turn for all symbols alike: short sequences and small images first, then what fixed strides tend to
 * need.
 */
const UNIFORM = [8, 16, 32, 64, 224, 1, 128, 256, 2, 640, 299, 512];
/** Sizes tried in combination where the symbols must differ. */
const MIXED = [8, 1, 32, 16, 64];
/** Symbols that count pixels, for which sizes of images come first. */
const PIXELS = /height|width|^[hw]$|image/i;
/** Symbols of which every subset is taken for samples; the number of subsets doubles with each. */
const MOST_SUBSETS = 3;
/** Sums that are tried. */
const MOST_SUMS = 24;
/** Combinations grow fast, and a model that none of these suits needs real data. */
const MOST_TRIALS = 120;
const MOST_LARGE = 40;
/** Largest of the small sizes. */
const SMALL = 64;

/**
 * Finds sizes for the symbolic axes with which a model runs, by running it.
 *
 * @throws OnnxPruneError `runtime-refused` with the last error where none of the usual sizes do
 */
export async function findRunnableInputs(
  child: RuntimeChild,
  source: ModelSource,
  specs: readonly InputSpec[],
  options: RequestOptions & { readonly seed: number; readonly batch: number },
): Promise<RunnableInputs> {
  const subject = subjectOf(source);
  const trials = trialsFor(symbolsOf(specs), options.batch);
  const { seed } = options;
  const result = await child.request('probe', subject, { source, specs, seed, trials }, options);
  const found = result.found === undefined ? undefined : trials[result.found];
  if (found !== undefined) return found;
  const reason = result.found === undefined ? result.lastError : 'it lost count';
  throw new OnnxPruneError(
    'runtime-refused',
    subject,
    `No inputs could be made up with which ${subject} runs (${trials.length} choices of sizes tried); give data with --test. The last error: ${reason}`,
  );
}

/**
 * Sizes other than those a model was seen to run with: each open one a little larger and by another step, all of them
 * doubled, and more than tripled; then alike.
 */
export function otherSizes(first: RunnableInputs, specs: readonly InputSpec[]): RunnableInputs[] {
  const symbols = symbolsOf(specs);
  const sized = (sizeOf: (size: number, i: number) => number): ReadonlyMap<string, number> =>
    new Map(
      symbols.flatMap((symbol, i) =>
        first.samples?.includes(symbol) ? [] : [[symbol, sizeOf(first.dims.get(symbol) ?? 1, i)] as const],
      ),
    );
  const batch = (added: number): number => (first.batch === 1 ? 1 : first.batch + added);
  // The memory of some models grows with the fourth power of a size, so large ones are only stepped up.
  const times = (size: number, factor: number): number => (size <= LARGE ? size * factor : size + LARGE * (factor - 1));
  const { samples } = first;
  return [
    { samples, batch: batch(1), dims: sized((size, i) => size + 1 + i) },
    { samples, batch: batch(2), dims: sized((size) => times(size, 2)) },
    { samples, batch: batch(1), dims: sized((size, i) => times(size, 3) + 1 + i) },
    // Symbols that must agree, as those of several inputs often do, though the model gives each a name of its own.
    { samples, batch: batch(1), dims: sized((size) => size + 1) },
    { samples, batch: batch(2), dims: sized((size) => times(size, 3) + 1) },
    // Symbols of which one is the sum of others, as the length of a cache and of what is new.
    { samples, batch: batch(2), dims: sized((size) => times(size, 3)) },
    { samples, batch: batch(1), dims: sized((size) => times(size, 4)) },
  ];
}

/** Sizes above are large: those of images. */
const LARGE = 32;

/** Other sizes with which a model runs as well; undefined where it has no open sizes, or runs with no others. */
export async function findOtherInputs(
  child: RuntimeChild,
  source: ModelSource,
  specs: readonly InputSpec[],
  options: RequestOptions & { readonly seed: number; readonly first: RunnableInputs },
): Promise<RunnableInputs | undefined> {
  const { first } = options;
  if (symbolsOf(specs).length === 0) return undefined;
  const trials = otherSizes(first, specs);
  return firstThatRuns(child, source, specs, trials, options);
}

/** The first of some choices of sizes that the model runs with; undefined where it runs with none, or not for long. */
export async function firstThatRuns(
  child: RuntimeChild,
  source: ModelSource,
  specs: readonly InputSpec[],
  trials: readonly RunnableInputs[],
  options: RequestOptions & { readonly seed: number },
): Promise<RunnableInputs | undefined> {
  const { seed } = options;
  try {
    const { found } = await child.request('probe', subjectOf(source), { source, specs, seed, trials }, options);
    return found === undefined ? undefined : trials[found];
  } catch (error) {
    if (error instanceof RuntimeCrash && !options.signal?.aborted) return undefined;
    throw error;
  }
}

function trialsFor(symbols: readonly string[], batch: number): readonly Trial[] {
  // A model whose batch was fixed somewhere inside runs with one sample only, whatever its inputs declare.
  const batches = batch === 1 ? [1] : [batch, 1];
  const all = batches.flatMap((size) => uniform(symbols).map((dims) => ({ batch: size, dims })));
  // What runs with sizes of 1, or equal to the batch, may run by luck alone: stretched, or because they count samples too.
  const isLucky = ({ dims }: Trial): boolean => [...dims.values()].some((size) => size === batch || size === 1);
  const alike = all.filter((trial) => !isLucky(trial));
  const added = sums(symbols).map((dims) => ({ batch, dims }));
  const different = symbols.length > 1 ? mixed(symbols).map((dims) => ({ batch, dims })) : [];
  const ordered = [...alike, ...added, ...withSamples(symbols, batch), ...all.filter(isLucky), ...different];
  // Large sizes come last: some models need memory by their fourth power.
  const isSmall = ({ dims }: Trial): boolean => [...dims.values()].every((size) => size <= SMALL);
  return [
    ...ordered.filter(isSmall).slice(0, MOST_TRIALS),
    ...ordered.filter((trial) => !isSmall(trial)).slice(0, MOST_LARGE),
  ];
}

function uniform(symbols: readonly string[]): ReadonlyMap<string, number>[] {
  if (symbols.length === 0) return [new Map()];
  const images = symbols.filter((symbol) => PIXELS.test(symbol));
  const sizes = images.length > 0 ? [64, 224, ...UNIFORM.filter((size) => size !== 64 && size !== 224)] : UNIFORM;
  return sizes.map((size) => new Map(symbols.map((symbol) => [symbol, size])));
}

/** Choices in which one symbol is the sum of two others: what a cache holds, what is new, and both together. */
function sums(symbols: readonly string[]): ReadonlyMap<string, number>[] {
  const parts = symbols.flatMap((a, i) => symbols.slice(i + 1).map((b) => [a, b] as const));
  const choices = symbols.flatMap((whole) =>
    parts.flatMap(([a, b]) =>
      a === whole || b === whole
        ? []
        : [new Map(symbols.map((symbol) => [symbol, symbol === whole ? 24 : symbol === b ? 16 : 8]))],
    ),
  );
  return choices.slice(0, MOST_SUMS);
}

/** Choices in which some symbols count samples as well, though they stand further back: states of [layers, batch, width]. */
function withSamples(symbols: readonly string[], batch: number): Trial[] {
  const few = symbols.slice(0, MOST_SUBSETS);
  const subsets = Array.from({ length: 2 ** few.length - 1 }, (_, i) =>
    few.filter((_, bit) => ((i + 1) >> bit) % 2 === 1),
  );
  return subsets.flatMap((samples) => {
    const others = symbols.filter((symbol) => !samples.includes(symbol));
    const sizes = others.length === 0 ? [batch] : UNIFORM.filter((size) => size !== batch && size > 1);
    return sizes.map((size) => ({ samples, batch, dims: new Map(others.map((symbol) => [symbol, size])) }));
  });
}

function mixed(symbols: readonly string[]): ReadonlyMap<string, number>[] {
  let partial: [string, number][][] = [[]];
  for (const symbol of symbols) {
    partial = partial.flatMap((chosen) => MIXED.map((size): [string, number][] => [...chosen, [symbol, size]]));
    if (partial.length > MOST_TRIALS) partial = partial.slice(0, MOST_TRIALS);
  }
  return partial.filter((chosen) => new Set(chosen.map(([, size]) => size)).size > 1).map((chosen) => new Map(chosen));
}
