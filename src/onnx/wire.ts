import protobuf from 'protobufjs/light.js';
import { OnnxPruneError } from '../errors.ts';
import { type Bytes, StoredBytes } from './stored-bytes.ts';

/** The longest message that protobuf allows, in bytes. Source: https://protobuf.dev/programming-guides/proto-limits/ */
export const maxMessageBytes: number = 2 ** 31 - 1;

/** Numbers of 4 bytes, the common case, can be read in place where they begin at a multiple of this. */
const alignment = 4;
/** Data shorter than this are cheaper to copy when someone reads them than to move for everyone. */
const moveFrom = 4096;

/**
 * Reads protobuf out of `bytes` without copying: `bytes` fields and unknown fields are plain Uint8Array views
 * (of a Buffer, too: a Buffer's `slice` would surprise whoever expects a Uint8Array's).
 */
export class ViewReader extends protobuf.Reader {
  readonly #text: Buffer;
  readonly #mayMove: boolean;

  /**
   * @param mayMove whether long `bytes` fields may be moved within `bytes`, by up to 3 bytes over the tag and length
   *   before them, which have been read by then: so that their views are aligned and need no copy to be read as numbers
   */
  constructor(bytes: Uint8Array, mayMove = false) {
    super(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    this.#mayMove = mayMove;
    this.#text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.discardUnknown = false;
  }

  // Node's own decoder is several times faster than the one for plain arrays.
  override string(): string {
    const length = this.size();
    const end = this.pos + length;
    if (end > this.len) throw new RangeError(`index out of range: ${this.pos} + ${length} > ${this.len}`);
    const text = this.#text.toString('utf8', this.pos, end);
    this.pos = end;
    return text;
  }

  override bytes(): Uint8Array {
    const length = this.pos;
    const view = super.bytes();
    const shift = view.byteOffset % alignment;
    const start = this.pos - view.length;
    // The tag before the length takes one byte at least.
    if (!this.#mayMove || shift === 0 || view.length < moveFrom || start - shift < length - 1) return view;
    this.#text.copyWithin(start - shift, start, this.pos);
    return new Uint8Array(view.buffer, view.byteOffset - shift, view.length);
  }

  // Beyond 2 GiB a file is not valid protobuf any more, but it is still unambiguous up to 4 GiB.
  override size(): number {
    return this.uint32();
  }
}

interface Mark {
  readonly start: number;
  readonly detached: number;
  readonly gaps: number;
}

interface Gap {
  at: number;
  readonly bytes: Bytes;
}

/**
 * Writes protobuf like protobufjs' Writer, but leaves `bytes` fields of `threshold` bytes and more, and those in files,
 * out of its buffer: `parts` gives them back as the caller's own views, in their places.
 */
export class PartsWriter extends protobuf.BufferWriter {
  readonly #threshold: number;
  readonly #marks: Mark[] = [];
  readonly #gaps: Gap[] = [];
  #detached = 0;

  constructor(threshold: number) {
    super();
    this.#threshold = threshold;
  }

  override bytes(value: Bytes | string): this {
    if (typeof value === 'string' || (!(value instanceof StoredBytes) && value.length < this.#threshold)) {
      super.bytes(value);
      return this;
    }
    // No message can be so long, and a length of 32 bits could not say it.
    if (value.byteLength > maxMessageBytes) throw messageTooLong(value.byteLength);
    this.uint32(value.byteLength);
    this.#gaps.push({ at: this.pos, bytes: value });
    this.#detached += value.byteLength;
    return this;
  }

  override fork(): this {
    this.#marks.push({ start: this.pos, detached: this.#detached, gaps: this.#gaps.length });
    return this;
  }

  /** @throws OnnxPruneError `unsupported` where a nested message exceeds the 2 GiB of protobuf. */
  override ldelim(): this {
    const mark = this.#marks.pop();
    if (mark === undefined) return this;
    const end = this.pos;
    const length = end - mark.start + this.#detached - mark.detached;
    if (length > maxMessageBytes) throw messageTooLong(length);
    this.uint32(length);
    // A copy; `slice` of a Buffer would be a view.
    const prefix = new Uint8Array(this.buf.subarray(end, this.pos));
    this.buf.copyWithin(mark.start + prefix.length, mark.start, end);
    this.buf.set(prefix, mark.start);
    for (const gap of this.#gaps.slice(mark.gaps)) gap.at += prefix.length;
    return this;
  }

  /** What was written, in order. Concatenated, the parts are the message. */
  parts(): Bytes[] {
    const parts: Bytes[] = [];
    let from = 0;
    for (const gap of this.#gaps) {
      if (gap.at > from) parts.push(this.buf.subarray(from, gap.at));
      parts.push(gap.bytes);
      from = gap.at;
    }
    if (this.pos > from) parts.push(this.buf.subarray(from, this.pos));
    return parts;
  }
}

/** The error for a message beyond {@link maxMessageBytes}. */
export function messageTooLong(bytes: number): OnnxPruneError {
  return new OnnxPruneError(
    'unsupported',
    'model',
    `The model takes ${bytes} bytes in one file, protobuf allows ${maxMessageBytes}: keep tensors in external data.`,
  );
}
