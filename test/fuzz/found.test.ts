import { readdirSync } from 'node:fs';
import { afterAll, expect, test } from 'vitest';
import { FOUND, foundBytes } from './found.ts';
import { Proving } from './trial.ts';

const proving = new Proving();
afterAll(() => proving.close());

test.each(FOUND)('$file, $way: $story', async ({ file, way, outcome }) => {
  const found = await proving.tryFiles({ bytes: foundBytes(file), files: new Map() }, way);
  expect(found).toMatchObject({ kind: outcome });
});

test('every found model is tried', () => {
  const files = readdirSync(new URL('../../fixtures/found/', import.meta.url)).map((name) => `found/${name}`);
  expect(FOUND.map(({ file }) => file)).toEqual(expect.arrayContaining(files));
});
