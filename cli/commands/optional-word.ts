import { Option } from 'commander';
import { OnnxPruneError } from '../../src/errors.ts';

/** How the names of models end. */
const MODEL_FILE = /\.onnx(\.gz)?$/i;

/**
 * An option that may have a word behind it, or none. Where the model comes next, it would be taken for that word: that gets a
 * sentence of its own.
 * @param command what is called, for the way out
 */
export function optionalWord(flags: string, description: string, command = 'onnx-prune'): Option {
  const option = new Option(flags, description);
  return option.argParser((word: string) => {
    if (!MODEL_FILE.test(word)) return word;
    const flag = option.long ?? flags;
    throw new OnnxPruneError(
      'bad-option',
      flag,
      `${flag} ${word} takes the file for the word behind ${flag}; did you mean "${command} ${word} ${flag}"?`,
    );
  });
}
