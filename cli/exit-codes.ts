import { OnnxPruneError } from '../src/errors.ts';

/** What the exit status of the command means. */
export const EXIT = {
  /** Done. */
  done: 0,
  /** A bug of ours. */
  internal: 1,
  /** The caller can mend it: options, files, models, data. */
  usage: 2,
  /** The proof or a gate failed. */
  check: 3,
  /** Stopped by Ctrl-C; 128 plus the number of SIGINT, as shells have it. */
  interrupted: 130,
} as const;

/** The exit status for an error. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof OnnxPruneError)) return EXIT.internal;
  if (error.code === 'internal') return EXIT.internal;
  return error.code === 'check-failed' ? EXIT.check : EXIT.usage;
}
