import type * as ort from 'onnxruntime-node';

/** What a session needs of onnxruntime's. */
export interface Runner
  extends Pick<ort.InferenceSession, 'release' | 'inputMetadata' | 'outputMetadata' | 'endProfiling'> {
  run(feeds: ort.InferenceSession.FeedsType): Promise<ort.InferenceSession.ReturnType>;
  run(feeds: ort.InferenceSession.FeedsType, outputs: readonly string[]): Promise<ort.InferenceSession.ReturnType>;
}

/** Opens the file of a part. @param ready whether it is to be run, not only asked for its inputs and outputs */
export type OpenPart = (path: string, ready: boolean) => Promise<Runner>;

interface Part {
  readonly path: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * A model in parts, of which one at a time is in memory: each is loaded when its turn comes and given up after it. Slower
 * than a model that is loaded once, but of the size of its largest part.
 */
export class SegmentedRunner implements Runner {
  readonly inputMetadata: readonly ort.InferenceSession.ValueMetadata[];
  readonly outputMetadata: readonly ort.InferenceSession.ValueMetadata[];
  readonly #parts: readonly Part[];
  readonly #open: OpenPart;

  private constructor(
    parts: readonly Part[],
    open: OpenPart,
    inputMetadata: readonly ort.InferenceSession.ValueMetadata[],
    outputMetadata: readonly ort.InferenceSession.ValueMetadata[],
  ) {
    this.#parts = parts;
    this.#open = open;
    this.inputMetadata = inputMetadata;
    this.outputMetadata = outputMetadata;
  }

  /**
   * Asks all parts for their inputs and outputs. What a part reads that none before it gives is an input of the whole.
   * @param wanted the outputs of the whole
   */
  static async open(paths: readonly string[], wanted: readonly string[], open: OpenPart): Promise<SegmentedRunner> {
    const parts: Part[] = [];
    const inputs = new Map<string, ort.InferenceSession.ValueMetadata>();
    const outputs = new Map<string, ort.InferenceSession.ValueMetadata>();
    for (const path of paths) {
      const part = await open(path, false);
      for (const meta of part.inputMetadata) {
        if (outputs.has(meta.name)) continue;
        inputs.set(meta.name, meta);
      }
      for (const meta of part.outputMetadata) outputs.set(meta.name, meta);
      parts.push({
        path,
        inputs: part.inputMetadata.map(({ name }) => name),
        outputs: part.outputMetadata.map(({ name }) => name),
      });
      await part.release();
    }
    const given = wanted.flatMap((name) => outputs.get(name) ?? []);
    return new SegmentedRunner(parts, open, [...inputs.values()], given);
  }

  /** Runs all parts. */
  async run(
    feeds: ort.InferenceSession.FeedsType,
    wanted: readonly string[] = this.outputMetadata.map(({ name }) => name),
  ): Promise<ort.InferenceSession.ReturnType> {
    const names = new Set(wanted);
    const values = new Map<string, ort.OnnxValue>(Object.entries(feeds));
    const results: Record<string, ort.OnnxValue> = {};
    for (const [index, part] of this.#parts.entries()) {
      const later = new Set(this.#parts.slice(index + 1).flatMap(({ inputs }) => inputs));
      const outputs = part.outputs.filter((name) => later.has(name) || names.has(name));
      // It only makes what nobody asked for.
      if (outputs.length === 0) continue;
      const session = await this.#open(part.path, true);
      try {
        const own: Record<string, ort.OnnxValue> = {};
        for (const name of part.inputs) {
          const value = values.get(name);
          if (value !== undefined) own[name] = value;
        }
        const made = await session.run(own, outputs);
        for (const [name, value] of Object.entries(made)) {
          if (later.has(name)) values.set(name, value);
          if (names.has(name)) results[name] = value;
        }
      } finally {
        await session.release();
      }
      for (const name of values.keys()) if (!later.has(name)) values.delete(name);
    }
    return results;
  }

  endProfiling(): void {}

  async release(): Promise<void> {}
}
