import { readFileSync } from 'node:fs';
import { messageOf, OnnxPruneError } from '../src/errors.ts';
import type { PruneOptions } from '../src/index.ts';

/**
 * Reads the options and layers of a recipe: a JSON object with the names that the library's options have.
 * @throws OnnxPruneError `bad-file` where it cannot be read or is no JSON object; what its entries say is checked by the library
 */
export function readRecipe(path: string): PruneOptions {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new OnnxPruneError('bad-file', path, `The recipe ${path} cannot be read: ${messageOf(error)}.`, error);
  }
  let recipe: unknown;
  try {
    recipe = JSON.parse(text);
  } catch (error) {
    throw new OnnxPruneError('bad-file', path, `The recipe ${path} is not JSON: ${messageOf(error)}.`, error);
  }
  if (typeof recipe !== 'object' || recipe === null || Array.isArray(recipe)) {
    throw new OnnxPruneError(
      'bad-file',
      path,
      `The recipe ${path} must be a JSON object such as {"structured": "50%", "layers": [{"match": "*head*", "exclude": true}]}; "onnx-prune inspect MODEL --json | jq .recipe" gives a start.`,
    );
  }
  return recipe;
}
