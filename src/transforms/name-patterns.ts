import picomatch from 'picomatch';
import { messageOf, OnnxPruneError } from '../errors.ts';
import { nearestWord } from '../numeric/nearest-word.ts';
import { matchingIn } from './match-in-time.ts';

const GLOB = { bash: true, dot: true, nonegate: true } as const;

/** A pattern, and whether it matches a name. */
export interface NamePattern {
  readonly pattern: string;
  matches(name: string): boolean;
}

/**
 * A pattern is a glob in which `*` crosses slashes and dots, or a whole name; what is a name is no glob, since names may hold
 * brackets and stars.
 * @param option what gave it, for messages
 * @param names all that there are
 * @param mayMiss whether it may match none of them
 * @throws OnnxPruneError `bad-option` where it matches none and may not, cannot be read, or takes seconds to match
 */
export function namePattern(option: string, pattern: string, names: readonly string[], mayMiss = false): NamePattern {
  const isName = names.includes(pattern);
  const glob = isName ? undefined : globOf(option, pattern);
  const known = new Set(names);
  const hits = glob === undefined ? new Set([pattern]) : glob(names);
  const matches = (name: string): boolean =>
    name === pattern || (known.has(name) ? hits.has(name) : glob?.([name]).has(name) === true);
  if (mayMiss || names.some(matches)) return { pattern, matches };
  const meant = nearestName(pattern, names);
  throw new OnnxPruneError(
    'bad-option',
    pattern,
    `${option} "${pattern}" matches no node and no initializer of the model;${meant === undefined ? '' : ` did you mean "${meant}"?`} "onnx-prune inspect MODEL" lists the names.`,
  );
}

/** A glob's names among others. @throws OnnxPruneError `bad-option` as `namePattern` does */
function globOf(option: string, pattern: string): (names: readonly string[]) => ReadonlySet<string> {
  const refusal = (what: string, cause?: unknown): OnnxPruneError => {
    const shown = pattern.length <= MOST_SHOWN ? pattern : `${pattern.slice(0, MOST_SHOWN)}…`;
    return new OnnxPruneError(
      'bad-option',
      shown,
      `${option} "${shown}" ${what}; use names with * and ? in them, and several patterns instead of one.`,
      cause,
    );
  };
  let expression: RegExp;
  try {
    expression = picomatch.makeRe(pattern, GLOB);
    // Node reads an expression when it is used first.
    expression.test('');
  } catch (error) {
    throw refusal(`cannot be read (${messageOf(error).slice(0, MOST_SHOWN)})`, error);
  }
  return (names) => {
    const found = matchingIn(expression, names);
    if (found === undefined) throw refusal('takes too long to be matched with names');
    return found;
  };
}

/** Characters of a pattern that a message repeats. */
const MOST_SHOWN = 200;

/** The name that a pattern may have been meant for: one that holds it in other letters, or one spelled almost like it. */
function nearestName(pattern: string, names: readonly string[]): string | undefined {
  const bare = pattern.replaceAll(/[*?[\]{}!]/g, '').toLowerCase();
  if (bare === '') return undefined;
  const holding = names.find((name) => name.toLowerCase().includes(bare));
  return holding ?? nearestWord(bare, names, Math.max(2, Math.floor(bare.length / 4)));
}
