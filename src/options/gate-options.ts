import { OnnxPruneError } from '../errors.ts';
import { parseFraction, refuse } from './parse.ts';
import { type Limit, limitText, readLimit } from './target.ts';

/** Options that a result must keep to, or the command fails. */
export interface GateOptions {
  /** Least share of answers (largest along the last axis) that are the original's, of every output that has classes: "99%" or 0.99. */
  readonly minAgreement?: number | string | undefined;
  /** Least cosine of every floating output with the original's: 0.999. */
  readonly minCosine?: number | string | undefined;
  /** Largest absolute difference of any floating output from the original's: 1e-3. */
  readonly maxError?: number | string | undefined;
  /** Least speed as a multiple of the original's, by the median: 1.5 or "1.5x". */
  readonly minSpeedup?: number | string | undefined;
  /** Most bytes of the files: "500KB", a number of bytes, or "40%" of the original's. */
  readonly maxSize?: number | string | undefined;
  /** Most time of a run, by the median: "5ms", a number of ms, or "80%" of the original's. */
  readonly maxLatency?: number | string | undefined;
}

/** Gates after checking; those that were not given are undefined. */
export interface GateLimits {
  readonly minAgreement: number | undefined;
  readonly minCosine: number | undefined;
  readonly maxError: number | undefined;
  readonly minSpeedup: number | undefined;
  readonly maxSize: Limit | undefined;
  readonly maxLatency: Limit | undefined;
}

/** The names of these options. */
export const GATE_KEYS: readonly (keyof GateOptions)[] = [
  'minAgreement',
  'minCosine',
  'maxError',
  'minSpeedup',
  'maxSize',
  'maxLatency',
];

/** What gates look at. */
interface Measured {
  /** Whether outputs are compared. */
  readonly verify: boolean;
  /** Whether speed is measured. */
  readonly bench: boolean;
}

/**
 * Checks the gates.
 * @throws OnnxPruneError `bad-option` for what is no limit, and for gates on what is not measured
 */
export function checkGateOptions(options: GateOptions, { verify, bench }: Measured): GateLimits {
  const { minAgreement, minCosine, maxError, minSpeedup, maxSize, maxLatency } = options;
  if (!verify) refuseUnmeasured({ minAgreement, minCosine, maxError }, '--no-verify', 'outputs are not compared');
  if (!bench) refuseUnmeasured({ minSpeedup, maxLatency }, '--no-bench', 'speed is not measured');
  return {
    minAgreement:
      minAgreement === undefined
        ? undefined
        : parseFraction('--min-agreement', minAgreement, { value: 1, included: true }),
    minCosine: minCosine === undefined ? undefined : parseCosine(minCosine),
    maxError: maxError === undefined ? undefined : parseError(maxError),
    minSpeedup: minSpeedup === undefined ? undefined : parseSpeedup(minSpeedup),
    maxSize: maxSize === undefined ? undefined : parseLimit('--max-size', 'size', maxSize),
    maxLatency: maxLatency === undefined ? undefined : parseLimit('--max-latency', 'latency', maxLatency),
  };
}

/** Gates as they may be given, for reports; those that were not given are left out. */
export function gateTexts(limits: GateLimits): Readonly<Record<string, string | number>> {
  const { maxSize, maxLatency, ...numbers } = limits;
  const texts = {
    ...numbers,
    maxSize: maxSize && limitText('size', maxSize),
    maxLatency: maxLatency && limitText('latency', maxLatency),
  };
  return Object.fromEntries(
    Object.entries(texts).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])),
  );
}

const OPTION_OF: Readonly<Record<keyof GateOptions, string>> = {
  minAgreement: '--min-agreement',
  minCosine: '--min-cosine',
  maxError: '--max-error',
  minSpeedup: '--min-speedup',
  maxSize: '--max-size',
  maxLatency: '--max-latency',
};

function refuseUnmeasured(gates: GateOptions, by: string, why: string): void {
  for (const key of GATE_KEYS) {
    if (gates[key] === undefined) continue;
    const option = OPTION_OF[key];
    throw new OnnxPruneError(
      'bad-option',
      option,
      `${option} cannot be held against anything under ${by}, since ${why} then; leave one of them out.`,
    );
  }
}

function parseCosine(found: number | string): number {
  const number = numberIn(found);
  // Written so that NaN is refused too.
  if (!(number >= -1 && number <= 1)) refuse('--min-cosine', found, 'a cosine from -1 to 1 (such as 0.999)');
  return number;
}

function parseError(found: number | string): number {
  const number = numberIn(found);
  if (!(number >= 0 && Number.isFinite(number)))
    refuse('--max-error', found, 'a number of at least 0 (such as 1e-3), in the unit of the outputs');
  return number;
}

function parseSpeedup(found: number | string): number {
  const number = numberIn(typeof found === 'string' ? found.replace(/\s*[x×]$/i, '') : found);
  if (!(number > 0 && Number.isFinite(number)))
    refuse('--min-speedup', found, 'a multiple of the original’s speed, above 0 (such as 1.5, or 1 for no slower)');
  return number;
}

function numberIn(found: number | string): number {
  if (typeof found === 'number') return found;
  return typeof found === 'string' && found.trim() !== '' ? Number(found) : Number.NaN;
}

function parseLimit(option: string, kind: 'size' | 'latency', found: number | string): Limit {
  const expected =
    kind === 'size'
      ? 'the most bytes of the file, such as "500KB" or "40%" of the original'
      : 'the most time of a run, such as "5ms" or "80%" of the original';
  if (typeof found === 'number') {
    // No file has less than a byte, but many a share is written so.
    if (kind === 'size' && found > 0 && found < 1)
      refuse(option, found, expected, limitText(kind, { fraction: found }));
    if (!(found > 0 && Number.isFinite(found))) refuse(option, found, expected);
    return { absolute: found };
  }
  const limit = readLimit(kind, typeof found === 'string' ? found.trim() : '');
  if ('meant' in limit) refuse(option, found, expected, limit.meant);
  return limit;
}
