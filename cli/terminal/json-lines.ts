import type { ProgressLine } from './progress.ts';
import type { TextStream } from './streams.ts';

/** The shortest time between two lines about the same step. */
const QUIET_MS = 100;

/** Progress for programs: an object of JSON on a line of its own for the beginning of each step, how far it is, and that it is through. */
export function jsonLinesProgress(stream: TextStream, now: () => number = Date.now): ProgressLine {
  let current: { readonly name: string; readonly started: number; told: number } | undefined;
  return {
    step(name, done, total) {
      const at = now();
      const isNew = current?.name !== name;
      if (current === undefined || isNew) current = { name, started: at, told: at };
      const isThrough = done !== undefined && done === total;
      if (!isNew && !isThrough && at - current.told < QUIET_MS) return;
      current.told = at;
      const seconds = (at - current.started) / 1000;
      stream.write(jsonLine({ type: 'progress', step: name, done, total, seconds }));
    },
    finish() {
      current = undefined;
    },
    aside: (write) => write(),
  };
}

/** A value on a line of its own; what is undefined is left out. */
export function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
