import { describe, expect, it } from 'vitest';
import { DARK_COLORS, LIGHT_COLORS } from '../../../src/report/charts/colors.ts';

/** Linear red, green and blue of every variable. */
function colorsOf(declarations: string): Map<string, number[]> {
  return new Map(
    [...declarations.matchAll(/--([a-z0-9]+):#([0-9a-f]{6})/g)].map(([, name = '', hex = '']) => [
      name,
      [0, 2, 4].map((at) => {
        const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
        return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
      }),
    ]),
  );
}

/** Contrast of two colours by WCAG 2.2. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const [dark = 0, light = 0] = [a, b]
    .map(([red = 0, green = 0, blue = 0]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue)
    .sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
}

type Matrix = readonly (readonly number[])[];

function times(matrix: Matrix, vector: readonly number[]): number[] {
  return matrix.map((row) => row.reduce((sum, value, k) => sum + value * (vector[k] ?? 0), 0));
}

// Oklab after Ottosson 2020, as CSS Color 4 has it.
const TO_LMS: Matrix = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const TO_LAB: Matrix = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];
const FROM_LAB: Matrix = [
  [1, 0.3963377774, 0.2158037573],
  [1, -0.1055613458, -0.0638541728],
  [1, -0.0894841775, -1.291485548],
];
const FROM_LMS: Matrix = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
];

/** color-mix(in oklab, a share, b) */
function mix(a: readonly number[], share: number, b: readonly number[]): number[] {
  const [labA = [], labB = []] = [a, b].map((color) => times(TO_LAB, times(TO_LMS, color).map(Math.cbrt)));
  const lab = labA.map((value, k) => value * share + (labB[k] ?? 0) * (1 - share));
  return times(
    FROM_LMS,
    times(FROM_LAB, lab).map((value) => value ** 3),
  );
}

describe.each([
  ['light', LIGHT_COLORS],
  ['dark', DARK_COLORS],
])('the colours on %s paper', (_, declarations) => {
  const colors = colorsOf(declarations);
  const of = (name: string): number[] => colors.get(name) ?? [];

  it('stand out from it', () => {
    for (const name of ['ink', 'muted', 'c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'good', 'bad', 'warn']) {
      expect(contrast(of(name), of('paper')), name).toBeGreaterThanOrEqual(4.5);
    }
  });

  it('leave text readable on the reddest cell of a heat map and in the boxes of a graph', () => {
    expect(contrast(of('ink'), mix(of('bad'), 0.58, of('paper')))).toBeGreaterThanOrEqual(4.5);
    for (const name of ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'muted']) {
      expect(contrast(of('ink'), mix(of(name), 0.18, of('paper'))), name).toBeGreaterThanOrEqual(7);
    }
  });
});
