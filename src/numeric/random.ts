/** A stream of pseudo-random numbers that is the same for the same seed on every machine. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform whole number in [0, bound). */
  below(bound: number): number;
}

/** A stream from a seed (its lower 32 bits count). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  let spare: number | undefined;

  // Mulberry32 (T. Ettinger): passes gjrand, one word of state.
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  // Box-Muller gives two independent values; the second waits for the next call.
  const normal = (): number => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    const angle = 2 * Math.PI * uniform();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };

  return { uniform, normal, below: (bound) => Math.floor(uniform() * bound) };
}
