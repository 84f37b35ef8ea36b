import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { OnnxPruneError } from './errors.ts';

/** Where a result goes when nobody says: `model.onnx` becomes `model.pruned.onnx` beside it. */
export function defaultOutput(input: string): string {
  const extension = extname(input);
  return join(dirname(input), `${basename(input, extension)}.pruned${extension === '' ? '.onnx' : extension}`);
}

/**
 * Makes sure, before any work, that a result may be written to a path.
 * @throws OnnxPruneError `bad-option` where the path is the input, a directory, in a folder that does not exist, or a file
 *   that is there already and may not be replaced
 */
export function checkOutput(option: string, output: string, input: string, force: boolean): void {
  const folder = dirname(resolve(output));
  if (!existsSync(folder)) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `${option} "${output}": the folder "${folder}" does not exist; make it first, or name another.`,
    );
  }
  if (!existsSync(output)) return;
  if (existsSync(input) && realpathSync(output) === realpathSync(input)) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `${option} "${output}" is the input itself, which is never touched; name another file.`,
    );
  }
  if (statSync(output).isDirectory()) {
    throw new OnnxPruneError('bad-option', output, `${option} "${output}" is a directory; name a file in it.`);
  }
  if (!force)
    throw new OnnxPruneError(
      'bad-option',
      output,
      `"${output}" exists already; replace it with --force, or name another file with -o.`,
    );
}
