import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import protobuf from 'protobufjs/light.js';
import { tensorsOf } from './all-tensors.ts';
import { decodeModel } from './codec.ts';
import type { ModelProto } from './messages.ts';
import { StoredBytes } from './stored-bytes.ts';

/** Raw data of this many bytes and more stay in the file. */
const LEAST = 65_536;
const WINDOW = 2 ** 20;
/** The decoder goes no deeper than this either, and says so. */
const MOST_DEPTH = protobuf.util.recursionLimit;

/** Wire types of protobuf. Source: https://protobuf.dev/programming-guides/encoding/#structure */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;
const FIXED32 = 5;

/** Messages on the way to tensors, and the fields that lead there, with what they hold. Source: onnx.proto; see schema.ts. */
const WAYS = {
  model: new Map<number, Kind>([
    [7, 'graph'],
    [25, 'function'],
  ]),
  graph: new Map<number, Kind>([
    [1, 'node'],
    [5, 'tensor'],
    [15, 'sparse'],
  ]),
  function: new Map<number, Kind>([[7, 'node']]),
  node: new Map<number, Kind>([[5, 'attribute']]),
  attribute: new Map<number, Kind>([
    [5, 'tensor'],
    [6, 'graph'],
    [10, 'tensor'],
    [11, 'graph'],
    [22, 'sparse'],
    [23, 'sparse'],
  ]),
  sparse: new Map<number, Kind>([
    [1, 'tensor'],
    [2, 'tensor'],
  ]),
  tensor: new Map<number, Kind>(),
} as const;
type Kind = 'graph' | 'function' | 'node' | 'attribute' | 'sparse' | 'tensor';
const RAW_DATA = 9;

/**
 * Reads a model, but leaves long raw data in its file, which must not change as long as the model is in use.
 *
 * How: the file is gone through once, and copied but for those data, for each of which a mark stands that nobody can have
 * written before; what is left is decoded as usual, and the marks are replaced.
 *
 * @returns undefined where the file does not read like protobuf: reading it as a whole tells what is wrong
 * @throws OnnxPruneError as `decodeModel` does; what the file system throws
 */
export function skimModel(path: string): ModelProto | undefined {
  const descriptor = openSync(path, 'r');
  try {
    const skimmer = new Skimmer(descriptor, path);
    const shell = skimmer.run();
    if (shell === undefined) return undefined;
    const model = decodeModel(shell, path, { ownsBytes: true });
    for (const tensor of tensorsOf(model)) {
      const stored = tensor.rawData instanceof Uint8Array ? skimmer.storedAt(tensor.rawData) : undefined;
      if (stored !== undefined) tensor.rawData = stored;
    }
    return model;
  } finally {
    closeSync(descriptor);
  }
}

/** A field that is read. */
interface Place {
  readonly kind: keyof typeof WAYS;
  readonly field: number;
  /** Of messages around it. */
  readonly depth: number;
}

/** The file ends, or holds what no message can. */
class NotProtobuf extends Error {}

class Skimmer {
  readonly #descriptor: number;
  readonly #path: string;
  readonly #size: number;
  readonly #nonce: Buffer = randomBytes(16);
  readonly #stored: StoredBytes[] = [];
  readonly #window: Buffer = Buffer.allocUnsafeSlow(WINDOW);
  #windowStart = 0;
  #windowEnd = 0;
  #at = 0;

  constructor(descriptor: number, path: string) {
    this.#descriptor = descriptor;
    this.#path = path;
    this.#size = fstatSync(descriptor).size;
  }

  run(): Uint8Array | undefined {
    try {
      return Buffer.concat(this.#message('model', this.#size, 0));
    } catch (error) {
      if (error instanceof NotProtobuf) return undefined;
      throw error;
    }
  }

  /** What a mark stands for. */
  storedAt(bytes: Uint8Array): StoredBytes | undefined {
    if (bytes.byteLength !== this.#nonce.length + 4) return undefined;
    const mark = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (!mark.subarray(0, this.#nonce.length).equals(this.#nonce)) return undefined;
    return this.#stored[mark.readUInt32LE(this.#nonce.length)];
  }

  /** A message that ends at `end`, as it is but for what stays in the file. */
  #message(kind: keyof typeof WAYS, end: number, depth: number): Buffer[] {
    if (depth > MOST_DEPTH) throw new NotProtobuf();
    const parts: Buffer[] = [];
    while (this.#at < end) {
      const start = this.#at;
      const tag = this.#varint(end);
      const field = Math.floor(tag / 8);
      switch (tag % 8) {
        case VARINT:
          this.#varint(end);
          parts.push(this.#copy(start, this.#at));
          break;
        case FIXED64:
          parts.push(this.#copy(start, this.#skip(8, end)));
          break;
        case FIXED32:
          parts.push(this.#copy(start, this.#skip(4, end)));
          break;
        case DELIMITED:
          parts.push(...this.#delimited({ kind, field, depth }, start, end));
          break;
        default:
          throw new NotProtobuf();
      }
    }
    return parts;
  }

  #delimited({ kind, field, depth }: Place, start: number, end: number): Buffer[] {
    const lengthAt = this.#at;
    // The tag has been read.
    const length = this.#varint(end);
    if (length > end - this.#at) throw new NotProtobuf();
    const inner: Kind | undefined = WAYS[kind].get(field);
    const tag = this.#copy(start, lengthAt);
    if (inner !== undefined) {
      const parts = this.#message(inner, this.#at + length, depth + 1);
      return [tag, varint(parts.reduce((sum, part) => sum + part.length, 0)), ...parts];
    }
    if (kind === 'tensor' && field === RAW_DATA && length >= LEAST) {
      const index = Buffer.alloc(4);
      index.writeUInt32LE(this.#stored.length);
      this.#stored.push(new StoredBytes(this.#path, this.#at, length));
      this.#at += length;
      return [tag, varint(this.#nonce.length + 4), this.#nonce, index];
    }
    return [this.#copy(start, this.#skip(length, end))];
  }

  #skip(bytes: number, end: number): number {
    if (bytes > end - this.#at) throw new NotProtobuf();
    this.#at += bytes;
    return this.#at;
  }

  /** A number of up to 64 bits, as a number: those that matter here are lengths and tags. */
  #varint(end: number): number {
    let value = 0;
    let factor = 1;
    for (let i = 0; i < 10 && this.#at < end; i++) {
      const byte = this.#byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
    throw new NotProtobuf();
  }

  #byte(): number {
    if (this.#at < this.#windowStart || this.#at >= this.#windowEnd) this.#load(this.#at);
    const byte = this.#window[this.#at - this.#windowStart];
    if (byte === undefined) throw new NotProtobuf();
    this.#at++;
    return byte;
  }

  #load(from: number): void {
    this.#windowStart = from;
    this.#windowEnd = from + readSync(this.#descriptor, this.#window, 0, WINDOW, from);
    if (this.#windowEnd === from) throw new NotProtobuf();
  }

  /** Bytes of the file in memory of their own. */
  #copy(from: number, to: number): Buffer {
    const copy = Buffer.allocUnsafe(to - from);
    if (from >= this.#windowStart && to <= this.#windowEnd) {
      this.#window.copy(copy, 0, from - this.#windowStart, to - this.#windowStart);
      return copy;
    }
    for (let done = 0; done < copy.length; ) {
      const read = readSync(this.#descriptor, copy, done, copy.length - done, from + done);
      if (read === 0) throw new NotProtobuf();
      done += read;
    }
    return copy;
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128);
  return Buffer.from([...bytes, rest]);
}
