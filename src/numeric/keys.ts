import { BLOCK, Blocks, withRoom } from './blocks.ts';
import type { FloatType } from './float-bytes.ts';
import { bfloat16ToFloat32, float16ToFloat32 } from './float16.ts';

/**
 * What the elements of an array are ranked by: unsigned 32-bit numbers in the order of their importance, made a block
 * at a time and never all at once. An element that is zero has key 0, and no other has, so zeros leave first.
 */
export interface Keys {
  readonly length: number;
  /** The bits of a word that belong to the key. */
  readonly mask: number;
  /** Keys from here on stand for what is not finite. A multiple of 65,536. */
  readonly limit: number;
  /** Words of the elements `from` to `to`, the last excluded; valid until the next call. */
  words(from: number, to: number): Uint32Array;
}

const MAGNITUDE = 0x7fffffff;
const INFINITE = 0x7f800000;
const LARGEST = 0x7f7fffff;

/** From here on ordered keys stand for what is not finite. */
const UNRANKED = 0xff800000;

/**
 * Keys by absolute value: the bits of a float32 without the sign are in the order of the magnitudes. 16-bit floats are
 * widened, exactly; float64 is rounded to float32, where what is neither zero nor infinite stays so.
 * @param bytes little-endian elements of the type, aligned or not
 */
export function magnitudeKeys(type: FloatType, bytes: Uint8Array): Keys {
  switch (type) {
    case 'float32': {
      const blocks = new Blocks(bytes, Uint32Array);
      const words = (from: number, to: number): Uint32Array => blocks.read(from, to);
      return { length: bytes.byteLength / 4, mask: MAGNITUDE, limit: INFINITE, words };
    }
    case 'float16':
      halves ??= keysOfHalves(float16ToFloat32);
      return widenedKeys(bytes, halves);
    case 'bfloat16':
      brains ??= keysOfHalves(bfloat16ToFloat32);
      return widenedKeys(bytes, brains);
    case 'float64':
      return roundedKeys(bytes);
  }
}

/** The key of every pattern of 16 bits, built on first use: 256 KiB each. */
let halves: Uint32Array | undefined;
let brains: Uint32Array | undefined;

function keysOfHalves(widen: (bits: Uint16Array) => Float32Array): Uint32Array {
  const all = widen(Uint16Array.from({ length: 65_536 }, (_, bits) => bits));
  return new Uint32Array(all.buffer).map((word) => word & MAGNITUDE);
}

function widenedKeys(bytes: Uint8Array, keyOf: Uint32Array): Keys {
  const blocks = new Blocks(bytes, Uint16Array);
  let keys = new Uint32Array(0);
  const words = (from: number, to: number): Uint32Array => {
    const block = blocks.read(from, to);
    keys = withRoom(keys, block.length, Uint32Array);
    for (let i = 0; i < block.length; i++) keys[i] = keyOf[block[i] as number] as number;
    return keys.subarray(0, block.length);
  };
  return { length: bytes.byteLength / 2, mask: MAGNITUDE, limit: INFINITE, words };
}

function roundedKeys(bytes: Uint8Array): Keys {
  const blocks = new Blocks(bytes, Float64Array);
  let keys = new Uint32Array(0);
  const words = (from: number, to: number): Uint32Array => {
    const block = blocks.read(from, to);
    keys = withRoom(keys, block.length, Uint32Array);
    new Float32Array(keys.buffer).set(block);
    for (let i = 0; i < block.length; i++) {
      const key = (keys[i] as number) & MAGNITUDE;
      const value = block[i] as number;
      if (key === 0 && value !== 0) keys[i] = 1;
      else keys[i] = key === INFINITE && Number.isFinite(value) ? LARGEST : key;
    }
    return keys.subarray(0, block.length);
  };
  return { length: bytes.byteLength / 8, mask: MAGNITUDE, limit: INFINITE, words };
}

/** The lowest magnitude key of the numbers that are at least `bound`, which is not negative. */
export function magnitudeKeyAt(bound: number): number {
  const near = Math.fround(bound);
  const key = bitsOf(near);
  return near < bound ? key + 1 : key;
}

