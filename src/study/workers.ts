import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { workerLaunch } from '../runtime/index.ts';
import type { Job } from './job.ts';
import type { Ended, Task } from './worker.ts';

/** A job that waits for a process, and what is to be told how it ended. */
interface Waiting {
  readonly task: Task;
  readonly tell: (ended: Ended) => void;
}

/** What a job is told that a study did not get to. */
const STOPPED: Ended = { ok: false, code: 'internal', message: 'The study was stopped before it was done.' };

/**
 * Processes that prune and judge models, each one after the other. One that crashes, or runs out of memory, takes its own job down
 * and no other, and is replaced.
 */
export class Workers {
  readonly #count: number;
  readonly #shared: Pick<Task, 'input' | 'data' | 'before'>;
  readonly #folder: string;
  #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  #waiting: Waiting[] = [];
  #closed = false;

  /**
   * @param count processes at a time
   * @param shared what all tasks have; the data are a file that `writeStudyData` wrote
   * @param folder where they keep temporary files, so that these go with it even if a process is killed
   */
  constructor(count: number, shared: Pick<Task, 'input' | 'data' | 'before'>, folder: string) {
    this.#count = count;
    this.#shared = shared;
    this.#folder = folder;
  }

  /** Runs a job in one of the processes; see `Task`. Never throws: what went wrong is the job's end. */
  run(job: Job, output: string | null): Promise<Ended> {
    if (this.#closed) return Promise.resolve(STOPPED);
    const task: Task = { ...this.#shared, job, output };
    return new Promise((tell) => {
      this.#waiting.push({ task, tell });
      this.#next();
    });
  }

  /** Ends all processes at once; returns when they are gone. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const { tell } of this.#waiting) tell(STOPPED);
    this.#waiting = [];
    await Promise.all(
      [...this.#all].map((each) => {
        const gone = new Promise<void>((resolve) => each.once('exit', () => resolve()));
        each.kill('SIGKILL');
        return gone;
      }),
    );
  }

  #next(): void {
    while (this.#waiting.length > 0) {
      const worker = this.#idle.pop() ?? (this.#all.size < this.#count ? this.#start() : undefined);
      if (worker === undefined) return;
      const waiting = this.#waiting.shift();
      if (waiting !== undefined) this.#give(worker, waiting);
    }
  }

  #start(): ChildProcess {
    const { url, execArgv } = workerLaunch(import.meta.url);
    const folder = this.#folder;
    const worker = fork(fileURLToPath(url), [], {
      execArgv: [...execArgv],
      env: { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#all.add(worker);
    // Without a listener, a process that cannot be started would end ours; 'exit', or the job's own end, says the same.
    worker.on('error', () => undefined);
    // One that is gone while it has no job would take the next one with it, and nobody may wait for it to go.
    worker.once('exit', () => {
      this.#all.delete(worker);
      this.#idle = this.#idle.filter((each) => each !== worker);
    });
    return worker;
  }

  #give(worker: ChildProcess, { task, tell }: Waiting): void {
    const settle = (ended: Ended, isThere: boolean): void => {
      worker.removeAllListeners('message');
      worker.off('exit', onEnd);
      worker.off('error', onEnd);
      if (isThere) this.#idle.push(worker);
      else this.#all.delete(worker);
      tell(ended);
      this.#next();
    };
    const onEnd = (why: unknown, signal?: unknown): void => {
      const by = why instanceof Error ? why.message : (signal ?? `exit status ${why}`);
      const message = this.#closed ? STOPPED : died(String(by));
      settle(message, false);
    };
    worker.once('message', (found: unknown) =>
      settle(isEnded(found) ? found : { ok: false, code: 'internal', message: 'Its process gave no answer.' }, true),
    );
    worker.once('exit', onEnd);
    worker.once('error', onEnd);
    // A process that is gone gives its 'exit', which says more than a broken pipe.
    worker.send(task, () => undefined);
  }
}

function died(by: string): Ended {
  const hint = by === 'SIGKILL' ? '; it may have run out of memory' : '';
  return { ok: false, code: 'internal', message: `Its process ended before it was done (${by})${hint}.` };
}

/** Both ends are this program, so that one field is proof enough. */
function isEnded(found: unknown): found is Ended {
  return typeof found === 'object' && found !== null && 'ok' in found;
}
