import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RequestOptions, RuntimeChild } from './child.ts';
import type { Params, RequestKind, Result } from './protocol.ts';
import { spillFault, storeGone } from './store-faults.ts';
import { checkTensor } from './tensor.ts';
import type { StoreUsage } from './tensor-store.ts';
import type { Feeds } from './types.ts';

/** Where activations are kept. */
export interface StoreOptions {
  /** Where files may go, in a folder of the store's own that is made when needed. The caller removes it. */
  readonly folder: string;
  /** Bytes of activations that are held in memory before further ones go to files. */
  readonly memoryLimit: number;
}

const SUBJECT = 'the activations';

/**
 * Activations of batches, kept by the child between runs of different models, so that a net can be worked on segment
 * by segment without moving them between processes (5 to 10 ms per MB): in memory up to a limit, those stored later in
 * files. They are known by name and batch; storing one anew replaces it. See `runStage`.
 *
 * A child that is stopped (a time limit, an abort) takes its activations along: every later call but `close` rejects
 * with an OnnxPruneError `internal`.
 */
export class ActivationStore {
  readonly #child: RuntimeChild;
  readonly #folder: string;
  readonly #memoryLimit: number;
  // Unique over processes: after a restart the old name must not mean another store.
  readonly #key: string = randomUUID();
  #opened: Promise<unknown> | undefined;
  #closed = false;

  constructor(child: RuntimeChild, options: StoreOptions) {
    this.#child = child;
    this.#folder = join(options.folder, this.#key);
    this.#memoryLimit = options.memoryLimit;
  }

  /**
   * Stores tensors that come from outside (calibration data), for one batch, by name.
   * @param tensors of any type and shape; nothing is stored of them where one is not what it says it is
   * @throws OnnxPruneError `bad-data` for such a tensor, `bad-file` when the disk is full, `internal` once the store is
   * gone; rejects with the signal's reason when aborted
   */
  async put(batch: number, tensors: Feeds, options: RequestOptions = {}): Promise<void> {
    for (const [name, tensor] of Object.entries(tensors)) checkTensor(name, tensor);
    await this.#ask('storePut', { key: await this.ready(), batch, tensors }, options);
  }

  /** Forgets names (all batches), giving memory and files back. Names that are not stored are none to worry about. */
  async drop(names: readonly string[]): Promise<void> {
    await this.#ask('storeDrop', { key: await this.ready(), names });
  }

  /** Bytes of elements that are in memory and on disk now. Strings count two bytes per character. */
  async usage(): Promise<StoreUsage> {
    return this.#ask('storeUsage', { key: await this.ready() });
  }

  /** Gives everything back and removes the files, those of a stopped process too. */
  async close(): Promise<void> {
    this.#closed = true;
    // Its process took it along; starting another to say so would be a waste.
    if (this.#child.pid !== undefined) await this.#ask('storeClose', { key: this.#key });
    try {
      await rm(this.#folder, { recursive: true, force: true });
    } catch (error) {
      throw spillFault('remove', this.#folder, error);
    }
  }

  /**
   * Makes sure that the child has the store, and gives the name by which the child knows it: for requests that use it.
   * @throws OnnxPruneError `internal` once the store is closed
   */
  async ready(): Promise<string> {
    if (this.#closed) throw storeGone();
    // Once for all: a process that replaces a stopped one must not get an empty store in place of the one that is gone.
    this.#opened ??= this.#open();
    await this.#opened;
    return this.#key;
  }

  #open(): Promise<unknown> {
    const params = { key: this.#key, folder: this.#folder, memoryLimit: this.#memoryLimit };
    return this.#ask('storeOpen', params).catch((error: unknown) => {
      this.#opened = undefined;
      throw error;
    });
  }

  #ask<K extends RequestKind>(kind: K, params: Params<K>, options?: RequestOptions): Promise<Result<K>> {
    return this.#child.request(kind, SUBJECT, params, options);
  }
}
