import picomatch from 'picomatch';
import { OnnxPruneError } from '../errors.ts';
import { nearestWord } from '../numeric/nearest-word.ts';

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
 * @throws OnnxPruneError `bad-option` where it matches none and may not
 */
export function namePattern(option: string, pattern: string, names: readonly string[], mayMiss = false): NamePattern {
  const glob = picomatch(pattern, { bash: true, dot: true, nonegate: true });
  const isName = names.includes(pattern);
  const matches = (name: string): boolean => name === pattern || (!isName && glob(name));
  if (mayMiss || names.some(matches)) return { pattern, matches };
  const meant = nearestName(pattern, names);
  throw new OnnxPruneError(
    'bad-option',
    pattern,
    `${option} "${pattern}" matches no node and no initializer of the model;${meant === undefined ? '' : ` did you mean "${meant}"?`} "onnx-prune inspect MODEL" lists the names.`,
  );
}

/** The name that a pattern may have been meant for: one that holds it in other letters, or one spelled almost like it. */
function nearestName(pattern: string, names: readonly string[]): string | undefined {
  const bare = pattern.replaceAll(/[*?[\]{}!]/g, '').toLowerCase();
  if (bare === '') return undefined;
  const holding = names.find((name) => name.toLowerCase().includes(bare));
  return holding ?? nearestWord(bare, names, Math.max(2, Math.floor(bare.length / 4)));
}
