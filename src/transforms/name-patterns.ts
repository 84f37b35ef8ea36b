import picomatch from 'picomatch';
import { OnnxPruneError } from '../errors.ts';

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
  throw new OnnxPruneError(
    'bad-option',
    pattern,
    `${option} "${pattern}" matches no node and no initializer of the model; "onnx-prune inspect MODEL" lists the names.`,
  );
}
