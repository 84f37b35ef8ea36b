import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ByteSource, inMemory } from '../../cli/byte-source.ts';
import { readingAhead } from '../../cli/read-ahead.ts';

const bytes = Uint8Array.from({ length: 10_000_000 }, (_, i) => i % 251);

/** A source that keeps which ranges were read. */
function watched(): { source: ByteSource; reads: [number, number][] } {
  const reads: [number, number][] = [];
  const { size, read } = inMemory(bytes);
  return {
    reads,
    source: {
      size,
      read: (from, to) => {
        reads.push([from, to]);
        return read(from, to);
      },
    },
  };
}

describe('reading ahead', () => {
  it('gives what is there, whatever the order', async () => {
    const range = fc
      .tuple(fc.nat(bytes.length), fc.nat(3000))
      .map(([from, length]): [number, number] => [from, Math.min(from + length, bytes.length)]);
    await fc.assert(
      fc.asyncProperty(fc.array(range), async (ranges) => {
        const ahead = readingAhead(inMemory(bytes));
        // Each twice, and its neighbour, so that some come out of what was read ahead.
        for (const [from, to] of ranges.flatMap(([a, b]) => [
          [a, b] as const,
          [a, b] as const,
          [b, Math.min(b + 9, bytes.length)] as const,
        ]))
          expect(Buffer.compare(await ahead.read(from, to), bytes.subarray(from, to))).toBe(0);
      }),
    );
  });

  it('takes few reads for what comes in a row, pass by pass', async () => {
    const { source, reads } = watched();
    const ahead = readingAhead(source);
    for (let pass = 0; pass < 2; pass += 1) {
      for (let at = 0; at < bytes.length; at += 1000) await ahead.read(at, at + 1000);
    }
    expect(reads.length).toBeLessThan(10);
    expect(Math.max(...reads.map(([from, to]) => to - from))).toBeLessThan(5_000_000);
  });

  it('reads no more than is wanted where that lies far apart', async () => {
    const { source, reads } = watched();
    const ahead = readingAhead(source);
    for (let at = 5000; at < bytes.length; at += 100_000) await ahead.read(at, at + 1000);
    expect(reads.every(([from, to]) => to - from === 1000)).toBe(true);
  });
});
