import type * as PlotModule from '@observablehq/plot';
import type { PlotOptions } from '@observablehq/plot';
import { writable } from './names.ts';
import { FONT_SIZE, roundCoordinates } from './svg.ts';

/** Observable Plot, loaded, with a document to draw into. */
export interface PlotKit {
  readonly plot: typeof PlotModule;
  /** Draws marks: the inside of an <svg> element, coordinates in pixels, and where values of its scales come to be. */
  readonly draw: (options: PlotOptions) => Panel;
}

/** A part of a chart. */
export interface Panel {
  readonly markup: string;
  /** The pixel of a value; NaN where the panel has no such scale. */
  readonly place: (scale: 'x' | 'y', value: number) => number;
}

let kit: Promise<PlotKit> | undefined;

/** Loads the drawing library, once; no command pays for it that draws nothing. */
export function loadPlot(): Promise<PlotKit> {
  kit ??= load();
  return kit;
}

async function load(): Promise<PlotKit> {
  const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  return {
    plot,
    draw(options) {
      // A document for each, so that the elements drawn are let go.
      const { document } = parseHTML('<html></html>');
      const element = plot.plot({ ...options, document, style: { fontSize: `${FONT_SIZE}px` } });
      // Titles come from names as they are, and a document escapes them but lets through what XML cannot hold.
      const markup: string = writable(element.outerHTML);
      return {
        markup: roundCoordinates(inside(markup)),
        place: (scale, value) => Number(element.scale(scale)?.apply(value) ?? Number.NaN),
      };
    },
  };
}

/** What is inside of Plot's <svg>, without its <style> (which paints a white background) and the names of its groups. */
function inside(markup: string): string {
  const content = markup
    .replace(/^<svg[^>]*>/, '')
    .replace(/<\/svg>$/, '')
    .replace(/<style>[^<]*<\/style>/, '');
  return content.replace(/<g[^>]*>/g, (tag) => tag.replace(/ aria-(?:label|hidden)="[^"]*"/g, ''));
}
