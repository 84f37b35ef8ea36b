import { messageOf } from '../errors.ts';
import type { PointLatency } from '../report/study.ts';
import { type Benchmark, benchmark, type Feeds, type RuntimeChild } from '../runtime/index.ts';

/** How fast a model runs, or why nobody knows. */
export type Timed = PointLatency | { readonly problem: string };

/** Times pruned models in turn with their original. */
export class Timing {
  readonly threads: number;
  readonly #child: RuntimeChild;
  readonly #original: string;
  readonly #feeds: Feeds;
  readonly #signal: AbortSignal | undefined;

  /** @param original path of a file that onnxruntime reads */
  constructor(child: RuntimeChild, original: string, feeds: Feeds, threads: number, signal: AbortSignal | undefined) {
    this.threads = threads;
    this.#child = child;
    this.#original = original;
    this.#feeds = feeds;
    this.#signal = signal;
  }

  /** Times models, by path: all in the same rounds, or, where one of them does not run, each by itself. */
  async measure(paths: readonly string[]): Promise<ReadonlyMap<string, Timed>> {
    if (paths.length === 0) return new Map();
    try {
      return this.#latencies(paths, await this.#time(paths));
    } catch (error) {
      this.#signal?.throwIfAborted();
      if (paths.length === 1) return new Map(paths.map((path) => [path, { problem: messageOf(error) }]));
      const alone: (readonly [string, Timed])[] = [];
      for (const path of paths) alone.push(...(await this.measure([path])));
      return new Map(alone);
    }
  }

  #time(paths: readonly string[]): Promise<Benchmark> {
    const options = { threads: this.threads, signal: this.#signal };
    return benchmark(this.#child, [this.#original, ...paths], [this.#feeds], options);
  }

  #latencies(paths: readonly string[], { models: [original, ...models] }: Benchmark): ReadonlyMap<string, Timed> {
    return new Map(
      paths.flatMap((path, index) => {
        const model = models[index];
        if (original === undefined || model?.speedUp === undefined) return [];
        const { median, p10, p90, speedUp } = model;
        const { median: ratio, p25, p75, significant } = speedUp;
        return [
          [path, { median, p10, p90, original: original.median, speedUp: ratio, p25, p75, significant }] as const,
        ];
      }),
    );
  }
}
