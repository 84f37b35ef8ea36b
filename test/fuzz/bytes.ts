import { tensorsOf } from '../../src/onnx/all-tensors.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import type { Dice } from './dice.ts';

/** A change of a file's bytes. @param other another file, to splice with */
export type ByteEdit = (bytes: Uint8Array, dice: Dice, other: Uint8Array) => Uint8Array;

/** A place in the bytes, most of the time outside of weights, where changes do more. */
function place(bytes: Uint8Array, dice: Dice): number {
  const ranges = dice.chance(0.85) ? weightRanges(bytes) : [];
  for (let tries = 0; ; tries++) {
    const at = dice.below(bytes.length);
    if (tries > 200 || !ranges.some(([start, end]) => at >= start && at < end)) return at;
  }
}

/** Where raw data lie, as far as the bytes are still a model. */
function weightRanges(bytes: Uint8Array): (readonly [number, number])[] {
  try {
    return [...tensorsOf(decodeModel(bytes))].flatMap(({ rawData }) => {
      if (!(rawData instanceof Uint8Array)) return [];
      const start = rawData.byteOffset - bytes.byteOffset;
      return [[start, start + rawData.length] as const];
    });
  } catch {
    return [];
  }
}

function spliced(bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + removed)]);
}

function setByte(bytes: Uint8Array, dice: Dice, value: (before: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = place(bytes, dice);
  copy[at] = value(copy[at] ?? 0);
  return copy;
}

/** Edits of a file that know nothing of its format. */
export const BYTE_EDITS: Readonly<Record<string, ByteEdit>> = {
  flip: (bytes, dice) => setByte(bytes, dice, (before) => before ^ (1 << dice.below(8))),
  set: (bytes, dice) => setByte(bytes, dice, () => dice.one(0, 1, 0x7f, 0x80, 0xff, dice.below(256))),
  nudge: (bytes, dice) => setByte(bytes, dice, (before) => before + dice.one(1, -1)),
  truncate: (bytes, dice) => bytes.slice(0, place(bytes, dice)),
  insert: (bytes, dice) =>
    spliced(
      bytes,
      place(bytes, dice),
      0,
      Uint8Array.from({ length: 1 + dice.below(8) }, () => dice.below(256)),
    ),
  remove: (bytes, dice) => spliced(bytes, place(bytes, dice), 1 + dice.below(16), new Uint8Array()),
  repeat: (bytes, dice) => {
    const from = place(bytes, dice);
    return spliced(bytes, place(bytes, dice), 0, bytes.slice(from, from + 1 + dice.below(64)));
  },
  overwrite: (bytes, dice) => {
    const part = bytes.slice(place(bytes, dice)).slice(0, 1 + dice.below(64));
    return spliced(bytes, place(bytes, dice), part.length, part);
  },
  splice: (bytes, dice, other) =>
    Buffer.concat([bytes.subarray(0, place(bytes, dice)), other.subarray(place(other, dice))]),
  concatenate: (bytes, _, other) => Buffer.concat([bytes, other]),
};
