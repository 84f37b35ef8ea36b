import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './worker.ts';

/** Megabytes of JavaScript objects that a case may hold. */
const HEAP = 1200;
/** Milliseconds after which a case counts as one that never ends: onnxruntime may have taken its time more than once. */
const PATIENCE = 50_000;

/** A process that tries cases, ended and started anew where a case does not end or ends the process. */
export class Tester {
  #child: ChildProcess | undefined;

  async try(request: Request): Promise<Answer> {
    const child = this.#child ?? (await this.#start());
    const gone = new AbortController();
    const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE);
    const start = performance.now();
    try {
      child.send(request);
      const answered = once(child, 'message', { signal: gone.signal });
      const ended = once(child, 'exit', { signal: gone.signal });
      const [first] = await Promise.race([answered, ended.then(([code, signal]) => [{ code, signal }])]);
      if (isAnswer(first)) return first;
      this.#child = undefined;
      const seconds = ((performance.now() - start) / 1000).toFixed(0);
      return {
        case: request.case,
        outcome: { kind: 'finding', message: `the process ended after ${seconds} s: ${JSON.stringify(first)}` },
      };
    } finally {
      clearTimeout(timer);
      gone.abort();
    }
  }

  close(): void {
    this.#child?.disconnect();
    this.#child = undefined;
  }

  async #start(): Promise<ChildProcess> {
    const child = fork(fileURLToPath(new URL('worker.ts', import.meta.url)), [], {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP}`],
    });
    await once(child, 'message');
    this.#child = child;
    return child;
  }
}

function isAnswer(found: unknown): found is Answer {
  return typeof found === 'object' && found !== null && 'case' in found && 'outcome' in found;
}
