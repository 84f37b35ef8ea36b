import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';

const amount = 'must be at least 0% and below 100% (such as "50%" or 0.5), but is';
const layer = (entry: unknown): unknown => ({ layers: [{ match: 'stem', amount: '50%' }, entry] });

const RECIPES: readonly (readonly [recipe: unknown, sentence: string])[] = [
  [
    {},
    'Nothing says how much to remove: give --structured or --unstructured (such as "50%"), --heads, --head-dim, --threshold, --pattern, a recipe with',
  ],
  [{ layers: [{ match: 'stem', exclude: true }] }, 'Nothing says how much to remove'],
  [{ structurd: '50%' }, 'There is no option "structurd"; did you mean "structured"?'],
  [{ layer: [] }, 'There is no option "layer"; did you mean "layers"?'],
  [{ structured: '50%', json: true }, 'There is no option "json".'],
  [{ structured: '150%' }, `--structured ${amount} "150%".`],
  [{ structured: true }, `--structured ${amount} true.`],
  [{ heads: 50 }, `--heads ${amount} 50; did you mean "50%"?`],
  [{ headDim: null }, `--head-dim ${amount} null.`],
  [
    { structured: 0.5, criterion: 5 },
    '--criterion must be one of reconstruction, fan-out, l1, l2, bn-scale, fpgm, random, or a formula such as "abs(w) * row_norm", but is 5; a formula of one word goes into parentheses.',
  ],
  [{ structured: 0.5, scope: ['global'] }, '--scope must be one of uniform, global, lamp, but is ["global"].'],
  [{ structured: 0.5, align: true }, '--align must be "auto", "none" or a whole number of channels, but is true.'],
  [{ structured: 0.5, seed: false }, '--seed must be a whole number of at least 0, but is false.'],
  [{ structured: 0.5, verify: 'false' }, 'verify must be true or false, but is "false".'],
  [{ structured: 0.5, allowApproximate: 1 }, 'allowApproximate must be true or false, but is 1.'],
  [{ structured: 0.5, output: 5 }, '--output must be the path of a file, but is 5.'],
  [{ structured: 0.5, exclude: 'stem' }, '--exclude must be a list of names or globs, but is "stem".'],
  [{ layers: { match: 'stem' } }, 'In the recipe, "layers" must be a list such as [{"match": "*head*", "exclude"'],
  [layer('stem'), 'In the recipe, "layers[1]" must be an object with "match", but is "stem".'],
  [layer(null), 'In the recipe, "layers[1]" must be an object with "match", but is null.'],
  [layer({ amount: 0.5 }), 'In the recipe, "layers[1]".match must be a name or a glob, or a list of them, but is'],
  [layer({ match: [], amount: 0.5 }), '"layers[1]".match must be a name or a glob, or a list of them, but is [].'],
  [layer({ match: ['stem', 5], amount: 0.5 }), '"layers[1]".match must be a name or a glob (such as "*head*"), but is'],
  [layer({ match: 'stem' }), '"layers[1]" must be told what to do: "amount", "criterion" or "exclude", but is {"match'],
  [layer({ match: 'stem', amonut: 0.5 }), 'There is no option "amonut"; did you mean "amount"?'],
  [layer({ match: 'stem', amount: '100%' }), `"layers[1]".amount ${amount} "100%".`],
  [layer({ match: 'stem', amount: -0.5 }), `"layers[1]".amount ${amount} -0.5.`],
  [layer({ match: 'stem', criterion: 'l3' }), '"layers[1]".criterion must be one of'],
  [layer({ match: 'stem', exclude: 'yes' }), '"layers[1]".exclude must be true or false, but is "yes".'],
  [
    layer({ match: 'nope*', amount: 0.5 }),
    'The recipe’s "match" "nope*" matches no node and no initializer of the model',
  ],
];

async function failure(recipe: string | undefined): Promise<string> {
  const desk = new Desk();
  desk.write('m.onnx', smallNet().bytes());
  if (recipe !== undefined) desk.write('r.json', recipe);
  const { code, stdout, stderr } = await desk.hosted('m.onnx', '--recipe', 'r.json', '--no-bench');
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(/^onnx-prune: .*[.?]\n$/);
  expect(desk.files).toEqual(recipe === undefined ? ['m.onnx'] : ['m.onnx', 'r.json']);
  expect(desk.leftovers).toEqual([]);
  return stderr;
}

describe('a wrong recipe', { timeout: 30_000 }, () => {
  it.each(RECIPES)('%j gets one sentence: %s', async (recipe, sentence) => {
    expect(await failure(JSON.stringify(recipe))).toContain(sentence);
  });

  it.each([
    ['half an object', '{"structured": '],
    ['comments', '{"structured": 0.5 // half\n}'],
    ['nothing', ''],
  ])('that holds %s is no JSON', async (_, text) => {
    expect(await failure(text)).toContain('The recipe r.json is not JSON: ');
  });

  it.each(['[]', '"50%"', 'null', '5'])('that is %s is no object, and is told how to begin', async (text) => {
    const sentence = await failure(text);
    expect(sentence).toContain('The recipe r.json must be a JSON object such as {"structured": "50%"');
    expect(sentence).toContain('"onnx-prune inspect MODEL --json | jq .recipe" gives a start.');
  });

  it('that is not there is missed', async () => {
    expect(await failure(undefined)).toMatch(/The recipe r\.json cannot be read: .*ENOENT/);
  });
});
