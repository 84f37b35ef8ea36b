import { dirname, parse, resolve } from 'node:path';
import { exportModel, type Model } from './ir/model.ts';
import { segmentModel } from './ir/segment.ts';
import { elementTypeOf } from './ir/value.ts';
import { linkData } from './onnx/linked.ts';
import { writeModelFile } from './onnx/write.ts';
import { isTensorType, type RuntimeChild } from './runtime/index.ts';
import type { Stopwatch } from './stopwatch.ts';

/** How models are written whose weights are not to be in memory, neither here nor in the runtime. */
export interface StoredWeights {
  /** Hears which files belong together. */
  readonly child: RuntimeChild;
  /** Bytes of weights that may be in memory. */
  readonly memory: number;
}

/** Parts of a model are a good deal smaller than what may be in memory, since the runtime holds two models at times. */
const PART = 1 / 4;

/** Files of a model as it is on the way, for the runtime to read: each state is written once, and only if somebody asks. */
export class ModelFiles {
  readonly #place: (name: string) => string;
  readonly #clock: Stopwatch;
  readonly #stored: StoredWeights | undefined;
  #current: string | undefined;
  #states = 0;

  /**
   * @param place gives a path in a folder of the run's own
   * @param stored where it is given, weights are not copied: the files refer to those that they are in
   */
  constructor(place: (name: string) => string, clock: Stopwatch, stored?: StoredWeights) {
    this.#place = place;
    this.#clock = clock;
    this.#stored = stored;
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

  /** Writes a model that is not the one on the way. @returns its path, or one that stands for its files */
  write(name: string, model: Model): Promise<string> {
    return this.#clock.time('write for checking', () => this.put(name, model));
  }

  /** The same as part of a step that is timed already. */
  async put(name: string, model: Model): Promise<string> {
    const path = this.#place(name);
    if (this.#stored === undefined) await writeModelFile(path, exportModel(model, 'embed'), { temporary: true });
    else await writeParts(path, model, this.#stored);
    return path;
  }
}

/** Writes a model in parts that refer to the files that its weights are in, and has `path` stand for them. */
async function writeParts(path: string, model: Model, { child, memory }: StoredWeights): Promise<void> {
  const parts = segmentModel(model, memory * PART, (value) => isTensorType(elementTypeOf(value)));
  const { root } = parse(resolve(path));
  const segments = parts.map((_, index) => `${path}.part-${index}.onnx`);
  const messages = parts.map((part) => exportModel(part, 'embed'));
  const linked = messages.flatMap((message) => linkData(message, root) ?? []);
  // Where weights are on another drive there is no way but to copy them.
  const isLinked = linked.length === messages.length;
  for (const [index, message] of (isLinked ? linked : messages).entries())
    await writeModelFile(segments[index] ?? path, message, { externalData: !isLinked, temporary: true });
  const outputs = model.graph.outputs.map(({ name }) => name);
  child.lay(path, { dataRoot: isLinked ? root : dirname(path), segments, outputs });
}
