/**
 * What kind of thing went wrong. The command line maps it to an exit code:
 * `check-failed` is 3, `internal` is 1, everything else is the caller's to mend and is 2.
 */
export type ErrorCode =
  | 'bad-option'
  | 'bad-file'
  | 'bad-model'
  | 'bad-data'
  | 'unsupported'
  | 'runtime-refused'
  | 'check-failed'
  | 'internal';

/**
 * The only error class that leaves this package on purpose.
 *
 * `message` is one sentence a person can act on: what, where, expected, found, the way out.
 * `subject` is the culprit alone (a file, an option, a node), for programs.
 * `cause` keeps the underlying error.
 */
export class OnnxPruneError extends Error {
  override readonly name = 'OnnxPruneError';
  readonly code: ErrorCode;
  readonly subject: string;

  constructor(code: ErrorCode, subject: string, message: string, cause?: unknown) {
    super(inShort(message), cause === undefined ? undefined : { cause });
    this.code = code;
    this.subject = subject;
  }
}

/** Characters of a message at most; a name in a model may have millions. */
const LONGEST = 4000;

/** A message that is too long without its middle, so that what begins it and the way out stay. */
function inShort(message: string): string {
  if (message.length <= LONGEST) return message;
  const half = LONGEST / 2 - 1;
  return `${message.slice(0, half)}…${message.slice(-half)}`;
}

/** The message of anything thrown, without a stack trace. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Narrows away `undefined` where the surrounding code has already made sure of it.
 * @throws OnnxPruneError `internal` naming what was missing: reaching it is a bug of ours.
 */
export function present<T>(value: T | undefined | null, what: string): T {
  if (value === undefined || value === null) {
    throw new OnnxPruneError(
      'internal',
      what,
      `Internal error: ${what} is missing. Please report this with the model.`,
    );
  }
  return value;
}
