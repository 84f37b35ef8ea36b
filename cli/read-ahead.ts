import type { ByteSource } from './byte-source.ts';

const WINDOW = 4 * 2 ** 20;

/**
 * Reads more than is asked for where reads follow each other closely, so that small samples do not each cost a turn of the
 * event loop and the disk. What is read must not be changed, since another read may share it.
 */
export function readingAhead(source: ByteSource): ByteSource {
  let [start, end, asked] = [0, 0, 0];
  let window: Uint8Array = new Uint8Array(0);
  return {
    size: source.size,
    read: async (from, to) => {
      // No further away than what is wanted is long: there is less to skip than to read.
      const isClose = from >= asked && from - asked <= to - from;
      asked = to;
      if (from >= start && to <= end) return window.subarray(from - start, to - start);
      const until = isClose ? Math.max(to, Math.min(from + WINDOW, source.size)) : to;
      const bytes = await source.read(from, until);
      [start, end, window] = [from, until, bytes];
      return bytes.subarray(0, to - from);
    },
  };
}
