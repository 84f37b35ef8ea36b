import { nearestWord } from '../numeric/nearest-word.ts';
import { refuse } from './parse.ts';

/** What can be aimed at. */
export const TARGET_KINDS = ['params', 'macs', 'latency', 'size'] as const;

/** Parameters, multiplications and additions, milliseconds per run, or bytes of the file. */
export type TargetKind = (typeof TARGET_KINDS)[number];

/** The most that may stay: in parameters, multiplications, milliseconds or bytes, or as a fraction of the original's. */
export type Limit = { readonly absolute: number } | { readonly fraction: number };

/** What a result must come down to. */
export interface Target {
  readonly kind: TargetKind;
  readonly limit: Limit;
}

/** Factors of units, in small letters, to the unit that measures come in. */
const COUNTS: ReadonlyMap<string, number> = new Map([
  ['', 1],
  ['k', 1e3],
  ['m', 1e6],
  ['g', 1e9],
]);
const UNITS: Readonly<Record<TargetKind, ReadonlyMap<string, number>>> = {
  params: COUNTS,
  macs: COUNTS,
  latency: new Map([
    ['us', 1e-3],
    // Both letters that look like this: the micro sign, and mu.
    ['\u00b5s', 1e-3],
    ['\u03bcs', 1e-3],
    ['ms', 1],
    ['s', 1e3],
  ]),
  size: new Map([
    ['b', 1],
    ['kb', 1e3],
    ['mb', 1e6],
    ['gb', 1e9],
    ['kib', 2 ** 10],
    ['mib', 2 ** 20],
    ['gib', 2 ** 30],
  ]),
};

/** How values without a percent sign are written. */
const ABSOLUTES: Readonly<Record<TargetKind, string>> = {
  params: 'a number of parameters such as "params=1.5M"',
  macs: 'a number of multiplications such as "macs=2.1M"',
  latency: 'a time such as "latency=5ms"',
  size: 'a size such as "size=500KB" or "size=1.2MiB"',
};

/**
 * A target such as "macs=40%", "params=1.5M", "latency=5ms" or "size=500KB". A percentage is what stays, of the original.
 * K, M and G are thousands, millions and billions of parameters or multiplications; KB is 1000 bytes and KiB 1024.
 *
 * @throws OnnxPruneError `bad-option` for a kind that is none, a unit that is not of that kind or lacks, and for what is
 *   not above 0 or is more than 100% of the original
 */
export function parseTarget(option: string, found: string): Target {
  const text = typeof found === 'string' ? found : '';
  const equals = text.indexOf('=');
  const name = text.slice(0, Math.max(equals, 0)).trim();
  const value = text.slice(equals + 1).trim();
  const kind = TARGET_KINDS.find((each) => each === name);
  if (kind === undefined) {
    const near = name === '' ? undefined : nearestWord(name, TARGET_KINDS);
    const all = `${TARGET_KINDS.slice(0, -1)
      .map((each) => `${each}=`)
      .join(', ')} or ${TARGET_KINDS.at(-1)}=`;
    const expected = `${all} with the most that may stay, such as "macs=40%" of the original or "size=500KB"`;
    refuse(option, found, expected, near && `${near}=${value}`);
  }
  const expected = `${kind}= with the most that may stay: above 0% and at most 100% of the original, such as "${kind}=40%", or ${ABSOLUTES[kind]}`;
  const limit = readLimit(kind, value);
  if ('meant' in limit) refuse(option, found, expected, limit.meant && `${kind}=${limit.meant}`);
  if ('fraction' in limit && limit.fraction > 1) refuse(option, found, expected);
  return { kind, limit };
}

/** A limit such as "40%" of the original's or "500KB", above 0; else what may have been meant, where that can be told. */
export function readLimit(kind: TargetKind, value: string): Limit | { readonly meant: string | undefined } {
  const [, digits, unit] = /^(\d*\.?\d*(?:e[+-]?\d+)?)\s*(\S*)$/i.exec(value) ?? [];
  const number = digits === undefined || digits === '' ? Number.NaN : Number(digits);
  // Written so that NaN is refused too.
  if (unit === undefined || !(number > 0 && Number.isFinite(number))) return { meant: undefined };
  const meant = unit === '' ? whatIsMeant(kind, number) : undefined;
  if (meant !== undefined) return { meant };
  if (unit === '%') return { fraction: number / 100 };
  const factor = UNITS[kind].get(unit.toLowerCase());
  return factor === undefined ? { meant: undefined } : { absolute: rounded(number * factor) };
}

/** What a bare number may have been meant for; undefined where it can be meant as it is. */
function whatIsMeant(kind: TargetKind, number: number): string | undefined {
  if (number < 1) return `${rounded(number * 100)}%`;
  if (kind === 'latency') return `${number}ms`;
  if (kind === 'size') return `${number}${number < 1000 ? 'KB' : 'B'}`;
  // No model has so few of them.
  return number <= 100 ? `${number}%` : undefined;
}

/** A target as it may be given, such as "macs=40%" or "size=500000B". */
export function targetText({ kind, limit }: Target): string {
  return `${kind}=${limitText(kind, limit)}`;
}

/** A limit as it may be given, such as "40%" or "500000B". */
export function limitText(kind: TargetKind, limit: Limit): string {
  if ('fraction' in limit) return `${rounded(limit.fraction * 100)}%`;
  return `${limit.absolute}${kind === 'latency' ? 'ms' : kind === 'size' ? 'B' : ''}`;
}

/** The most that a result may come to, in the unit of the kind, where the original comes to so much. */
export function limitOf({ limit }: Pick<Target, 'limit'>, original: number): number {
  return 'absolute' in limit ? limit.absolute : rounded(limit.fraction * original);
}

/** Without the noise of floats: 0.29 of 100 is 29, which is just met by 29. */
function rounded(value: number): number {
  return Number(value.toPrecision(14));
}
