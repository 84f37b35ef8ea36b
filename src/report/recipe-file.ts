import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { replaceFiles } from '../onnx/replace-files.ts';
import { checkPlace, refusePath } from './file-place.ts';

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
  checkPlace(option, path, taken);
  if (existsSync(path) && !force)
    refusePath(option, path, `exists already; replace it with --force, or name another file behind ${option}`);
}

/** Writes a recipe as `prune` reads it with --recipe: JSON, whole or not there. @throws OnnxPruneError `bad-file` */
export async function writeRecipe(path: string, recipe: Readonly<Record<string, unknown>>): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(recipe, null, 2)}\n`);
  await replaceFiles([{ path, parts: [bytes], bytes: bytes.length }]);
}
