let listener: ((subject: string | undefined) => void) | undefined;
let current: string | undefined;

/** Has somebody hear which model is worked on, from now on. */
export function onAttention(hear: (subject: string | undefined) => void): void {
  listener = hear;
  current = undefined;
}

/**
 * Says which of several models native code is about to work on, so that whoever waits can name it where this process crashes or
 * never comes back; undefined for all of them in turn.
 */
export function attend(subject: string | undefined): void {
  if (subject === current) return;
  current = subject;
  listener?.(subject);
}
