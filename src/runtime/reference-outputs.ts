import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { layoutOf } from './layout.ts';
import type { Feeds, HostTensor, ModelSource, SessionSettings } from './types.ts';

/** Bytes of outputs that are kept; more would be felt. */
const MOST_BYTES = 2 ** 27;

type Outputs = Readonly<Record<string, HostTensor>>;

/**
 * The outputs of the model that others were compared with last. Searches and studies hold one model after the other against
 * the same original on the same data, which then runs once.
 */
let kept: { readonly key: string; readonly outputs: readonly Outputs[] } | undefined;

/** The outputs that a model gave for these batches before, one by one; undefined where they are not known. */
export function knownOutputs(key: string | undefined): readonly Outputs[] | undefined {
  return key !== undefined && kept?.key === key ? kept.outputs : undefined;
}

/** Gathers the outputs of a model batch by batch, to be kept in place of those before; lets go of them where they are too many. */
export class OutputsToKeep {
  readonly #key: string | undefined;
  #outputs: Outputs[] | undefined;
  #bytes = 0;

  /** @param key see `keyOf`; undefined to keep nothing */
  constructor(key: string | undefined) {
    this.#key = key;
    this.#outputs = key === undefined ? undefined : [];
  }

  /** Adds the outputs of the next batch. */
  add(outputs: Outputs): void {
    if (this.#outputs === undefined) return;
    this.#bytes += Object.values(outputs).reduce((sum, { data }) => sum + sizeOf(data), 0);
    if (this.#bytes > MOST_BYTES) this.#outputs = undefined;
    else this.#outputs.push(outputs);
  }

  /** All batches were added. */
  keep(): void {
    if (this.#key !== undefined && this.#outputs !== undefined) kept = { key: this.#key, outputs: this.#outputs };
  }
}

function sizeOf(data: HostTensor['data']): number {
  return ArrayBuffer.isView(data) ? data.byteLength : data.reduce((sum, word) => sum + 2 * word.length, 0);
}

/** Tells models, settings and batches apart; undefined for models that are no files, of which nothing tells quickly. */
export async function keyOf(
  source: ModelSource,
  settings: SessionSettings | undefined,
  batches: readonly Feeds[],
): Promise<string | undefined> {
  if (typeof source !== 'string') return undefined;
  const hash = createHash('sha1').update(JSON.stringify([source, settings ?? null]));
  for (const file of layoutOf(source)?.segments ?? [source]) {
    const { ino, size, mtimeMs } = await stat(file);
    hash.update(JSON.stringify([ino, size, mtimeMs]));
  }
  for (const feeds of batches) {
    for (const [name, { type, dims, data }] of Object.entries(feeds)) {
      hash.update(JSON.stringify([name, type, dims]));
      if (ArrayBuffer.isView(data)) hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
      else hash.update(JSON.stringify(data));
    }
  }
  return hash.digest('hex');
}
