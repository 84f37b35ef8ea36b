import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { replaceFiles } from '../onnx/replace-files.ts';

/** Where a recipe goes when nobody says: `model.onnx` and `model.onnx.gz` have theirs in `model.recipe.json` beside them. */
export function defaultRecipe(model: string): string {
  const name = basename(model)
    .replace(/\.gz$/i, '')
    .replace(/\.[^.]+$/, '');
  return join(dirname(model), `${name}.recipe.json`);
}

/**
 * Makes sure, before any work, that a recipe may be written to a path.
 * @param taken files that the run reads or writes, by what they are to it ("the model")
 * @throws OnnxPruneError `bad-option` where the path is one of those, a directory, in a folder that does not exist, or a file
 *   that is there already and may not be replaced
 */
export function checkRecipeFile(
  option: string,
  path: string,
  taken: Readonly<Record<string, string>>,
  force: boolean,
): void {
  const refuse = (what: string): never => {
    throw new OnnxPruneError('bad-option', path, `${option} "${path}" ${what}.`);
  };
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) refuse(`cannot be written: the folder "${folder}" does not exist; make it first`);
  for (const [what, other] of Object.entries(taken)) {
    if (realPathOf(path) === realPathOf(other)) refuse(`is ${what}; name another file`);
  }
  if (!existsSync(path)) return;
  if (statSync(path).isDirectory()) refuse('is a directory; name a file in it');
  if (!force) refuse(`exists already; replace it with --force, or name another file behind ${option}`);
}

function realPathOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}

/** Writes a recipe as `prune` reads it with --recipe: JSON, whole or not there. @throws OnnxPruneError `bad-file` */
export async function writeRecipe(path: string, recipe: Readonly<Record<string, unknown>>): Promise<void> {
  await replaceFiles([{ path, parts: [new TextEncoder().encode(`${JSON.stringify(recipe, null, 2)}\n`)] }]);
}
