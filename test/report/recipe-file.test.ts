import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readRecipe } from '../../cli/recipe.ts';
import { checkRecipeFile, defaultRecipe, writeRecipe } from '../../src/report/recipe-file.ts';

it.each([
  ['model.onnx', 'model.recipe.json'],
  [join('some', 'net.v2.onnx.gz'), join('some', 'net.v2.recipe.json')],
  ['model', 'model.recipe.json'],
])('the recipe of %s goes into %s', (model, file) => expect(defaultRecipe(model)).toBe(file));

it('A recipe that was written is one that prune reads', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'recipe.json');
  const recipe = { layers: [{ match: 'conv.weight', amount: 0.25 }] };
  checkRecipeFile('--suggest', path, { 'the model': join(folder, 'm.onnx') }, false);
  await writeRecipe(path, recipe);
  expect(readRecipe(path)).toEqual(recipe);
  expect(readFileSync(path, 'utf8')).toMatch(/^\{\n {2}"layers"[\s\S]*\}\n$/);
  expect(readdirSync(folder)).toEqual(['recipe.json']);
  expect(() => checkRecipeFile('--suggest', path, {}, false)).toThrow('exists already; replace it with --force');
  expect(() => checkRecipeFile('--suggest', path, {}, true)).not.toThrow();
  expect(() => checkRecipeFile('--suggest', path, { 'the model': path }, true)).toThrow('is the model; name another');
  expect(() => checkRecipeFile('--suggest', join(path, 'r.json'), {}, false)).toThrow('is a file, not a folder');
});

// Permissions do not hold for root.
it.skipIf(process.getuid?.() === 0)('is refused before any work where it may not be written', () => {
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
  onTestFinished(() => {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true, force: true });
  });
  chmodSync(folder, 0o500);
  const path = join(folder, 'recipe.json');
  expect(() => checkRecipeFile('--suggest', path, {}, false)).toThrow(/permission to write the folder ".*" is missing/);
});
