/** Figures of the same thing, measured several times. */
export class Sample {
  readonly #sorted: readonly number[];

  constructor(values: readonly number[]) {
    this.#sorted = [...values].sort((a, b) => a - b);
  }

  get median(): number {
    return this.quantile(0.5);
  }

  get count(): number {
    return this.#sorted.length;
  }

  /** Linear interpolation between the two nearest figures. */
  quantile(q: number): number {
    const at = (this.#sorted.length - 1) * q;
    const [low, high] = [this.#sorted[Math.floor(at)] ?? Number.NaN, this.#sorted[Math.ceil(at)] ?? Number.NaN];
    return low + (high - low) * (at - Math.floor(at));
  }

  /** Median with the lower and upper quartile. */
  show(digits: number, unit = ''): string {
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => this.quantile(q).toFixed(digits));
    return `${middle}${unit} [${low}–${high}]`;
  }
}

/** Ratios of two things measured in turns: one per repetition, so that what slows both slows neither. */
export function ratios(values: readonly number[], bases: readonly number[]): Sample {
  return new Sample(values.map((value, i) => value / (bases[i] ?? Number.NaN)));
}

/** Repeats measurements in turns. @returns the results of each, in the order measured */
export async function interleave<T>(count: number, measurements: readonly (() => Promise<T>)[]): Promise<T[][]> {
  const results: T[][] = measurements.map(() => []);
  for (let repetition = 0; repetition < count; repetition++) {
    for (const [i, measure] of measurements.entries()) results[i]?.push(await measure());
  }
  return results;
}
