import { describe, expect, it } from 'vitest';
import { DARK, LIGHT, PAPER } from '../../../src/report/html/theme.ts';

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

/** A colour by the name of its variable; the last declaration counts. */
function colourOf(css: string, name: string): string {
  const found = [...css.matchAll(/--([\w-]+):(#[0-9a-f]{6})(?=;|$)/g)].findLast(([, declared]) => declared === name);
  return found?.[2] ?? expect.fail(`There is no --${name}.`);
}

describe.each([
  ['light', LIGHT],
  ['dark', DARK],
  ['paper', PAPER],
])('The %s theme', (_, css) => {
  const grounds = ['paper', 'card'].map((name) => colourOf(css, name));

  it.each(['ink', 'muted', 'link', 'good', 'bad', 'warn'] as const)('lets %s be read as text (AA: 4.5)', (colour) => {
    for (const ground of grounds) expect(contrast(colourOf(css, colour), ground)).toBeGreaterThanOrEqual(4.5);
  });

  it.each(['edge', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6'] as const)(
    'lets %s be told from what is behind (AA: 3)',
    (colour) => {
      for (const ground of grounds) expect(contrast(colourOf(css, colour), ground)).toBeGreaterThanOrEqual(3);
    },
  );
});
