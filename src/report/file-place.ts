import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { isWritable } from '../options/output-path.ts';

/** Refuses to write a file. @throws OnnxPruneError `bad-option`, with a sentence that ends in what is wrong with the path */
export function refusePath(option: string, path: string, what: string): never {
  throw new OnnxPruneError('bad-option', path, `${option} "${path}" ${what}.`);
}

/**
 * Makes sure, before any work, that a file may be written to a path.
 * @param taken files that the run reads or writes, by what they are to it ("the model", "the output")
 * @throws OnnxPruneError `bad-option` where the path is one of those, a directory, or in a folder that does not exist, or where permission is missing
 */
export function checkPlace(option: string, path: string, taken: Readonly<Record<string, string>>): void {
  const folder = dirname(resolve(path));
  if (!existsSync(folder))
    refusePath(option, path, `cannot be written: the folder "${folder}" does not exist; make it first`);
  if (!statSync(folder).isDirectory())
    refusePath(option, path, `cannot be written: "${folder}" is a file, not a folder`);
  if (existsSync(path) && statSync(path).isDirectory()) refusePath(option, path, 'is a directory; name a file in it');
  const [place, what] = existsSync(path) ? [path, 'the file'] : [folder, `the folder "${folder}"`];
  if (!isWritable(place))
    refusePath(option, path, `cannot be written: permission to write ${what} is missing; name another file`);
  checkNotTaken(option, path, taken);
}

/**
 * Makes sure that a file that is to be written is none that the run reads or writes otherwise.
 * @param taken those, by what they are to it
 * @throws OnnxPruneError `bad-option`
 */
export function checkNotTaken(option: string, path: string, taken: Readonly<Record<string, string>>): void {
  for (const [what, other] of Object.entries(taken)) {
    if (realPathOf(path) === realPathOf(other)) refusePath(option, path, `is ${what}; name another file`);
  }
}

/** A path without links and detours, of a file that may not be there yet. */
function realPathOf(path: string): string {
  if (existsSync(path)) return realpathSync(path);
  const folder = dirname(resolve(path));
  return existsSync(folder) ? join(realpathSync(folder), basename(path)) : resolve(path);
}
