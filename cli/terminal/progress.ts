import { createRequire } from 'node:module';
import { Writable } from 'node:stream';
import type { SingleBar } from 'cli-progress';
import { formatInteger } from '../render/format.ts';
import { displayWidth, printable, shorten } from '../render/text.ts';
import { type Environment, isInteractive, type TextStream, widthOfStream } from './streams.ts';
import { TimeLeft, timeLeftText } from './time-left.ts';

/** Says what is being done while it is being done. */
export interface Progress {
  /** A step begins, or goes on when the name is that of the current one; `done` of `total` where they are known. */
  step(name: string, done?: number, total?: number): void;
  /** The work is over, or failed. Must be called: the line is redrawn by a timer, which keeps the process alive. */
  finish(): void;
}

/** A progress line that others may write above. */
export interface ProgressLine extends Progress {
  /** Takes the line away, writes, and puts it back. */
  aside(write: () => void): void;
}

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 100;
const BAR_WIDTH = 20;

interface Step {
  readonly name: string;
  readonly started: number;
  readonly left: TimeLeft;
  done: number | undefined;
  total: number | undefined;
}

/** A line that is redrawn in place on a terminal, with a spinner, a bar where the end is known, and the seconds. */
export function liveProgress(stream: TextStream, now: () => number = Date.now): ProgressLine {
  let current: Step | undefined;
  let bar: SingleBar | undefined;
  const draw = (): string => (current ? progressText(current, now(), widthOfStream(stream) - 1) : '');
  const show = (): void => {
    bar ??= makeBar(stream, draw);
    bar.start(1, 0);
  };
  return {
    step(name, done, total) {
      const isNew = current?.name !== name;
      if (current === undefined || isNew) {
        bar?.stop();
        current = { name, started: now(), left: new TimeLeft(), done, total };
      } else Object.assign(current, { done, total });
      if (done !== undefined && total !== undefined) current.left.update(done, total, now());
      if (isNew) show();
      else bar?.update(0);
    },
    finish() {
      current = undefined;
      bar?.stop();
    },
    aside(write) {
      bar?.stop();
      write();
      if (current) show();
    },
  };
}

/** One plain line per step, for logs. */
export function loggedProgress(stream: TextStream): ProgressLine {
  let current: string | undefined;
  return {
    step(name) {
      if (name === current) return;
      current = name;
      stream.write(`${printable(name)}\n`);
    },
    finish() {
      current = undefined;
    },
    aside: (write) => write(),
  };
}

/** No progress at all. */
export const silentProgress: ProgressLine = { step() {}, finish() {}, aside: (write) => write() };

/** The kind of progress that suits a stream. */
export function progressOn(
  stream: TextStream,
  env: Environment,
  { quiet, verbose }: { readonly quiet: boolean; readonly verbose: boolean },
): ProgressLine {
  if (quiet) return silentProgress;
  if (isInteractive(stream, env)) return liveProgress(stream);
  return verbose ? loggedProgress(stream) : silentProgress;
}

function progressText({ name, started, left, done, total }: Step, now: number, width: number): string {
  const elapsed = now - started;
  const spinner = FRAMES[Math.floor(elapsed / FRAME_MS) % FRAMES.length] ?? '';
  const seconds = `${Math.floor(elapsed / 1000)} s`;
  const known = done !== undefined && total !== undefined && total > 0;
  const count = known
    ? `${formatInteger(done)}/${formatInteger(total)}`
    : done === undefined
      ? ''
      : formatInteger(done);
  const remaining = known ? left.at(now) : undefined;
  const rest = remaining === undefined ? '' : timeLeftText(remaining);
  const figures = [known ? barText(done / total) : '', count, seconds, rest].filter((text) => text !== '').join('  ');
  // The name gives way first, then the bar.
  const full = `${spinner} ${shorten(printable(name), Math.max(8, width - displayWidth(figures) - 4))}  ${figures}`;
  if (displayWidth(full) <= width) return full;
  return shorten(
    `${spinner} ${printable(name)} ${[count, seconds, rest].filter((text) => text !== '').join(' ')}`,
    width,
  );
}

function barText(fraction: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * BAR_WIDTH);
  return '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
}

/** Loaded on the first step; `import()` would show it only once the first long computation lets go of the thread. */
function makeBar(stream: TextStream, draw: () => string): SingleBar {
  const load: (id: 'cli-progress') => typeof import('cli-progress') = createRequire(import.meta.url);
  const { SingleBar: Bar } = load('cli-progress');
  return new Bar({
    stream: asTerminal(stream),
    format: draw,
    fps: 1000 / FRAME_MS,
    clearOnComplete: true,
    hideCursor: null,
    linewrap: null,
    // Its handler of SIGINT would swallow the first Ctrl-C.
    gracefulExit: false,
  });
}

function asTerminal(stream: TextStream): NodeJS.WritableStream {
  const terminal = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      stream.write(String(chunk));
      done();
    },
  });
  return Object.defineProperties(terminal, {
    isTTY: { value: true },
    columns: { get: () => widthOfStream(stream) },
  });
}
