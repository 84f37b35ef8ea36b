/** Elements of a long array that are worked on at a time: few enough to stay in the innermost caches. */
export const BLOCK = 16_384;

/** Typed arrays over which bits are read and written. */
type Lane = Uint16Array | Uint32Array | Float64Array;

interface LaneType<T extends Lane> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): T;
}

/**
 * Little-endian bytes as elements of a typed array, a block at a time: views where the bytes are aligned, else copies
 * that `write` carries back. Files lay out tensors as they come, so most are not aligned.
 */
export class Blocks<T extends Lane> {
  readonly #bytes: Uint8Array;
  readonly #type: LaneType<T>;
  readonly #isAligned: boolean;
  #buffer: T;

  constructor(bytes: Uint8Array, type: LaneType<T>) {
    this.#bytes = bytes;
    this.#type = type;
    this.#isAligned = bytes.byteOffset % type.BYTES_PER_ELEMENT === 0;
    this.#buffer = new type(0);
  }

  /** Elements `from` to `to`, the last excluded; valid until the next call. */
  read(from: number, to: number): T {
    const width = this.#type.BYTES_PER_ELEMENT;
    const { buffer, byteOffset } = this.#bytes;
    if (this.#isAligned) return new this.#type(buffer, byteOffset + from * width, to - from);
    this.#buffer = withRoom(this.#buffer, to - from, this.#type);
    const copy = new this.#type(this.#buffer.buffer, 0, to - from);
    bytesOf(copy).set(this.#bytes.subarray(from * width, to * width));
    return copy;
  }

  /** Puts a block that `read` gave, changed since, back to where it begins. */
  write(from: number, block: T): void {
    if (!this.#isAligned) this.#bytes.set(bytesOf(block), from * this.#type.BYTES_PER_ELEMENT);
  }
}

/** A buffer of at least so many elements: the given one where it is long enough. */
export function withRoom<T extends Lane>(buffer: T, length: number, type: LaneType<T>): T {
  return buffer.length >= length ? buffer : new type(length);
}

function bytesOf({ buffer, byteOffset, byteLength }: Lane): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
