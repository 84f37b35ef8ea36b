import { exportModel, type Model } from './ir/model.ts';
import { writeModelFile } from './onnx/write.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Files of a model as it is on the way, for the runtime to read: each state is written once, and only if somebody asks. */
export class ModelFiles {
  readonly #place: (name: string) => string;
  readonly #clock: Stopwatch;
  #current: string | undefined;
  #states = 0;

  /** @param place gives a path in a folder of the run's own */
  constructor(place: (name: string) => string, clock: Stopwatch) {
    this.#place = place;
    this.#clock = clock;
  }

  /** A path in the folder. */
  place(name: string): string {
    return this.#place(name);
  }

  /** The model is not what it was: the next who asks for its file gets another one. */
  changed(): void {
    this.#current = undefined;
  }

  /** The file of the model as it is now. */
  async fileOf(model: Model): Promise<string> {
    this.#current ??= await this.write(`state-${this.#states++}.onnx`, model);
    return this.#current;
  }

  /** Writes a model that is not the one on the way. @returns its path */
  async write(name: string, model: Model): Promise<string> {
    const path = this.#place(name);
    await this.#clock.time('write for checking', () =>
      writeModelFile(path, exportModel(model, 'embed'), { temporary: true }),
    );
    return path;
  }
}
