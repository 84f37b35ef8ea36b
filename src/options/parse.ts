import { type CriterionName, criteria } from '../criteria/criteria.ts';
import { OnnxPruneError } from '../errors.ts';
import { nearestWord } from '../numeric/nearest-word.ts';
import { valueText } from './value-text.ts';

/** Every option value is checked here, once, whether it comes from the command line or from a program. */

/**
 * Refuses a value in the sentence that all options share.
 * @param expected what follows "must be"
 * @param guess what may have been meant
 * @throws OnnxPruneError `bad-option`
 */
export function refuse(option: string, found: unknown, expected: string, guess?: string): never {
  const meant = guess === undefined ? '' : `; did you mean "${guess}"?`;
  throw new OnnxPruneError(
    'bad-option',
    option,
    `${option} must be ${expected}, but is ${valueText(found)}${meant === '' ? '.' : meant}`,
  );
}

/**
 * A fraction from "50%", "0.5" or 0.5.
 * @throws OnnxPruneError `bad-option` outside of 0 to `high`, or for a number like 50 that lacks its percent sign
 */
export function parseFraction(
  option: string,
  found: string | number,
  high: { readonly value: number; readonly included: boolean },
): number {
  const limit = high.included ? 'at most' : 'below';
  const expected = `at least 0% and ${limit} ${high.value * 100}% (such as "50%" or 0.5)`;
  if (!isWordOrNumber(found)) refuse(option, found, expected);
  const text = String(found).trim();
  const percent = text.endsWith('%');
  const number = Number(percent ? text.slice(0, -1) : text);
  if (text === '' || text === '%' || !Number.isFinite(number)) refuse(option, found, expected);
  const fraction = percent ? number / 100 : number;
  if (!percent && number > 1 && number < 100) refuse(option, found, expected, `${text}%`);
  if (fraction < 0 || fraction > high.value || (fraction === high.value && !high.included))
    refuse(option, found, expected);
  return fraction;
}

/** The fraction of channels to remove: below 100%, since a layer without channels is no layer. */
export function parseAmount(option: string, found: string | number): number {
  return parseFraction(option, found, { value: 1, included: false });
}

/**
 * Percentage points that accuracy may fall by, as a fraction of 1: 0.01 from "1%", "0.01" or 0.01.
 * @throws OnnxPruneError `bad-option` below 0, from 100 points on, or for a number like 1 that lacks its percent sign
 */
export function parseDrop(option: string, found: string | number): number {
  const expected = 'percentage points of accuracy, at least 0% and below 100% (such as "1%" or 0.01)';
  const [, digits, percent] = /^\s*(\S+?)\s*(%?)\s*$/.exec(isWordOrNumber(found) ? String(found) : '') ?? [];
  const number = Number(digits);
  const points = percent === '%' ? number / 100 : number;
  if (percent === '' && number >= 1 && number < 100) refuse(option, found, expected, `${digits}%`);
  // Written so that NaN is refused too.
  if (!(points >= 0 && points < 1)) refuse(option, found, expected);
  return points;
}

/** A whole number of at least `low` and at most `high`. */
export function parseWhole(option: string, found: string | number, low: number, high?: number): number {
  const number = numberOf(found);
  if (!Number.isSafeInteger(number) || number < low || number > (high ?? number)) {
    const range = high === undefined ? `of at least ${low}` : `from ${low} to ${high}`;
    refuse(option, found, `a whole number ${range}`);
  }
  return number;
}

/** `auto`, `none`, or the number of channels to round to. */
export function parseAlign(option: string, found: string | number): 'auto' | 'none' | number {
  if (found === 'auto' || found === 'none') return found;
  const number = numberOf(found);
  if (!Number.isSafeInteger(number) || number < 1)
    refuse(option, found, '"auto", "none" or a whole number of channels');
  return number;
}

/** Programs without types, and recipes, may give anything at all. */
function isWordOrNumber(found: unknown): found is string | number {
  return typeof found === 'string' || typeof found === 'number';
}

function numberOf(found: unknown): number {
  return !isWordOrNumber(found) || String(found).trim() === '' ? Number.NaN : Number(found);
}

