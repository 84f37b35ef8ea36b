import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bitsOf } from '../../src/ir/data-type.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { type FloatType, floatBytes } from '../../src/numeric/float-bytes.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from '../../src/numeric/float16.ts';
import { pruneWeights } from '../../src/transforms/prune-weights.ts';
import { HALF } from '../transforms/pruned-weights.ts';
import { TYPES } from './every-type.ts';
import { declared, silent } from './messages.ts';

const FLOATS = ['float16', 'bfloat16', 'float32', 'float64'] as const;

/** x [1, n] → MatMul with `w` [n, 1] → y [1, 1], of one type; `shift` moves the data to another place of a buffer. */
async function net(type: FloatType, raw: Uint8Array, shift = 0): Promise<Model> {
  const count = (raw.length * 8) / bitsOf(type);
  const number = TYPES.find(([name]) => name === type)?.[1] ?? 0;
  const moved = new Uint8Array(raw.length + shift).subarray(shift);
  moved.set(raw);
  const model = importModel({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 17 }],
    graph: {
      name: 'product',
      node: [{ opType: 'MatMul', input: ['x', 'w'], output: ['y'] }],
      initializer: [{ name: 'w', dims: [count, 1], dataType: number, rawData: moved }],
      input: [declared('x', number, [1, count])],
      output: [declared('y', number, [1, 1])],
    },
  });
  await normalise(model, silent);
  return model;
}

/** Elements as hexadecimal words, the highest byte first. */
function words(raw: Uint8Array, type: FloatType): string[] {
  const width = bitsOf(type) / 8;
  return Array.from({ length: raw.length / width }, (_, i) =>
    Buffer.from(raw.subarray(i * width, (i + 1) * width))
      .reverse()
      .toString('hex'),
  );
}

/** The bits of a weight after pruning. */
async function pruned(type: FloatType, raw: Uint8Array, amount: number, shift = 0): Promise<string[]> {
  const model = await net(type, raw, shift);
  await pruneWeights(model, { ...HALF, how: { kind: 'amount', amount, scope: 'uniform' } });
  const [weight] = [...model.graph.initializers].filter(({ name }) => name === 'w');
  return words(weight?.tensor?.raw() ?? new Uint8Array(), type);
}

/** The number that a word is. */
function numberOf(word: string, type: FloatType): number {
  const bytes = Buffer.from(word, 'hex');
  if (type === 'float64') return bytes.readDoubleBE();
  if (type === 'float32') return bytes.readFloatBE();
  const widen = type === 'float16' ? float16ToFloat32 : bfloat16ToFloat32;
  return widen(Uint16Array.of(bytes.readUInt16BE()))[0] ?? Number.NaN;
}

/** Finite elements of a type, of any bits; those of float64 are such as float32 has, whose order is theirs. */
const elements = (type: FloatType): fc.Arbitrary<Uint8Array> =>
  fc
    .array(fc.oneof(fc.constantFrom(0, -0), fc.float({ noNaN: true, noDefaultInfinity: true })), {
      minLength: 2,
      maxLength: 40,
    })
    .map((numbers) => floatBytes(type, numbers))
    .filter((raw) => words(raw, type).every((word) => Number.isFinite(numberOf(word, type))));

describe.each(FLOATS)('weights of %s', (type) => {
  test('become zero from the smallest on, of equal ones the last first; the others keep their bits', async () => {
    await fc.assert(
      fc.asyncProperty(
        elements(type),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(7),
        async (raw, amount, shift) => {
          const before = words(raw, type);
          const zeros = Math.round(before.length * amount);
          const order = before
            .map((word, i) => ({ i, size: Math.abs(numberOf(word, type)) }))
            // What is zero already leaves first, whichever it is.
            .sort((a, b) => a.size - b.size || b.i - a.i)
            .map(({ i }) => i);
          const leaving = new Set(order.slice(0, zeros));
          const after = before.map((word, i) =>
            leaving.has(i) && numberOf(word, type) !== 0 ? '0'.repeat(word.length) : word,
          );
          expect(await pruned(type, raw, amount, shift)).toEqual(after);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that are not finite are an error that says how many', async () => {
    for (const odd of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      await expect(pruned(type, floatBytes(type, [1, odd, 0, 2]), 0.5)).rejects.toThrow(
        expect.objectContaining({
          code: 'bad-model',
          subject: 'w',
          message: expect.stringMatching(/"w" holds 1 NaN or infinite number, .* --exclude "w"/),
        }),
      );
    }
  });
});

test('doubles below the smallest float32 are no zeros, and rank as equals below all others', async () => {
  const tiny = [5e-324, -5e-324, 1e-310, -0, 1e-40, 1];
  const bits = words(floatBytes('float64', tiny), 'float64');
  const zero = '0'.repeat(16);
  expect(await pruned('float64', floatBytes('float64', tiny), 1 / 6)).toEqual(bits);
  expect(await pruned('float64', floatBytes('float64', tiny), 2 / 6)).toEqual(
    bits.map((word, i) => (i === 2 ? zero : word)),
  );
  expect(await pruned('float64', floatBytes('float64', tiny), 4 / 6)).toEqual(
    bits.map((word, i) => (i <= 2 ? zero : word)),
  );
});