/** The lowest key of the scores that are at least `bound`, as {@link scoreKeys} makes them. */
export function scoreKeyAt(bound: number): number {
  const near = Math.fround(bound) + 0;
  const key = orderOf(bitsOf(near)) >>> 0;
  return near < bound ? key + 1 : key;
}

const SCRATCH = new DataView(new ArrayBuffer(4));

function bitsOf(value: number): number {
  SCRATCH.setFloat32(0, value);
  return SCRATCH.getUint32(0);
}

/** Turns the bits of a float32 so that they are in the order of the numbers, negative ones included. */
function orderOf(word: number): number {
  return word ^ ((word >> 31) | 0x80000000);
}

/**
 * Keys by scores of any sign, which are overwritten. Elements that are zero rank first whatever their score is, those
 * that are not finite are beyond the limit.
 * @param scores one for each element, finite
 * @param elements the magnitude keys of the elements
 */
export function scoreKeys(scores: Float32Array, elements: Keys): Keys {
  const ordered = new Uint32Array(scores.buffer, scores.byteOffset, scores.length);
  forEachBlock(elements, (words, from) => {
    for (let i = 0; i < words.length; i++) {
      const element = (words[i] as number) & elements.mask;
      const word = ordered[from + i] as number;
      // Minus zero is zero.
      const key = orderOf(word === 0x80000000 ? 0 : word);
      ordered[from + i] = element === 0 ? 0 : element >= elements.limit ? 0xffffffff : key;
    }
  });
  const words = (from: number, to: number): Uint32Array => ordered.subarray(from, to);
  return { length: ordered.length, mask: 0xffffffff, limit: UNRANKED, words };
}

/**
 * Keys by lot: a hash of seed, stream and place, so that they do not depend on what is drawn before. 31 bits.
 * @param stream the number of the array
 * @param elements the magnitude keys of the elements
 */
export function randomKeys(seed: number, stream: number, elements: Keys): Keys {
  const base = mixed(seed ^ 0x9e3779b9);
  const salt = mixed(base ^ stream);
  let keys = new Uint32Array(0);
  const words = (from: number, to: number): Uint32Array => {
    const block = elements.words(from, to);
    keys = withRoom(keys, block.length, Uint32Array);
    for (let i = 0; i < block.length; i++) {
      const element = (block[i] as number) & elements.mask;
      const lot = (mixed(mixed(from + i + base) ^ salt) >>> 1) + 1;
      keys[i] = element === 0 ? 0 : element >= elements.limit ? 0xffffffff : lot;
    }
    return keys.subarray(0, block.length);
  };
  return { length: elements.length, mask: 0xffffffff, limit: UNRANKED, words };
}

/** The lowest key by lot of the fractions that are at least `bound`: lots are fractions in [0, 1) of 31 bits. */
export function randomKeyAt(bound: number): number {
  return Math.min(Math.max(Math.ceil(bound * 2 ** 31), 0), 2 ** 31) + 1;
}

/** Mixes 32 bits. Source: C. Wellons, "Prospecting for Hash Functions", 2018 (lowbias32). */
function mixed(word: number): number {
  let bits = word | 0;
  bits = Math.imul(bits ^ (bits >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return bits ^ (bits >>> 16);
}

/** Goes through the words of an array from front to back. */
export function forEachBlock(
  keys: Keys,
  visit: (words: Uint32Array, from: number) => void,
  length: number = BLOCK,
): void {
  for (let from = 0; from < keys.length; from += length) {
    visit(keys.words(from, Math.min(from + length, keys.length)), from);
  }
}

/** How many elements are not finite. */
export function countUnranked(keys: Keys): number {
  const { mask, limit } = keys;
  let count = 0;
  forEachBlock(keys, (words) => {
    for (let i = 0; i < words.length; i++) if (((words[i] as number) & mask) >>> 0 >= limit) count++;
  });
  return count;
}

/** How many elements have this very key. */
export function countEqual(keys: Keys, key: number): number {
  const { mask } = keys;
  let count = 0;
  forEachBlock(keys, (words) => {
    for (let i = 0; i < words.length; i++) if (((words[i] as number) & mask) >>> 0 === key) count++;
  });
  return count;
}
