import pc from 'picocolors';
import type { Ink, RenderOptions } from './render/context.ts';
import { jsonLinesProgress } from './terminal/json-lines.ts';
import { type Progress, progressOn } from './terminal/progress.ts';
import { type Environment, type TextStream, wantsColors, widthOfStream } from './terminal/streams.ts';

export type { Progress } from './terminal/progress.ts';
export type { Environment, TextStream } from './terminal/streams.ts';

/** What a terminal is made of. */
export interface TerminalOptions {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Environment;
  /** Nothing on stderr but failures. */
  readonly quiet: boolean;
  /** Long lists to their end; steps are logged where there is no terminal. */
  readonly verbose: boolean;
  /** Whether progress goes to stdout, as lines of JSON. */
  readonly jsonLines?: boolean;
}

/** The face of the command: stdout is the result, stderr is the talk. */
export interface Terminal {
  /** How a result is to be rendered for stdout. */
  readonly rendering: RenderOptions;
  /** Colours for stderr. */
  readonly ink: Ink;
  readonly progress: Progress;
  /** Writes a result to stdout, as it is. */
  print(text: string): void;
  /** A remark on stderr; none when quiet. */
  say(text: string): void;
  /** A warning on stderr; none when quiet. */
  warn(text: string): void;
  /** A failure on stderr, even when quiet. */
  fail(text: string): void;
}

/** Looks at the streams and the environment once; colours are decided for each stream by itself. */
export function createTerminal({ stdout, stderr, env, quiet, verbose, jsonLines }: TerminalOptions): Terminal {
  const ink = pc.createColors(wantsColors(stderr, env));
  const progress = jsonLines ? jsonLinesProgress(stdout) : progressOn(stderr, env, { quiet, verbose });
  const talk = (text: string): void => progress.aside(() => stderr.write(`${text}\n`));
  return {
    rendering: { colors: wantsColors(stdout, env), width: widthOfStream(stdout), verbose },
    ink,
    progress,
    print: (text) => progress.aside(() => stdout.write(text)),
    say: (text) => {
      if (!quiet) talk(text);
    },
    warn: (text) => {
      if (!quiet) talk(`${ink.yellow('warning:')} ${text}`);
    },
    fail: (text) => talk(`${ink.red('error:')} ${text}`),
  };
}
