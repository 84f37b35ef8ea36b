import { describe, expect, it } from 'vitest';
import { COLOURS, DARK, LIGHT, type Palette } from '../../../src/report/html/theme.ts';

/** Relative luminance of a colour such as `#1c2024` (WCAG 2.2, "relative luminance"). */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Contrast of two colours, from 1 to 21 (WCAG 2.2, "contrast ratio"). */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

it('Contrast is as the guidelines count it', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 6);
  expect(contrast('#777777', '#ffffff')).toBeCloseTo(4.478, 2);
});

describe.each<readonly [string, Palette]>([
  ['light', LIGHT],
  ['dark', DARK],
])('The %s theme', (_, palette) => {
  const grounds = [palette.paper, palette.card];

  it.each(['ink', 'muted', 'link', 'good', 'bad', 'warn'] as const)('lets %s be read as text (AA: 4.5)', (colour) => {
    for (const ground of grounds) expect(contrast(palette[colour], ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['edge', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const)(
    'lets %s be told from what is behind (AA: 3)',
    (colour) => {
      for (const ground of grounds) expect(contrast(palette[colour], ground)).toBeGreaterThanOrEqual(3);
    },
  );

  it('has every colour once', () => {
    expect(Object.keys(palette).sort()).toEqual([...COLOURS].sort());
    expect(new Set(COLOURS.filter((colour) => /^c\d$/.test(colour)).map((colour) => palette[colour])).size).toBe(6);
  });
});
