/** A stream to write on: stdout and stderr of the process, or a stand-in. */
export interface TextStream {
  readonly isTTY?: boolean | undefined;
  /** Columns of the terminal. */
  readonly columns?: number | undefined;
  write(text: string): unknown;
}

/** The environment variables that are looked at. */
export interface Environment {
  readonly NO_COLOR?: string | undefined;
  readonly FORCE_COLOR?: string | undefined;
  readonly TERM?: string | undefined;
}

/** Width of text that goes to a file or a pipe. */
const DEFAULT_WIDTH = 100;

/** Whether a stream understands cursor movements. */
export function isInteractive(stream: TextStream, env: Environment): boolean {
  return stream.isTTY === true && env.TERM !== 'dumb';
}

/** Whether to colour what goes to a stream: no-color.org, and FORCE_COLOR where there is no terminal. */
export function wantsColors(stream: TextStream, env: Environment): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  const forced = env.FORCE_COLOR;
  if (forced !== undefined && forced !== '') return forced !== '0' && forced !== 'false';
  return isInteractive(stream, env);
}

/** Columns that a line may take. */
export function widthOfStream(stream: TextStream): number {
  const { isTTY, columns } = stream;
  return isTTY === true && columns !== undefined && columns > 0 ? columns : DEFAULT_WIDTH;
}
