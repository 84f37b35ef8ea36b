import { ScratchFile } from '../onnx/scratch-file.ts';
import type { Tensor } from './tensor.ts';

/** Data of this many bytes and more are put away. */
const LEAST = 65_536;

/**
 * Keeps the data of tensors in a file instead of in memory, for models that are too large for it. Tensors are
 * immutable, so one whose data are put away is as good as the one that was given.
 */
export class TensorStore {
  readonly #file: ScratchFile;
  /** Tensors that several values share stay one. */
  readonly #kept = new WeakMap<Tensor, Tensor>();

  /** @param path where the file is made, once there is something to keep */
  constructor(path: string) {
    this.#file = new ScratchFile(path);
  }

  /**
   * The tensor with its data put away; itself where they are few, or in a file already.
   * @throws OnnxPruneError `bad-file` where the disk is full
   */
  keep(tensor: Tensor): Tensor {
    const { rawData } = tensor.proto;
    if (!(rawData instanceof Uint8Array) || rawData.byteLength < LEAST) return tensor;
    const known = this.#kept.get(tensor);
    if (known !== undefined) return known;
    const kept = tensor.withData(tensor.dims, this.#file.append(rawData));
    this.#kept.set(tensor, kept);
    return kept;
  }
}
