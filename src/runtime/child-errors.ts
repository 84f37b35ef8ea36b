import { OnnxPruneError } from '../errors.ts';

/** onnxruntime's process crashed, or was killed, most often for want of memory. */
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

/** Exit codes below are Node's own, as after an exception that nobody caught (https://nodejs.org/api/process.html#exit-codes). */
const FIRST_FOREIGN_CODE = 16;

/**
 * The process ended by itself, or was killed by somebody else, with an exit code or a signal. Native code that crashes is no fault of
 * this program, nor is a kill, which is what the system does where memory runs out: both count as refusals, which the caller can mend by
 * another model or other inputs. Only where Node itself ended it, the fault is ours.
 */
export function crashError(subject: string, code: number | null, signal: string | null, log: string): RuntimeCrash {
  if (signal === 'SIGKILL') {
    const message = `onnxruntime's process was killed while it worked on ${subject}, most often for want of memory; give it more, or smaller inputs or batches.`;
    return new RuntimeCrash('runtime-refused', subject, message, logCause(log));
  }
  const how = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
  const last = lastWords(log);
  const said = `onnxruntime's process ${how} while it worked on ${subject}${last === undefined ? '' : ` (${last})`}`;
  if (signal === null && (code ?? 0) < FIRST_FOREIGN_CODE) {
    const message = `${said}, which is a bug of onnx-prune; please report it with the model.`;
    return new RuntimeCrash('internal', subject, message, logCause(log));
  }
  const message = `${said}, a crash of onnxruntime over this model; try smaller inputs, or check that the model runs elsewhere.`;
  return new RuntimeCrash('runtime-refused', subject, message, logCause(log));
}

/** What native code says when it gives up: Node of memory, C++ of an exception that nobody caught. */
function lastWords(log: string): string | undefined {
  const said = /^(?:.*FATAL ERROR: |terminate called |\s*what\(\): ).*$/m.exec(log)?.[0].trim();
  return said === undefined || said.length <= LONGEST_WORDS ? said : `${said.slice(0, LONGEST_WORDS - 1)}…`;
}

const LONGEST_WORDS = 160;

/** The line of a crash report that names the error, or else its last line. */
function reasonIn(log: string): string {
  const lines = log.split('\n').map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.findLast((line) => line !== '') ?? 'it gave no reason';
}
