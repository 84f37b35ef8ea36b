import { createHash } from 'node:crypto';
import type { PruneOptions } from '../options/prune-options.ts';
import type { ModelSize } from '../report/report.ts';
import type { Quality } from '../report/study.ts';

/** One model that a study makes. */
export interface Job {
  /** Fraction of 1. */
  readonly amount: number;
  readonly of: 'channels' | 'weights';
  /** What `prune` is told. */
  readonly options: PruneOptions;
  /** The weight whose zeros count, where it is about one. */
  readonly weight?: string;
}

/** What a job came to, but for its speed. */
export interface Outcome {
  readonly size: ModelSize;
  readonly quality: Quality;
  /** See `StudyPoint`. */
  readonly reached: number;
}

/**
 * Tells jobs of a study apart, and knows them again in another process: equal options give equal names. How long a job may take is no
 * part of what it comes to: whoever raises the limit for those that took longer finds all others.
 */
export function idOf({ options: { timeout: _, ...options } }: Job): string {
  return createHash('sha256').update(canonical(options)).digest('hex').slice(0, 16);
}

/** JSON with the keys in order, and without those that hold nothing. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
