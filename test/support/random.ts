/** A deterministic source of numbers, so that every test and fixture can be made again bit by bit. */
export interface Random {
  /** The next number, uniform in [0, 1). */
  uniform(): number;
  /** The next number of a standard normal distribution. */
  normal(): number;
  /** The next integer, uniform in [0, below). */
  integer(below: number): number;
}

/** Mulberry32: 32 bits of state, good enough to draw weights from, and the same numbers on every machine. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  let spare: number | undefined;

  function uniform(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  }

  // Box-Muller makes two at a time; the second is kept for the next call.
  function normal(): number {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  return { uniform, normal, integer: (below) => Math.floor(uniform() * below) };
}

/** `count` standard normal float32 numbers from `seed`. */
export function normals(count: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => random.normal());
}
