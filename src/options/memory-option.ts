import { refuse } from './parse.ts';
import { readLimit } from './target.ts';

/**
 * Bytes of weights that may be in memory, such as 5e8, "512MB" or "2GiB".
 * @throws OnnxPruneError `bad-option` for what is no size above 0
 */
export function parseMemory(option: string, found: number | string): number {
  const expected = 'the most bytes of weights to hold in memory, such as "512MB" or "2GiB"';
  const limit = readLimit('size', typeof found === 'number' ? `${found}B` : found.trim());
  if ('meant' in limit) refuse(option, found, expected, limit.meant);
  if ('fraction' in limit) refuse(option, found, expected);
  return limit.absolute;
}
