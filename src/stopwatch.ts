import { setImmediate } from 'node:timers/promises';

/** What a run is doing now. `done` of `total` where a step knows them. */
export interface Progress {
  readonly step: string;
  readonly done?: number;
  readonly total?: number;
}

/** Tells what is being done, and keeps how long each step took. */
export class Stopwatch {
  readonly seconds: Record<string, number> = {};
  readonly #tell: ((progress: Progress) => void) | undefined;
  readonly #signal: AbortSignal | undefined;

  constructor(tell?: (progress: Progress) => void, signal?: AbortSignal) {
    this.#tell = tell;
    this.#signal = signal;
  }

  /** One for the parts of a step: whatever they are called, they tell what `step` says at the time. */
  within(step: () => string): Stopwatch {
    const tell = this.#tell;
    return new Stopwatch(tell && ((progress) => tell({ ...progress, step: step() })), this.#signal);
  }

  /**
   * Lets signals and timers through, which wait as long as something computes.
   * @throws the signal's reason where the caller has given up
   */
  async breathe(): Promise<void> {
    await setImmediate();
    this.#signal?.throwIfAborted();
  }

  /**
   * Runs one step, which may tell how far it is.
   * @throws the signal's reason where the caller has given up, before or while the step tells something
   */
  async time<T>(step: string, work: (tell: (done: number, total: number) => void) => T | Promise<T>): Promise<T> {
    this.#signal?.throwIfAborted();
    this.#tell?.({ step });
    // The step before may have computed without a pause, and so may this one.
    await this.breathe();
    const start = performance.now();
    let isOver = false;
    try {
      return await work((done, total) => {
        // What a stream says behind its end would come after the next step began, or after all is told.
        if (isOver) return;
        this.#signal?.throwIfAborted();
        this.#tell?.({ step, done, total });
      });
    } finally {
      isOver = true;
      this.seconds[step] = (this.seconds[step] ?? 0) + Math.round(performance.now() - start) / 1000;
    }
  }
}
