import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { OnnxPruneError } from '../errors.ts';
import { spillFault } from './store-faults.ts';
import { isTensorType } from './tensor.ts';
import { type NumericData, readElements, writeElements } from './tensor-file.ts';
import type { HostTensor, TensorType } from './types.ts';

/** Bytes that a store holds. */
export interface StoreUsage {
  readonly memory: number;
  readonly disk: number;
}

interface InMemory {
  readonly tensor: HostTensor;
  readonly memory: number;
  readonly disk: 0;
}

interface InFile {
  readonly path: string;
  readonly type: Exclude<TensorType, 'string'>;
  readonly dims: readonly number[];
  readonly memory: 0;
  readonly disk: number;
}

/**
 * Tensors by name and batch: in memory while they fit below a limit, the later ones in files of their own. Used in the
 * process that runs onnxruntime: see `ActivationStore`.
 */
export class TensorStore {
  readonly #folder: string;
  readonly #memoryLimit: number;
  readonly #entries = new Map<string, Map<number, InMemory | InFile>>();
  #memory = 0;
  #disk = 0;
  #files = 0;

  /**
   * @param folder made when the first file is; nobody else writes there
   * @param memoryLimit in bytes
   */
  constructor(folder: string, memoryLimit: number) {
    this.#folder = folder;
    this.#memoryLimit = memoryLimit;
  }

  /**
   * Stores a tensor in place of the one of that name and batch. Its data is not copied unless it is a part of a larger
   * buffer: nobody may change it afterwards. Strings stay in memory whatever the limit.
   * @throws OnnxPruneError `bad-file` when it does not fit into a file; nothing has that name and batch then
   */
  put(name: string, batch: number, tensor: HostTensor): void {
    this.#forget(name, batch);
    const entry = this.#entryFor(tensor);
    this.#memory += entry.memory;
    this.#disk += entry.disk;
    const batches = this.#entries.get(name) ?? new Map<number, InMemory | InFile>();
    this.#entries.set(name, batches.set(batch, entry));
  }

  /**
   * The tensor of that name and batch; its data is the store's own and must not be changed.
   * @throws OnnxPruneError `bad-data` where there is none, `bad-file` where its file cannot be read
   */
  take(name: string, batch: number): HostTensor {
    const entry = this.#entries.get(name)?.get(batch);
    if (entry === undefined) {
      const message = `No activations "${name}" are stored for batch ${batch}; store them first, or ask for fewer batches.`;
      throw new OnnxPruneError('bad-data', name, message);
    }
    if ('tensor' in entry) return entry.tensor;
    const { path, type, dims, disk } = entry;
    try {
      return { type, dims, data: readElements(path, type, disk) };
    } catch (error) {
      throw spillFault('read', this.#folder, error);
    }
  }

  /** Forgets a name in all batches. */
  drop(name: string): void {
    for (const batch of [...(this.#entries.get(name)?.keys() ?? [])]) this.#forget(name, batch);
    this.#entries.delete(name);
  }

  usage(): StoreUsage {
    return { memory: this.#memory, disk: this.#disk };
  }

  #entryFor(tensor: HostTensor): InMemory | InFile {
    const { type, dims, data } = tensor;
    if (!ArrayBuffer.isView(data)) return { tensor, memory: textSize(data), disk: 0 };
    const size = data.byteLength;
    if (this.#memory + size <= this.#memoryLimit || !isTensorType(type) || type === 'string') {
      return { tensor: { type, dims, data: standalone(data) }, memory: size, disk: 0 };
    }
    const path = join(this.#folder, `${this.#files++}.bin`);
    try {
      mkdirSync(this.#folder, { recursive: true });
      writeElements(path, data);
    } catch (error) {
      throw spillFault('write', this.#folder, error);
    }
    return { path, type, dims, memory: 0, disk: size };
  }

  #forget(name: string, batch: number): void {
    const batches = this.#entries.get(name);
    const entry = batches?.get(batch);
    if (entry === undefined) return;
    if ('path' in entry) rmSync(entry.path, { force: true });
    this.#memory -= entry.memory;
    this.#disk -= entry.disk;
    batches?.delete(batch);
  }
}

/** Tensors of one message share its buffer, which would stay as long as any of them does. */
function standalone(data: NumericData): NumericData {
  return data.byteLength === data.buffer.byteLength ? data : data.slice();
}

/** Strings of JavaScript take at most two bytes per unit. */
function textSize(strings: readonly string[]): number {
  return strings.reduce((sum, text) => sum + 2 * text.length, 0);
}
