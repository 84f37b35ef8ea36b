import { METHODS, MODES, RANGES, RECOVERIES, ROUNDINGS, SCHEDULES, SCOPES } from '../../src/options/choices.ts';
import { TARGET_KINDS } from '../../src/options/target.ts';

/** The words that may stand behind an option, by its long flag. Options that are not here take numbers, or files. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  '--int8': MODES,
  '--ranges': RANGES,
  '--rounding': ROUNDINGS,
  '--recover': RECOVERIES,
  '--one-shot': METHODS,
  '--scope': SCOPES,
  '--weight-scope': SCOPES,
  '--schedule': SCHEDULES,
  '--align': ['auto', 'none'],
  '--bits': ['8', '4'],
  '--target': TARGET_KINDS.map((kind) => `${kind}=`),
};

/** Options that rank by a criterion. */
export const RANKED: ReadonlySet<string> = new Set(['--criterion', '--weight-criterion']);
