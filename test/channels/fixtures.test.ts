import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures');
const files = ['', 'structural'].flatMap((folder) =>
  readdirSync(join(FIXTURES, folder))
    .filter((name) => name.endsWith('.onnx') && name !== 'external.onnx')
    .map((name) => join(folder, name)),
);

const cutEqualsMasked = useCutEqualsMasked();

describe('cut equals masked', { timeout: 60_000 }, () => {
  test.each(files)('%s', async (name) => {
    const bytes = new Uint8Array(readFileSync(join(FIXTURES, name)));
    const half = await cutEqualsMasked(bytes, { amount: 0.5, mayBeConstant: true });
    const any = await cutEqualsMasked(bytes, { seed: 5, declared: true, mayBeConstant: true });
    expect(half.groups).toEqual(any.groups);
    expect(half.removed > 0).toBe(!name.endsWith('nothing-to-prune.onnx'));
  });
});
