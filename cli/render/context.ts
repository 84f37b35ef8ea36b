import pc from 'picocolors';
import { wrap } from './text.ts';

/** How a report is shown. */
export interface RenderOptions {
  /** Whether to write ANSI colour codes. */
  readonly colors: boolean;
  /** Columns that a line may take. */
  readonly width: number;
  /** Whether long lists are shown to their end. */
  readonly verbose: boolean;
}

/** The colour functions; without colours each gives back its text. */
export type Ink = ReturnType<typeof pc.createColors>;

/** What every part of a rendering needs. */
export interface Context {
  readonly ink: Ink;
  readonly width: number;
  readonly verbose: boolean;
}

/** Below this the tables have no room left for names; a narrower terminal wraps by itself. */
const NARROWEST = 40;

/** Makes the context of one rendering. */
export function contextOf({ colors, width, verbose }: RenderOptions): Context {
  return { ink: pc.createColors(colors), width: Math.max(NARROWEST, Math.floor(width)), verbose };
}

/** Text wrapped to the width, each line behind `indent` and painted on its own, so that pagers keep the colour. */
export function paragraph(context: Context, text: string, indent = '  ', paint?: (line: string) => string): string[] {
  return wrap(text, context.width - indent.length).map((line) => indent + (paint ? paint(line) : line));
}

/** A line behind a mark such as a check, wrapped so that further lines start below its text. */
export function marked(context: Context, mark: string, text: string, paint?: (line: string) => string): string[] {
  const indent = '    ';
  return paragraph(context, text, indent, paint).map((line, index) =>
    index === 0 ? `  ${mark} ${line.slice(indent.length)}` : line,
  );
}

/** A titled block, or nothing where it has no lines. */
export function section(context: Context, title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [context.ink.bold(title), ...lines];
}

/** Blocks below each other with an empty line in between; empty ones leave no trace. Ends with a line break. */
export function joinSections(sections: readonly (readonly string[])[]): string {
  const blocks = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${blocks.join('\n\n')}\n`;
}
