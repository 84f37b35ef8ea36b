import picomatch from 'picomatch';
import { OnnxPruneError } from '../errors.ts';

/** A pattern, and whether it matches a name. */
export interface NamePattern {
  readonly pattern: string;
  matches(name: string): boolean;
}

/**
 * A pattern is a glob in which `*` crosses slashes and dots, or a whole name.
 * @param option what gave it, for messages
 * @param names of which it must match one, where they are given
 * @throws OnnxPruneError `bad-option` where it matches none of them
 */
export function namePattern(option: string, pattern: string, names: readonly string[] | undefined): NamePattern {
  const glob = picomatch(pattern, { bash: true, dot: true, nonegate: true });
  const matches = (name: string): boolean => name === pattern || glob(name);
  if (names === undefined || names.some(matches)) return { pattern, matches };
  throw new OnnxPruneError(
    'bad-option',
    pattern,
    `${option} "${pattern}" matches no node and no initializer of the model; "onnx-prune inspect MODEL" lists the names.`,
  );
}