/** A yes or no; words are refused, of which "false" would count as yes. */
export function parseFlag(option: string, found: boolean): boolean {
  if (typeof found !== 'boolean') refuse(option, found, 'true or false');
  return found;
}

/** The path of a file. */
export function parsePath(option: string, found: string): string {
  if (typeof found !== 'string') refuse(option, found, 'the path of a file');
  return found;
}

/** One of a list of words; a near miss is named. */
export function parseChoice<T extends string>(option: string, found: string, choices: readonly T[]): T {
  if (typeof found !== 'string') refuse(option, found, `one of ${choices.join(', ')}`);
  const exact = choices.find((choice) => choice === found);
  if (exact !== undefined) return exact;
  const near = nearestWord(found, choices);
  const guess = near === undefined ? '' : ` (did you mean "${near}"?)`;
  throw new OnnxPruneError(
    'bad-option',
    option,
    `${option} must be one of ${choices.join(', ')}, but is ${valueText(found)}${guess}.`,
  );
}

/** Names or globs of layers. @throws OnnxPruneError `bad-option` for anything but a list of words that are not empty */
export function parsePatterns(option: string, found: readonly string[]): readonly string[] {
  if (!Array.isArray(found)) refuse(option, found, 'a list of names or globs');
  for (const each of found) {
    if (typeof each !== 'string' || each.trim() === '') refuse(option, each, 'a name or a glob (such as "*head*")');
  }
  return found;
}

/** A pattern such as 2:4: how many of every so many weights stay. */
export interface Pattern {
  readonly keep: number;
  readonly of: number;
}

/** Longer groups than hardware has anywhere; beyond that a pattern is a plain amount. */
const LONGEST_PATTERN = 1024;

/** N:M, of which N stay. @throws OnnxPruneError `bad-option` where nothing or everything would stay */
export function parsePattern(option: string, found: string): Pattern {
  const expected = 'N:M, of every M weights N that stay, such as "2:4"';
  if (typeof found !== 'string') refuse(option, found, expected);
  const [, keep, of] = /^\s*(\d+)\s*:\s*(\d+)\s*$/.exec(found) ?? [];
  if (keep === undefined || of === undefined) refuse(option, found, expected);
  const pattern = { keep: Number(keep), of: Number(of) };
  if (pattern.keep < 1 || pattern.keep >= pattern.of || pattern.of > LONGEST_PATTERN)
    refuse(option, found, `${expected}, with N at least 1, N below M, and M at most ${LONGEST_PATTERN}`);
  return pattern;
}

/** A finite number above zero. */
export function parsePositive(option: string, found: string | number): number {
  const number = numberOf(found);
  if (!Number.isFinite(number) || number <= 0) refuse(option, found, 'a number above 0 (such as 0.01)');
  return number;
}

/** The name of a criterion. */
export function parseCriterion(option: string, found: string): CriterionName {
  return parseChoice(
    option,
    found,
    criteria.map(({ name }) => name),
  );
}

/** The path of a model, from a program without types, too. @throws OnnxPruneError `bad-option` */
export function parseModelPath(found: string): string {
  if (typeof found !== 'string' || found === '') refuse('The model', found, 'the path of an .onnx file');
  return found;
}

/** What a caller may hook in: the names of `PruneHooks`. */
export const HOOK_KEYS: readonly string[] = ['onProgress', 'signal', 'calibration', 'testData'];

/**
 * Refuses keys that nothing reads: a misspelt option must not be ignored.
 * @param kind what a key is called
 * @throws OnnxPruneError `bad-option`, for what has no keys, too
 */
export function rejectUnknownKeys(options: object, known: readonly string[], kind: 'option' | 'hook' = 'option'): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    refuse(`What holds the ${kind}s`, options, 'an object');
  for (const key of Object.keys(options)) {
    if (known.includes(key)) continue;
    const near = nearestWord(key, known);
    const wayOut =
      kind === 'option' && HOOK_KEYS.includes(key)
        ? '; it is a hook, and hooks are an object of their own behind that of the options.'
        : near === undefined
          ? '.'
          : `; did you mean "${near}"?`;
    throw new OnnxPruneError('bad-option', key, `There is no ${kind} "${key}"${wayOut}`);
  }
}
