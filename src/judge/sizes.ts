import { OnnxPruneError } from '../errors.ts';
import type { SizeTrial } from '../report/report.ts';
import {
  batchSymbols,
  compareSizes,
  findRunnableInputs,
  type InputSpec,
  type OutputComparison,
  otherSizes,
  type RequestOptions,
  type RunnableInputs,
  type RuntimeChild,
  RuntimeCrash,
  RuntimeTimeout,
  resolveDims,
  type SizeComparison,
  symbolsOf,
} from '../runtime/index.ts';

/** Numbers of samples to try: one, the one that most tools try, and odd ones, which nobody fixes by habit. */
const BATCHES = [1, 2, 3, 5];
/** Choices of sizes that are reported. */
const MOST_TRIALS = 8;
/** Samples with which sizes are sought. */
const FIRST_BATCH = 2;

/**
 * Compares two models at several sizes of their open axes, on random inputs: one to five samples, and smaller, odd and larger
 * sizes of the other axes. Only sizes that A runs with count; a model that fixed inside what its inputs leave open shows as
 * a problem. Sizes that kill the process, for want of memory, are left out.
 *
 * @param specs the inputs of both
 * @returns at most eight trials; none where no axis is open, or random inputs do not suit A
 * @throws OnnxPruneError `runtime-refused` where a model cannot be loaded or takes too long
 */
export async function trySizes(
  child: RuntimeChild,
  a: string,
  b: string,
  specs: readonly InputSpec[],
  options: RequestOptions & { readonly seed: number },
): Promise<SizeTrial[]> {
  if (batchSymbols(specs).size + symbolsOf(specs).length === 0) return [];
  const first = await firstSizes(child, a, specs, options);
  if (first === undefined) return [];
  const trials = distinct([...samples(first), ...others(first, specs)], specs);
  const found = await compareAll(child, a, b, specs, trials, options);
  const symbols = symbolsOf(specs);
  return found.map(({ choice, size }) => ({
    batch: choice.batch,
    dims: Object.fromEntries(symbols.map((symbol) => [symbol, sizeOf(symbol, choice)])),
    ...worstOf(size),
  }));
}

async function firstSizes(
  child: RuntimeChild,
  a: string,
  specs: readonly InputSpec[],
  options: RequestOptions & { readonly seed: number },
): Promise<RunnableInputs | undefined> {
  try {
    const { onProgress: _, ...quiet } = options;
    return await findRunnableInputs(child, a, specs, { ...quiet, batch: FIRST_BATCH });
  } catch (error) {
    // Some models run on real data alone: nothing can be said of other sizes then.
    const isRefusal = error instanceof OnnxPruneError && ['runtime-refused', 'unsupported'].includes(error.code);
    if (options.signal?.aborted || error instanceof RuntimeTimeout) throw error;
    if (isRefusal || error instanceof RuntimeCrash) return undefined;
    throw error;
  }
}

function samples(first: RunnableInputs): RunnableInputs[] {
  return BATCHES.map((batch) => ({ ...first, batch }));
}

/** Other sizes than samples, from half of those found on; the next are larger, some of them odd. */
function others(first: RunnableInputs, specs: readonly InputSpec[]): RunnableInputs[] {
  if (first.dims.size === 0) return [];
  const half = new Map([...first.dims].map(([symbol, size]) => [symbol, Math.max(1, size >> 1)]));
  return [{ ...first, dims: half }, ...otherSizes(first, specs)];
}

/** Choices that make inputs of other dims than those before. */
function distinct(trials: readonly RunnableInputs[], specs: readonly InputSpec[]): RunnableInputs[] {
  const batch = batchSymbols(specs);
  const keyOf = (trial: RunnableInputs): string => JSON.stringify(specs.map((spec) => resolveDims(spec, batch, trial)));
  const seen = new Map<string, RunnableInputs>();
  for (const trial of trials) if (!seen.has(keyOf(trial))) seen.set(keyOf(trial), trial);
  return [...seen.values()];
}

interface Found {
  readonly choice: RunnableInputs;
  readonly size: SizeComparison;
}

/** All at once, since loading takes the longest; where that kills the process, one by one. */
async function compareAll(
  child: RuntimeChild,
  a: string,
  b: string,
  specs: readonly InputSpec[],
  trials: readonly RunnableInputs[],
  options: RequestOptions & { readonly seed: number },
): Promise<Found[]> {
  const ask = async (some: readonly RunnableInputs[], request: typeof options): Promise<Found[]> => {
    const { sizes } = await compareSizes(child, a, b, specs, some, { ...request, most: MOST_TRIALS });
    return sizes.flatMap((size) => {
      const choice = some[size.trial];
      return choice === undefined ? [] : [{ choice, size }];
    });
  };
  try {
    return await ask(trials, options);
  } catch (error) {
    if (!(error instanceof RuntimeCrash) || options.signal?.aborted) throw error;
  }
  const { onProgress, ...quiet } = options;
  const found: Found[] = [];
  for (const [index, trial] of trials.entries()) {
    if (found.length === MOST_TRIALS) break;
    const one = await ask([trial], quiet).catch((error: unknown) => {
      if (!(error instanceof RuntimeCrash) || options.signal?.aborted) throw error;
      return [];
    });
    found.push(...one);
    onProgress?.(index + 1, trials.length);
  }
  return found;
}

function sizeOf(symbol: string, { batch, dims, samples: counted }: RunnableInputs): number {
  return dims.get(symbol) ?? (counted?.includes(symbol) ? batch : 1);
}

function worstOf({ outputs, refusal }: SizeComparison): Pick<SizeTrial, 'relativeL2' | 'cosine' | 'problem' | 'fits'> {
  const numbers = (of: (output: OutputComparison) => number | undefined): number[] =>
    outputs.flatMap((output) => (output.problem === undefined ? (of(output) ?? []) : []));
  const errors = numbers(({ relativeL2 }) => relativeL2);
  const cosines = numbers(({ cosine }) => cosine);
  return {
    relativeL2: errors.length === 0 ? null : Math.max(...errors),
    cosine: cosines.length === 0 ? null : Math.min(...cosines),
    problem: refusal ?? problemOf(outputs) ?? null,
    fits: refusal === undefined && outputs.every(({ problem }) => problem === undefined),
  };
}

function problemOf(outputs: readonly OutputComparison[]): string | undefined {
  for (const { name, problem, nonFinite } of outputs) {
    if (problem !== undefined) return `output "${name}" cannot be compared: ${problem}`;
    if (!nonFinite.agree) return `NaN or infinite elements of output "${name}" are not at the same places`;
  }
  return undefined;
}
