import type { Keys } from './keys.ts';

/**
 * Keys of arrays that are not to be in memory all at once: an array is read when its keys are asked for, and given up when
 * those of another one are. Good for passes that go from array to array.
 */
export class ReopenedKeys {
  #latest: { readonly owner: object; readonly keys: Keys } | undefined;

  /**
   * The keys of an array.
   * @param length its elements
   * @param open reads the array and makes its keys
   */
  of(length: number, open: () => Keys): Keys {
    const owner = {};
    const keys = (): Keys => {
      if (this.#latest?.owner !== owner) {
        // Before the next is read, so that there is room for it.
        this.#latest = undefined;
        this.#latest = { owner, keys: open() };
      }
      return this.#latest.keys;
    };
    return {
      length,
      get mask() {
        return keys().mask;
      },
      get limit() {
        return keys().limit;
      },
      words: (from, to) => keys().words(from, to),
    };
  }

  /** Gives up what was read last. */
  close(): void {
    this.#latest = undefined;
  }
}
