/** Where an amount is looked for. */
export interface SearchOptions {
  /** Least amount that comes into question. */
  readonly low: number;
  /** Largest amount that comes into question. */
  readonly high: number;
  /** Amounts are whole multiples of this above the least one; above 0. */
  readonly tolerance: number;
  /** Tries at most, at least 2: each may take minutes. */
  readonly most: number;
}

/** An amount, and what came of it. */
export interface Try<Outcome> {
  readonly amount: number;
  readonly outcome: Outcome;
}

/** Digits that amounts have, so that 3 · 0.1 is 0.3. */
const DIGITS = 12;

/** Amounts in equal steps from the least to the largest one, and what came of those that were tried. */
export class Grid<Outcome> {
  /** Index of the largest amount. The least one has 0. */
  readonly last: number;
  readonly #outcomeOf: (amount: number) => Promise<Outcome>;
  readonly #options: SearchOptions;
  readonly #tried = new Map<number, Try<Outcome>>();

  constructor(outcomeOf: (amount: number) => Promise<Outcome>, options: SearchOptions) {
    const { low, high, tolerance } = options;
    this.#outcomeOf = outcomeOf;
    this.#options = options;
    // A quotient a hair above a whole number is that number.
    this.last = Math.max(0, Math.ceil(Number(((high - low) / tolerance).toPrecision(DIGITS))));
  }

  /** Tries that are left. */
  get left(): number {
    return this.#options.most - this.#tried.size;
  }

  /** All tries in their order. */
  get tries(): readonly Try<Outcome>[] {
    return [...this.#tried.values()];
  }

  /** Tries an amount, unless that was done before. @param index 0 to `last` */
  async at(index: number): Promise<Try<Outcome>> {
    const known = this.#tried.get(index);
    if (known !== undefined) return known;
    const { low, high, tolerance } = this.#options;
    // The last step may be shorter.
    const amount = index === this.last ? high : Number((low + index * tolerance).toPrecision(DIGITS));
    const made = { amount, outcome: await this.#outcomeOf(amount) };
    this.#tried.set(index, made);
    return made;
  }
}
