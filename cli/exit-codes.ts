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
} as const;

/** The signals that ask a run to stop, with the exit status of a command that they ended: 128 plus their number, as shells have it. */
export const STOP_SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Somebody has stopped the run. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly status: number;

  /** @param message what became of the run */
  constructor(signal: keyof typeof STOP_SIGNALS, message = 'Stopped; nothing was written.') {
    super(message);
    this.status = STOP_SIGNALS[signal];
  }
}

/** The exit status for an error. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof Interrupted) return error.status;
  if (!(error instanceof OnnxPruneError)) return EXIT.internal;
  if (error.code === 'internal') return EXIT.internal;
  return error.code === 'check-failed' ? EXIT.check : EXIT.usage;
}
