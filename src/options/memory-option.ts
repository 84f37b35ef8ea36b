import { OnnxPruneError } from '../errors.ts';
import { refuse } from './parse.ts';
import type { SettledOptions } from './prune-options.ts';
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

/**
 * Makes sure that nothing has to be timed where weights stay in files: loading them is what takes the time then.
 * @param weights bytes of the model's weights
 * @throws OnnxPruneError `bad-option` naming the option that has to time
 */
export function checkUntimed(
  { gates, target, memory }: Pick<SettledOptions, 'gates' | 'target' | 'memory'>,
  weights: number,
): void {
  const timed =
    gates.minSpeedup !== undefined
      ? '--min-speedup'
      : gates.maxLatency !== undefined
        ? '--max-latency'
        : target?.kind === 'latency'
          ? '--target latency='
          : undefined;
  if (timed === undefined) return;
  throw new OnnxPruneError(
    'bad-option',
    timed,
    `${timed} has to measure speed, which is not done for models whose weights (${weights} bytes) are more than --memory (${memory}); raise --memory, or leave ${timed} out.`,
  );
}
