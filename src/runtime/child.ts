import { type ChildProcess, fork } from 'node:child_process';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { messageOf, OnnxPruneError } from '../errors.ts';
import { closedError, crashError, logCause, startError, timeoutError } from './child-errors.ts';
import { workerLaunch } from './launch.ts';
import type { ModelLayout } from './layout.ts';
import {
  isAttention,
  isFailure,
  isProgress,
  isSuccess,
  type Params,
  READY,
  type RequestKind,
  type RequestMessage,
  type Result,
} from './protocol.ts';

/** Settings of a `RuntimeChild`. */
export interface RuntimeChildOptions {
  /** Time limit of a request that does not name its own, in ms. Default 300000. */
  readonly deadlineMs?: number | undefined;
  /** How the caller's user raises the limit, to end the sentence "… took longer than 5 s": a command's option, say. */
  readonly deadlineHint?: string | undefined;
}

/** Settings of one request. */
export interface RequestOptions {
  /** Time limit in ms; `Infinity` for none. */
  readonly deadlineMs?: number | undefined;
  /** Aborting kills the process and rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Hears how far the request is, at most about ten times a second, with the same `total` throughout; not every kind of
   * request tells. What it throws ends the process and rejects the request.
   */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** The longest delay a Node timer can hold. */
const LONGEST_TIMER = 2 ** 31 - 1;
/** Loading the native library takes 0.1 to 0.5 s; far beyond that something is broken. */
const START_DEADLINE = 60_000;
const LOG_LIMIT = 16_384;

/** A process together with what it has written. */
interface Live {
  readonly process: ChildProcess;
  /** Paths whose layouts it knows. */
  readonly told: Set<string>;
  log: string;
}

/**
 * A process of its own for onnxruntime.
 *
 * Loading and running a model block the thread they are on, an endless Loop can only be stopped by killing its
 * process, and
 * a crash in native code takes its process with it: so none of it happens in ours. The process starts with the first
 * request, serves one request after the other, is replaced after it was killed, and never keeps the parent alive while
 * it is idle. It ends when the parent ends.
 */
export class RuntimeChild {
  readonly #deadlineMs: number;
  readonly #deadlineHint: string;
  readonly #layouts = new Map<string, ModelLayout>();
  #live: Live | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #closed = false;

  constructor(options: RuntimeChildOptions = {}) {
    this.#deadlineMs = options.deadlineMs ?? 300_000;
    this.#deadlineHint = options.deadlineHint ?? 'raise the time limit (deadlineMs) or give smaller inputs';
  }

  /** Process id of the running process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#live?.process.pid;
  }

  /** What the process has written since its latest request began, at most the last 16 thousand characters. */
  get log(): string {
    return this.#live?.log ?? '';
  }

  /** Says how the model lies on the disk that requests are going to call by this path. */
  lay(path: string, layout: ModelLayout): void {
    this.#layouts.set(path, layout);
    this.#live?.told.delete(path);
  }

