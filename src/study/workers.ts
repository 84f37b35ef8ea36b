import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { messageOf } from '../errors.ts';
import { workerLaunch } from '../runtime/index.ts';
import type { Job } from './job.ts';
import type { Ended, Task } from './worker.ts';

/**
 * Processes that prune and judge models, several at a time. One that crashes, or runs out of memory, takes its own job down
 * and no other.
 */
export class Workers {
  readonly #pool: workerpool.Pool;
  readonly #input: string;
  readonly #data: string;

  /**
   * @param data path of a file that `writeStudyData` wrote
   * @param folder where they keep temporary files, so that these go with it even if a process is killed
   */
  constructor(count: number, input: string, data: string, folder: string) {
    const { url, execArgv } = workerLaunch(import.meta.url);
    this.#input = input;
    this.#data = data;
    this.#pool = workerpool.pool(fileURLToPath(url), {
      workerType: 'process',
      maxWorkers: count,
      forkOpts: {
        execArgv: [...execArgv],
        env: { ...process.env, TMPDIR: folder, TEMP: folder, TMP: folder },
        serialization: 'advanced',
        stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      },
      workerTerminateTimeout: 500,
    });
  }

  /** Runs a job in one of the processes; see `Task`. Never throws: what went wrong is the job's end. */
  async run(job: Job, output: string | null): Promise<Ended> {
    const task: Task = { input: this.#input, data: this.#data, job, output };
    try {
      const ended: unknown = await this.#pool.exec('run', [task]);
      if (isEnded(ended)) return ended;
      return { ok: false, code: 'internal', message: 'Its process gave no answer.' };
    } catch (error) {
      const [why = ''] = messageOf(error).split('\n');
      return { ok: false, code: 'internal', message: `Its process ended before it was done (${why.trim()}).` };
    }
  }

  /** Ends all processes at once. */
  async close(): Promise<void> {
    await this.#pool.terminate(true);
  }
}

/** Both ends are this program, so that one field is proof enough. */
function isEnded(found: unknown): found is Ended {
  return typeof found === 'object' && found !== null && 'ok' in found;
}
