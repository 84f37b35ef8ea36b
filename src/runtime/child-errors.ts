import { OnnxPruneError } from '../errors.ts';

/** onnxruntime's process ended by itself or was killed, most often for want of memory. */
export class RuntimeCrash extends OnnxPruneError {}

/** onnxruntime took longer than it was given. */
export class RuntimeTimeout extends OnnxPruneError {}

/**
 * What onnxruntime wrote, for the `cause` of an error: too much for a message, too useful to lose. Undefined for
 * nothing.
 */
export function logCause(log: string): Error | undefined {
  const text = log.trim();
  return text === '' ? undefined : new Error(`onnxruntime wrote:\n${text}`);
}

/** The request on `subject` ran out of its `ms`; `hint` says how to give it more. */
export function timeoutError(subject: string, ms: number, hint: string, log: string): RuntimeTimeout {
  const message = `onnxruntime took longer than ${ms / 1000} s over ${subject} and was stopped; ${hint}.`;
  return new RuntimeTimeout('runtime-refused', subject, message, logCause(log));
}

/** The process was closed by its owner while, or before, it worked on `subject`. */
export function closedError(subject: string): OnnxPruneError {
  return new OnnxPruneError(
    'internal',
    subject,
    `The onnxruntime process was closed before it was done with ${subject}.`,
  );
}

/** The process ended before it was ready. */
export function startError(log: string): OnnxPruneError {
  const message = `onnxruntime could not be started: ${reasonIn(log)}; reinstall onnxruntime-node on this platform.`;
  return new OnnxPruneError('internal', 'onnxruntime-node', message, logCause(log));
}

/**
 * The process ended by itself, or was killed by somebody else, with an exit code or a signal. A kill is no fault of the program: the
 * system does that where memory runs out, so that it counts as a refusal, which the caller can mend.
 */
export function crashError(subject: string, code: number | null, signal: string | null, log: string): RuntimeCrash {
  if (signal === 'SIGKILL') {
    const message = `onnxruntime's process was killed while it worked on ${subject}, most often for want of memory; give it more, or smaller inputs or batches.`;
    return new RuntimeCrash('runtime-refused', subject, message, logCause(log));
  }
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
  const message = `onnxruntime's process ${how} while it worked on ${subject}; try smaller inputs, or check that the model runs elsewhere.`;
  return new RuntimeCrash('internal', subject, message, logCause(log));
}

/** The line of a crash report that names the error, or else its last line. */
function reasonIn(log: string): string {
  const lines = log.split('\n').map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line !== '') ?? 'it gave no reason';
}
