import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import type { RenderOptions } from '../../../cli/render/context.ts';
import { displayWidth } from '../../../cli/render/text.ts';

export const ESCAPE: string = String.fromCharCode(27);

/** Expects that no line is wider than the terminal, brief or verbose, and that colours add nothing but colours. */
export function expectFits(render: (options: RenderOptions) => string, width: number): void {
  for (const verbose of [false, true]) {
    const bare = render({ colors: false, width, verbose });
    expect(bare).not.toContain(ESCAPE);
    for (const line of bare.split('\n')) expect(displayWidth(line), line).toBeLessThanOrEqual(width);
    const coloured = render({ colors: true, width, verbose });
    expect(coloured).toContain(ESCAPE);
    expect(stripVTControlCharacters(coloured)).toBe(bare);
  }
}