  /**
   * Asks the process and waits for the answer. Requests queue up; the time limit counts from when one starts.
   * @throws OnnxPruneError `runtime-refused` when onnxruntime refuses the model or takes too long, `bad-data` for
   * feeds that
   * do not fit; also `runtime-refused` when onnxruntime crashes, see `RuntimeCrash`. Rejects with the signal's reason when aborted.
   */
  request<K extends RequestKind>(
    kind: K,
    subject: string,
    params: Params<K>,
    options: RequestOptions = {},
  ): Promise<Result<K>> {
    const answer = this.#turn.then(async () => {
      options.signal?.throwIfAborted();
      if (this.#closed) {
        throw new OnnxPruneError(
          'internal',
          subject,
          `The onnxruntime process was closed before it could handle ${subject}.`,
        );
      }
      return this.#exchange(await this.#start(options.signal), kind, subject, params, options);
    });
    // The next request waits for this one, whether it succeeds or not.
    this.#turn = answer.catch(() => undefined);
    return answer;
  }

  /** Ends the process at once; a request under way is rejected, as are later ones. */
  async close(): Promise<void> {
    this.#closed = true;
    const live = this.#live;
    if (live === undefined) return;
    const gone = new Promise<void>((resolve) => live.process.once('close', () => resolve()));
    hold(live.process, true);
    this.#kill(live);
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The layouts that a process has not heard of. */
  #untold({ told }: Live): Map<string, ModelLayout> {
    return new Map([...this.#layouts].filter(([path]) => !told.has(path)));
  }

  #kill(live: Live): void {
    if (this.#live === live) this.#live = undefined;
    live.process.kill('SIGKILL');
  }

  async #start(signal: AbortSignal | undefined): Promise<Live> {
    if (this.#live !== undefined) return this.#live;
    const { url, execArgv } = workerLaunch(import.meta.url);
    const child = fork(fileURLToPath(url), [], {
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      // By itself onnxruntime reports to Microsoft what it runs, and leaves a log in the temporary folder.
      env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    });
    const live: Live = { process: child, told: new Set(), log: '' };
    for (const stream of [child.stdout, child.stderr]) collect(stream, live);
    child.on('error', () => undefined);
    this.#live = live;
    child.once('close', () => {
      if (this.#live === live) this.#live = undefined;
    });
    await new Promise<void>((resolve, reject) => {
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        child.off('close', fail);
        child.off('error', fail);
        child.off('message', onMessage);
        how();
      };
      const stop = (reason: () => unknown): void => {
        this.#kill(live);
        settle(() => reject(reason()));
      };
      const fail = (): void => stop(() => (this.#closed ? closedError('its start') : startError(live.log)));
      const onAbort = (): void => stop(() => signal?.reason);
      const onMessage = (message: unknown): void => {
        if (message === READY) settle(resolve);
        else fail();
      };
      const timer = setTimeout(fail, START_DEADLINE);
      child.once('close', fail);
      child.once('error', fail);
      child.once('message', onMessage);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
    hold(child, false);
    return live;
  }

  #exchange<K extends RequestKind>(
    live: Live,
    kind: K,
    subject: string,
    params: Params<K>,
    options: RequestOptions,
  ): Promise<Result<K>> {
    const child = live.process;
    const { signal } = options;
    const deadlineMs = options.deadlineMs ?? this.#deadlineMs;
    const id = this.#nextId++;
    live.log = '';
    let about = subject;
    hold(child, true);
    return new Promise<Result<K>>((resolve, reject) => {
      const settle = (how: () => void): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        child.off('message', onMessage);
        child.off('close', onClose);
        hold(child, false);
        how();
      };
      const onMessage = (message: unknown): void => {
        if (isAttention(message, id)) about = message.attention.subject ?? subject;
        else if (isProgress(message, id)) tell(message.progress.done, message.progress.total);
        else if (isSuccess(message, id, kind)) settle(() => resolve(message.result));
        else if (isFailure(message, id)) {
          settle(() => reject(new OnnxPruneError(message.code, message.subject, message.message, logCause(live.log))));
        }
      };
      const tell = (done: number, total: number): void => {
        try {
          options.onProgress?.(done, total);
        } catch (error) {
          this.#kill(live);
          settle(() => reject(error));
        }
      };
      const onClose = (code: number | null, by: NodeJS.Signals | null): void => {
        settle(() => reject(this.#closed ? closedError(subject) : crashError(about, code, by, live.log)));
      };
      const onAbort = (): void => {
        this.#kill(live);
        settle(() => reject(signal?.reason));
      };
      const onDeadline = (): void => {
        this.#kill(live);
        settle(() => reject(timeoutError(about, deadlineMs, this.#deadlineHint, live.log)));
      };
      const timer = setTimeout(onDeadline, Math.min(deadlineMs, LONGEST_TIMER));
      child.on('message', onMessage);
      child.on('close', onClose);
      signal?.addEventListener('abort', onAbort, { once: true });
      // It may have been aborted while the process was starting, before anybody listened.
      if (signal?.aborted) return onAbort();
      const layouts = this.#untold(live);
      const message: RequestMessage<K> = { id, kind, params, ...(layouts.size > 0 && { layouts }) };
      const unsent = (error: unknown): void => {
        const why = `${subject} could not be sent to onnxruntime's process: ${messageOf(error)}; check the data.`;
        settle(() => reject(new OnnxPruneError('bad-data', subject, why, error)));
      };
      try {
        child.send(message, (error) => {
          // A process that died gives its 'close' event, too, which says more than a broken pipe.
          if (error !== null && child.connected && !isBrokenPipe(error)) unsent(error);
        });
        for (const path of layouts.keys()) live.told.add(path);
      } catch (error) {
        // Structured clone refuses functions and the like; nothing has gone out then.
        unsent(error);
      }
    });
  }
}

/** The other end is gone, even if nobody has noticed yet. */
function isBrokenPipe(error: Error): boolean {
  return 'code' in error && error.code === 'EPIPE';
}

function collect(stream: Readable | null, live: Live): void {
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    live.log = (live.log + stripVTControlCharacters(text)).slice(-LOG_LIMIT);
  });
}

/** Says whether the parent has to stay alive for the process: yes during a request, no between them. */
function hold(child: ChildProcess, yes: boolean): void {
  const handles = [child, child.channel, child.stdout, child.stderr];
  for (const handle of handles) {
    if (handle === null || handle === undefined) continue;
    if ('readable' in handle && !(handle instanceof Socket)) continue;
    if ('ref' in handle && 'unref' in handle) {
      if (yes) handle.ref();
      else handle.unref();
    }
  }
}
