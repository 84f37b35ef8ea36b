import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { compare, RuntimeChild } from '../../src/runtime/index.ts';
import { knownOutputs, OutputsToKeep } from '../../src/runtime/reference-outputs.ts';
import { addition, floats, scratch } from './models.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();

describe('The outputs of an original', () => {
  it('are kept under their key, all batches or none', () => {
    const keeping = new OutputsToKeep('some');
    keeping.add({ y: floats([1], [1]) });
    expect(knownOutputs('some')).toBeUndefined();
    keeping.keep();
    expect(knownOutputs('some')).toEqual([{ y: floats([1], [1]) }]);
    expect(knownOutputs('others')).toBeUndefined();
    expect(knownOutputs(undefined)).toBeUndefined();
  });

  it('are not kept beyond 128 MiB, and take the place of no others then', () => {
    const before = knownOutputs('some');
    const keeping = new OutputsToKeep('large');
    const batch = { y: { type: 'uint8', dims: [2 ** 26], data: new Uint8Array(2 ** 26) } };
    for (let i = 0; i < 3; i++) keeping.add(batch);
    keeping.keep();
    expect(knownOutputs('large')).toBeUndefined();
    expect(knownOutputs('some')).toBe(before);
  });

  it('are those of the file as it is, not as it was', { timeout: 30_000 }, async () => {
    const [a, b] = [write('a.onnx', addition([1, 1])), write('b.onnx', addition([1, 1]))];
    const feeds = [{ x: floats([1, 2], [1, 2]) }];
    const errorOf = async (): Promise<number | undefined> =>
      (await compare(child, a, b, feeds)).outputs[0]?.maxAbsError;
    expect(await errorOf()).toBe(0);
    expect(await errorOf()).toBe(0);
    writeFileSync(a, addition([3, 3]));
    expect(await errorOf()).toBe(2);
    // Other inputs have other outputs.
    const others = await compare(child, a, b, [{ x: floats([1, 2], [5, 6]) }]);
    expect(others.outputs[0]?.maxAbsReference).toBe(9);
  });
});
