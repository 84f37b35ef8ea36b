/** Before this long nothing is said: the first parts of a step are seldom like the others. */
const QUIET_MS = 1000;
/** How much a new estimate of the end counts against those before. */
const WEIGHT = 0.3;
/** The first estimates are taken as they are: where several processes work at a time, the very first is far too long. */
const FREE_ESTIMATES = 4;

/**
 * How long a step will take yet, by how far it came since it was first heard of. The moment of its end is smoothed, so that what is shown
 * counts down and does not jump.
 */
export class TimeLeft {
  #first: { readonly at: number; readonly done: number } | undefined;
  #last = -1;
  #end: number | undefined;
  #estimates = 0;

  /** Takes in how far a step is. @param now in ms */
  update(done: number, total: number, now: number): void {
    // What begins anew is another step, whatever it is called.
    if (done < this.#last) this.#forget();
    this.#first ??= { at: now, done };
    const { at, done: from } = this.#first;
    const [gone, came] = [now - at, done - from];
    // The same count again says nothing new.
    const isNew = done !== this.#last;
    this.#last = done;
    if (!isNew || came <= 0 || gone <= 0) return;
    // What is through has no time left that anybody could tell.
    if (done >= total) {
      this.#end = undefined;
      return;
    }
    const end = now + (gone / came) * (total - done);
    this.#estimates++;
    this.#end =
      this.#end === undefined || this.#estimates <= FREE_ESTIMATES ? end : this.#end + WEIGHT * (end - this.#end);
  }

  /** Milliseconds until the end; undefined where too little is known, and once the estimate has turned out wrong. @param now in ms */
  at(now: number): number | undefined {
    if (this.#first === undefined || this.#end === undefined || now - this.#first.at < QUIET_MS) return undefined;
    return this.#end > now ? this.#end - now : undefined;
  }

  #forget(): void {
    this.#first = undefined;
    this.#end = undefined;
    this.#estimates = 0;
  }
}

/** A time that is left, in words: "about 12 s left". */
export function timeLeftText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return `about ${Math.max(1, seconds)} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min left` : `about ${Math.round(minutes / 60)} h left`;
}
