import { escaped } from './names.ts';

/** Size of text in charts, in pixels. */
export const FONT_SIZE = 12;

/** What stands around the marks of a chart. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  /** The text alternative. */
  readonly label: string;
}

/** An <svg> element that shrinks with its page and takes its text colour from it. Without ids, scripts and fonts of its own. */
export function svgElement(frame: Frame, content: string): string {
  const { width, height } = frame;
  return `<svg class="chart" role="img" aria-label="${escaped(frame.label)}" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" style="display:block;max-width:100%;height:auto" font-family="system-ui, sans-serif" font-size="${FONT_SIZE}" text-anchor="middle" fill="currentColor">${content}</svg>`;
}

const COORDINATES = / (d|transform|points|x|y|x1|x2|y1|y2|cx|cy|r|width|height)="([^"]*)"/g;

/** Markup with its coordinates rounded to two digits behind the point, which no eye can tell apart; text stays as it is. */
export function roundCoordinates(markup: string): string {
  return markup.replace(/<[^>]*>/g, (tag) =>
    tag.replace(COORDINATES, (_, name: string, value: string) => {
      const rounded = value.replace(/-?\d*\.\d+(?:e[-+]?\d+)?/g, (number) =>
        String(Math.round(Number(number) * 100) / 100),
      );
      return ` ${name}="${rounded}"`;
    }),
  );
}
