import { availableParallelism } from 'node:os';
import { parseDrop, parseFlag, parsePath, parseWhole, refuse } from './parse.ts';
import type { PruneOptions } from './prune-options.ts';

/** What a run of a study has for itself and nobody may ask for. */
type OfOneRun =
  | 'structured'
  | 'heads'
  | 'headDim'
  | 'unstructured'
  | 'threshold'
  | 'pattern'
  | 'schedule'
  | 'steps'
  | 'initial'
  | 'target'
  | 'maxDrop'
  | 'output'
  | 'force'
  | 'dryRun'
  | 'requireChange'
  | 'gzip'
  | 'verify'
  | 'layers';

/** What a study of many amounts is told: how each model is pruned, and how the study is carried out. */
export interface StudyOptions extends Omit<PruneOptions, OfOneRun> {
  /** Amounts of channels: "0:90:10" (from, to, step), "0,25,50" in percent, "0:80:20,95", or fractions of 1. */
  readonly structured?: string | readonly number[] | undefined;
  /** Amounts of weights, written alike. */
  readonly unstructured?: string | readonly number[] | undefined;
  /** Models that are pruned and judged at a time, each in a process of its own; default: cores, at most 8. */
  readonly workers?: number | string | undefined;
  /** File that keeps finished points, so that the same study goes on after a stop; false for none. */
  readonly journal?: string | false | undefined;
  /** Measure all anew, whatever the journal holds. */
  readonly fresh?: boolean | undefined;
}

/** `criterion`, `weightCriterion`, `scope`, `weightScope` and `recover` may each name several, with commas between them. */
export type SweepOptions = StudyOptions;

/** How the groups or weights of a model are studied one by one. */
export interface SensitivityOptions extends StudyOptions {
  /** Percentage points of answers that a layer may cost and still bear its amount: "1%" (default) or 0.01. */
  readonly tolerance?: number | string | undefined;
  /** Find a recipe of what each layer bears. */
  readonly suggest?: boolean | undefined;
}

/** How a study is carried out, after checking. */
export interface StudyWishes {
  readonly workers: number;
  /** Undefined for none. */
  readonly journal: string | undefined;
  readonly fresh: boolean;
}

/** Points that nobody has the time for. */
const MOST_AMOUNTS = 200;
const MOST_WORKERS = 64;
const EXAMPLES = '"0:90:10" (from, to, step), "0,25,50" (percent), "0:80:20,95,99", or fractions below 1';

/**
 * Checks how a study is carried out.
 * @param place where the journal goes when nobody says
 * @throws OnnxPruneError `bad-option`
 */
export function checkStudyOptions({ workers, journal, fresh }: StudyOptions, place: string): StudyWishes {
  const found = journal === undefined ? place : journal;
  return {
    workers: parseWhole('--workers', workers ?? Math.min(8, availableParallelism()), 1, MOST_WORKERS),
    journal: found === false ? undefined : parsePath('--journal', found),
    fresh: parseFlag('fresh', fresh ?? false),
  };
}

/** The drop that a layer may cost, a fraction of 1. @throws OnnxPruneError `bad-option` */
export function checkTolerance(tolerance: SensitivityOptions['tolerance']): number {
  return parseDrop('--tolerance', tolerance ?? '1%');
}

/**
 * Amounts from a range ("0:90:10"), a list ("0,25%,50"), a list of both ("0:80:20,95") or numbers: fractions of 1, ascending, each once. Without percent
 * signs they are percents where any of them is 1 or more, else fractions.
 * @throws OnnxPruneError `bad-option` outside of 0% to below 100%, and for more than 200 of them
 */
export function parseAmounts(option: string, found: string | readonly number[]): number[] {
  const expected = `amounts of at least 0% and below 100%, such as ${EXAMPLES}`;
  const words =
    typeof found === 'string'
      ? found.split(',').flatMap((part) => (part.includes(':') ? rangeWords(option, part.trim()) : [part]))
      : found;
  if (!Array.isArray(words) || words.length === 0) refuse(option, found, expected);
  const parsed = words.map((word) => /^(\d+(?:\.\d+)?|\.\d+)(e-?\d+)?(%?)$/i.exec(String(word).trim()));
  if (!parsed.every((match) => match !== null)) refuse(option, found, expected);
  const numbers = parsed.map((match) => Number(`${match[1]}${match[2] ?? ''}`));
  const hasSign = parsed.some((match) => match[3] === '%');
  const isPercent = hasSign || numbers.some((number) => number >= 1);
  if (isPercent && !hasSign && numbers.some((number) => number > 0 && number < 1))
    refuse(option, found, `${expected}; numbers below and above 1 side by side need their percent signs`);
  // Written in the shortest way: 0.7 percent is 0.007, not 0.006999999999999999.
  const fraction = (number: number): number => (isPercent ? Number((number / 100).toPrecision(12)) : number);
  const fractions = [...new Set(numbers.map(fraction))].sort((a, b) => a - b);
  if (fractions.some((amount) => amount >= 1)) refuse(option, found, expected);
  if (fractions.length > MOST_AMOUNTS) refuse(option, found, `at most ${MOST_AMOUNTS} amounts`);
  return fractions;
}

/** The amounts of a range in words, with the last one only where a step ends there. */
function rangeWords(option: string, found: string): string[] {
  const expected =
    'a range such as "0:90:10" (from, to, step, in percent), with a step above 0 and an end not before its start';
  const [, from, to, step] = /^\s*([\d.]+)%?\s*:\s*([\d.]+)%?\s*:\s*([\d.]+)%?\s*$/.exec(found) ?? [];
  const [first, last, by] = [Number(from), Number(to), Number(step)];
  // Written so that NaN is refused too.
  if (!(by > 0 && last >= first)) refuse(option, found, expected);
  const count = Math.floor((last - first) / by + 1e-9) + 1;
  if (count > MOST_AMOUNTS) refuse(option, found, `a range of at most ${MOST_AMOUNTS} amounts`);
  const sign = found.includes('%') ? '%' : '';
  return Array.from({ length: count }, (_, i) => `${Number((first + i * by).toPrecision(12))}${sign}`);
}

/** The ways that an option names, with commas between them; those inside of parentheses are no such commas. */
export function splitWays(found: string): string[] {
  const ways: string[] = [];
  let [depth, start] = [0, 0];
  for (let i = 0; i <= found.length; i++) {
    const character = found[i];
    if (character === '(') depth++;
    else if (character === ')') depth--;
    if (i < found.length && (character !== ',' || depth > 0)) continue;
    ways.push(found.slice(start, i).trim());
    start = i + 1;
  }
  return [...new Set(ways.filter((way) => way !== ''))];
}
