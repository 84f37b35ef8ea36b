/** Before this long nothing is said: the first parts of a step are seldom like the others. */
const QUIET_MS = 1000;
/** How much a new estimate of the end counts against those before. */
const WEIGHT = 0.3;

/**
 * How long a step will take yet, by how far it came since it was first heard of. The moment of its end is smoothed, so that what is shown
 * counts down and does not jump.
 */
export class TimeLeft {
  #first: { readonly at: number; readonly done: number } | undefined;
  #last = -1;
  #end: number | undefined;

  /** Takes in how far a step is. @param now in ms */
  update(done: number, total: number, now: number): void {
    this.#first ??= { at: now, done };
    const { at, done: from } = this.#first;
    const [gone, came] = [now - at, done - from];
    // The same count again says nothing new; a step that begins anew is another step.
    if (done === this.#last || came <= 0 || gone <= 0) return;
    this.#last = done;
    const end = now + (gone / came) * Math.max(0, total - done);
    this.#end = this.#end === undefined ? end : this.#end + WEIGHT * (end - this.#end);
  }

  /** Milliseconds until the end, at least 0; undefined where too little is known. @param now in ms */
  at(now: number): number | undefined {
    if (this.#first === undefined || this.#end === undefined || now - this.#first.at < QUIET_MS) return undefined;
    return Math.max(0, this.#end - now);
  }
}

/** A time that is left, in words: "about 12 s left". */
export function timeLeftText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 90) return `about ${Math.max(1, seconds)} s left`;
  const minutes = Math.round(seconds / 60);
  return minutes < 90 ? `about ${minutes} min left` : `about ${Math.round(minutes / 60)} h left`;
}
