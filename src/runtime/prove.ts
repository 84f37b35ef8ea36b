import type { RequestOptions, RuntimeChild } from './child.ts';
import { compare } from './run.ts';
import type { Feeds, ModelSource, OutputComparison } from './types.ts';

/** The verdict on one output. */
export interface OutputProof {
  readonly name: string;
  readonly type: string;
  /**
   * Floating outputs: max|masked − cut| / max|masked|. Others: fraction of elements that differ. Infinity where the
   * outputs cannot be compared, or differ in where they are NaN or infinite.
   */
  readonly error: number;
  readonly limit: number;
  readonly passed: boolean;
  /** Why the limit is what it is, or what made the outputs incomparable. */
  readonly reason: string;
  /** False when the masked output is the same number everywhere, or the same for all data: that the cut one is equal says little. */
  readonly informative: boolean;
}

/** Whether the cut model does what the masked one does. */
export interface Proof {
  readonly passed: boolean;
  readonly outputs: readonly OutputProof[];
}

interface Tolerance {
  readonly strict: number;
  /** Beyond it no noise excuses a difference. */
  readonly most: number;
}

/**
 * Cutting changes the order in which sums are taken and nothing else. A sum of n terms then moves by about √n·ε of its
 * size (Higham, Accuracy and Stability of Numerical Algorithms, ch. 4: rounding errors of a sum grow like a random
 * walk),
 * and layers add up alike. With n up to 10⁴ terms and 10² layers that is 10³·ε of the output's largest magnitude.
 *
 * - float32: ε = 2⁻²⁴ = 6e-8, hence 6e-5, taken as 1e-4.
 * - float16: onnxruntime computes in float32 and rounds (ε = 2⁻¹¹ = 4.9e-4) between operators, so only layers count:
 * √10²·ε
 *   = 5e-3; taken as 2e-2, since the largest magnitude may itself have shrunk on the way.
 * - float64: ε = 1.1e-16 gives 1e-13; taken as 1e-9, because constants of such models often went through float32
 * kernels.
 */
const FLOATING: Readonly<Record<string, Tolerance>> = {
  float32: { strict: 1e-4, most: 1e-2 },
  float16: { strict: 2e-2, most: 1e-1 },
  float64: { strict: 1e-9, most: 1e-7 },
};
/** Integers, booleans and strings are equal, except where rounding decides (ties of ArgMax, rounding to int8). */
const EXACT: Tolerance = { strict: 0, most: 1e-2 };

/** How coarsely a model rounds inside, whatever the type of its outputs is. */
export type InnerRounding = 'float16' | 'integers';

/**
 * Outputs of a model that rounds to float16 inside are as coarse as float16 ones. Where it rounds to 8-bit integers, one
 * step more or less (a half that falls to the other side) is a 256th of a tensor's range; a dozen of them, as layers add
 * theirs, are 5e-2, and never more than the noise of the model itself allows.
 */
function toleranceOf(type: string, inner: ReadonlySet<InnerRounding>): Tolerance {
  const own = FLOATING[type];
  if (own === undefined) return EXACT;
  const half: Tolerance = inner.has('float16') ? (FLOATING['float16'] ?? own) : own;
  const most = inner.has('integers') ? 5e-2 : 0;
  return { strict: Math.max(own.strict, half.strict), most: Math.max(own.most, half.most, most) };
}

/** Cut against masked may be this many times as far apart as the masked model is from itself, optimised otherwise. */
const NOISE_FACTOR = 8;
/** Smaller than any magnitude of interest, larger than zero. */
const TINY = 1e-30;

/**
 * Runs the masked and the cut model on the same data and compares all outputs.
 *
 * Both run without optimisation: the plain kernels are the reference, an optimiser would choose blocked or fused
 * kernels by
 * channel counts, which are what differs, and it turns quantized regions into integer kernels that round otherwise.
 * Where the
 * strict limit fails, the model's own rounding noise is measured, as the distance between the masked model with and
 * without optimisation, and the limit is 8 times that, up to a cap.
 *
 * @param options.inner how coarsely the models round inside
 * @throws OnnxPruneError `runtime-refused` when one of the models does not run, `bad-data` for data that does not fit
 */
export async function prove(
  child: RuntimeChild,
  masked: ModelSource,
  cut: ModelSource,
  batches: readonly Feeds[],
  options: RequestOptions & { readonly inner?: ReadonlySet<InnerRounding> } = {},
): Promise<Proof> {
  const { inner = new Set<InnerRounding>() } = options;
  const plain = { optimization: 'disabled' } as const;
  const { outputs } = await compare(child, masked, cut, batches, { ...options, a: plain, b: plain });
  let proofs = outputs.map((output) => judgeOutput(output, undefined, inner));
  if (proofs.some((proof) => !proof.passed && Number.isFinite(proof.error))) {
    const noise = await compare(child, masked, masked, batches, { ...options, a: plain, b: { optimization: 'all' } });
    proofs = outputs.map((output, index) => {
      const proof = proofs[index] ?? judgeOutput(output, undefined, inner);
      const own = noise.outputs.find((other) => other.name === output.name);
      return proof.passed || own === undefined ? proof : judgeOutput(output, errorOf(own), inner);
    });
  }
  return { passed: proofs.every((proof) => proof.passed), outputs: proofs };
}

/**
 * The verdict on one output, masked (A) against cut (B). `noise` is the same error between two ways of running the
 * masked
 * model; without it the strict limit holds.
 */
export function judgeOutput(
  output: OutputComparison,
  noise?: number,
  inner: ReadonlySet<InnerRounding> = new Set(),
): OutputProof {
  const { strict, most } = toleranceOf(output.type, inner);
  const error = errorOf(output);
  const widened = noise === undefined || !Number.isFinite(noise) ? strict : Math.min(most, NOISE_FACTOR * noise);
  const limit = Math.max(strict, widened);
  return {
    name: output.name,
    type: output.type,
    error,
    limit,
    passed: error <= limit,
    reason: reasonOf(output, limit > strict ? noise : undefined, inner),
    informative: !output.constant,
  };
}

/** The error of `OutputProof`. */
export function errorOf(output: OutputComparison): number {
  if (output.problem !== undefined || !output.nonFinite.agree) return Number.POSITIVE_INFINITY;
  if (output.maxAbsError === undefined || output.maxAbsReference === undefined) {
    return output.count === 0 ? 0 : output.mismatches / output.count;
  }
  return output.maxAbsError / Math.max(output.maxAbsReference, TINY);
}

function reasonOf(output: OutputComparison, noise: number | undefined, inner: ReadonlySet<InnerRounding>): string {
  if (output.problem !== undefined) return output.problem;
  if (!output.nonFinite.agree) return 'NaN or infinite elements are not at the same places';
  if (noise !== undefined) return `rounding noise of this model is ${noise.toExponential(1)}`;
  const type = inner.has('float16') && output.type === 'float32' ? 'float16' : output.type;
  return output.type in FLOATING ? `rounding of ${type} sums` : 'equal';
}
