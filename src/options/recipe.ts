import { OnnxPruneError } from '../errors.ts';
import type { LayerRule } from '../transforms/select-groups.ts';
import { parseAmount, parseCriterion, parsePatterns, rejectUnknownKeys } from './parse.ts';
import { valueText } from './value-text.ts';

/** What is wanted of some layers, as a recipe says it. */
export interface RecipeLayer {
  /** Name or glob of groups, of the weights that make their channels, or of the nodes that apply those; or several. */
  readonly match: string | readonly string[];
  /** Fraction of each such group to remove: 0.5 or "50%". */
  readonly amount?: number | string | undefined;
  readonly criterion?: string | undefined;
  /** Keeps them whole. */
  readonly exclude?: boolean | undefined;
}

const KEYS: readonly (keyof RecipeLayer)[] = ['match', 'amount', 'criterion', 'exclude'];

/**
 * Checks the layers of a recipe.
 * @throws OnnxPruneError `bad-option` naming the entry, what it must be and what it is
 */
export function checkRecipeLayers(layers: readonly RecipeLayer[]): LayerRule[] {
  if (!Array.isArray(layers)) refuse('"layers"', layers, 'a list such as [{"match": "*head*", "exclude": true}]');
  return layers.map((layer: RecipeLayer, index) => {
    const where = `"layers[${index}]"`;
    if (typeof layer !== 'object' || layer === null) refuse(where, layer, 'an object with "match"');
    rejectUnknownKeys(layer, KEYS);
    const match = typeof layer.match === 'string' ? [layer.match] : layer.match;
    if (!Array.isArray(match) || match.length === 0)
      refuse(`${where}.match`, layer.match, 'a name or a glob, or a list of them');
    if (layer.exclude !== undefined && typeof layer.exclude !== 'boolean')
      refuse(`${where}.exclude`, layer.exclude, 'true or false');
    if (layer.amount === undefined && layer.criterion === undefined && layer.exclude === undefined)
      refuse(where, layer, 'told what to do: "amount", "criterion" or "exclude"');
    return {
      match: parsePatterns(`${where}.match`, match),
      amount: layer.amount === undefined ? undefined : parseAmount(`${where}.amount`, layer.amount),
      criterion: layer.criterion === undefined ? undefined : parseCriterion(`${where}.criterion`, layer.criterion),
      exclude: layer.exclude,
    };
  });
}

function refuse(what: string, found: unknown, expected: string): never {
  throw new OnnxPruneError(
    'bad-option',
    what,
    `In the recipe, ${what} must be ${expected}, but is ${valueText(found)}.`,
  );
}
