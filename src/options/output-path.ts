import { accessSync, constants, existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { OnnxPruneError } from '../errors.ts';

/**
 * Where a result goes when nobody says: `model.onnx` becomes `model.pruned.onnx` beside it, with `.gz` behind it if compressed.
 * @param done what was done to it
 */
export function defaultOutput(input: string, gzip = false, done: 'pruned' | 'int8' = 'pruned'): string {
  const plain = isCompressedName(input) ? input.slice(0, -GZ.length) : input;
  const extension = extname(plain);
  const name = `${basename(plain, extension)}.${done}${extension === '' ? '.onnx' : extension}`;
  return join(dirname(input), gzip ? `${name}${GZ}` : name);
}

const GZ = '.gz';

/** Whether a path says that its file is compressed. */
export function isCompressedName(path: string): boolean {
  return path.toLowerCase().endsWith(GZ);
}

/**
 * Makes sure, before any work, that a result may be written to a path.
 * @throws OnnxPruneError `bad-option` where the path is the input, a directory, in a folder that does not exist, or a file
 *   that is there already and may not be replaced, because nobody said so or it is protected
 */
export function checkOutput(option: string, output: string, input: string, force: boolean): void {
  // Reading will say so, and that is what the caller wants to hear first.
  if (!existsSync(input)) return;
  const folder = dirname(resolve(output));
  if (!existsSync(folder) || !statSync(folder).isDirectory()) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `${option} "${output}": the folder "${folder}" does not exist; make it first, or name another.`,
    );
  }
  if (!isWritable(folder)) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `${option} "${output}": nothing can be written into the folder "${folder}"; name another with -o.`,
    );
  }
  if (!existsSync(output)) return;
  if (realpathSync(output) === realpathSync(input)) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `${option} "${output}" is the input itself, which is never touched; name another file.`,
    );
  }
  const status = statSync(output);
  if (status.isDirectory()) {
    throw new OnnxPruneError('bad-option', output, `${option} "${output}" is a directory; name a file in it.`);
  }
  if (!status.isFile()) {
    throw new OnnxPruneError('bad-option', output, `${option} "${output}" is not a regular file; name another.`);
  }
  if (!force)
    throw new OnnxPruneError(
      'bad-option',
      output,
      `"${output}" exists already; replace it with --force, or name another file with -o.`,
    );
  if (!isWritable(output)) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `${option} "${output}" is protected: permission to write it is missing; name another file with -o.`,
    );
  }
}

/**
 * Makes sure that neither a result, nor the data file beside it that its weights go into, takes the place of the input's weights.
 * @param path of the data file, or of one that is cleared away with what the result replaces
 * @param kept files that must not be touched: the external data of the input
 * @throws OnnxPruneError `bad-option` where one of both is one of those, or the data file is there already and may not be replaced
 */
export function checkDataFile(output: string, path: string, kept: readonly string[], force: boolean): void {
  if (kept.some((file) => isSameFile(file, output))) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `"${output}" holds weights of the input, which is never touched; name another output with -o.`,
    );
  }
  if (kept.some((file) => isSameFile(file, path))) {
    throw new OnnxPruneError(
      'bad-option',
      path,
      `The weights of the result would go into "${path}", which holds those of the input and is never touched; name another output with -o.`,
    );
  }
  if (existsSync(path) && !force) {
    throw new OnnxPruneError(
      'bad-option',
      path,
      `The weights of the result would go into "${path}", which exists already; replace it with --force, or name another output with -o.`,
    );
  }
}

/**
 * Refuses to compress a model whose weights are in other files.
 * @throws OnnxPruneError `unsupported`
 */
export function checkCompressible(input: string, dataFiles: readonly string[], output: string): void {
  throw new OnnxPruneError(
    'unsupported',
    input,
    `${basename(input)} keeps its weights in ${dataFiles.map((file) => basename(file)).join(', ')}, so compressing the .onnx file would save nothing; leave --gzip out, or name an output that does not end in ${GZ} (it is "${output}"), and compress both files together.`,
  );
}

function isSameFile(a: string, b: string): boolean {
  return existsSync(a) && existsSync(b) && realpathSync(a) === realpathSync(b);
}

/** Whether this process may write a file, or into a folder, that is there. */
export function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Where the journal of a study goes when nobody says: beside the model, under its whole name. */
export function defaultJournal(model: string, kind: 'sweep' | 'sensitivity'): string {
  return `${model}.${kind}.jsonl`;
}
