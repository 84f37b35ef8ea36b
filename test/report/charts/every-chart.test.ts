import { describe, expect, it } from 'vitest';
import { standaloneSvg } from '../../../fixtures/standalone-svg.ts';
import type { Chart } from '../../../src/report/charts/chart.ts';
import { distributionCharts } from '../../../src/report/charts/distribution.ts';
import { graphChart } from '../../../src/report/charts/graph.ts';
import { latencyPairChart, layerChart } from '../../../src/report/charts/layers.ts';
import { sensitivityChart } from '../../../src/report/charts/sensitivity.ts';
import { accuracyChart, latencyChart, lossChart, sizeChart } from '../../../src/report/charts/sweep.ts';
import {
  HOSTILE_NAME,
  SAMPLE_LATENCY,
  SAMPLE_SWEEP,
  SAMPLE_SWEEP_WITHOUT_CLASSES,
  SAMPLE_SWEEP_WITHOUT_LABELS,
  sampleDistributions,
  sampleOutline,
  sampleSensitivity,
} from '../support/samples.ts';
import { readMarks, textsOf } from '../support/svg-marks.ts';

const HOSTILE_SWEEP = {
  ...SAMPLE_SWEEP,
  series: SAMPLE_SWEEP.series.map((line, k) => (k === 1 ? { ...line, name: HOSTILE_NAME } : line)),
};

/** Most bytes of each chart of the samples. */
const CHARTS: readonly (readonly [string, number, () => Promise<Chart | null>])[] = [
  ['accuracy', 16_000, () => accuracyChart(HOSTILE_SWEEP)],
  ['agreement', 16_000, () => accuracyChart(SAMPLE_SWEEP_WITHOUT_LABELS)],
  ['cosine', 16_000, () => accuracyChart(SAMPLE_SWEEP_WITHOUT_CLASSES)],
  ['loss', 16_000, () => lossChart(HOSTILE_SWEEP)],
  ['size', 28_000, () => sizeChart(HOSTILE_SWEEP)],
  ['latency', 22_000, () => latencyChart(HOSTILE_SWEEP)],
  ['sensitivity', 200_000, () => sensitivityChart(sampleSensitivity(75))],
  ['layers', 14_000, () => layerChart(sampleOutline(6))],
  ['latency pair', 4000, () => latencyPairChart(SAMPLE_LATENCY)],
  ['graph', 24_000, () => graphChart(sampleOutline(6))],
  ...[0, 1, 2].map(
    (view) =>
      [
        `distribution ${view}`,
        85_000,
        async () => (await distributionCharts(sampleDistributions(30)))[view] ?? null,
      ] as const,
  ),
];

describe.each(CHARTS)('the chart of %s', (_, most, draw) => {
  async function drawn(): Promise<Chart> {
    const chart = await draw();
    if (chart === null) throw new Error('nothing was drawn');
    return chart;
  }

  it('is well-formed markup of one svg element with a text alternative', async () => {
    const { svg, title, summary } = await drawn();
    const [root] = readMarks(svg);
    expect(root?.tag).toBe('svg');
    expect(root?.attributes['role']).toBe('img');
    expect(root?.attributes['aria-label']?.replaceAll('\ufffd', '\u0007')).toBe(`${title}. ${summary}`);
    expect(summary.endsWith('.')).toBe(true);
  });

  it('has no script, style, reference, handler or id', async () => {
    const { svg } = await drawn();
    for (const { tag, attributes } of readMarks(svg)) {
      expect(['svg', 'g', 'path', 'rect', 'line', 'circle', 'text', 'tspan', 'title']).toContain(tag);
      for (const [name, value] of Object.entries(attributes)) {
        expect(name).not.toMatch(/^on|^id$|^xmlns|href/);
        expect(value).not.toMatch(/url\(|https?:/);
      }
    }
  });

  it('takes its colours from the page', async () => {
    const { svg } = await drawn();
    for (const { attributes } of readMarks(svg)) {
      for (const name of ['fill', 'stroke', 'color']) {
        const color = attributes[name] ?? 'none';
        expect(color).toMatch(
          /^(none|currentColor|var\(--[a-z0-9]+\)|color-mix\(in oklab, var\(--[a-z0-9]+\) \d+%, var\(--paper\)\))$/,
        );
      }
    }
  });

  it('rounds coordinates and keeps small', async () => {
    const { svg } = await drawn();
    expect(svg.length).toBeLessThan(most);
    for (const { attributes } of readMarks(svg)) {
      for (const name of ['d', 'transform', 'x', 'y', 'x1', 'x2', 'y1', 'y2', 'width', 'height']) {
        expect(attributes[name] ?? '').not.toMatch(/\.\d{3}|NaN|undefined|Infinity/);
      }
    }
  });

  it('writes what it says inside of its frame', async () => {
    const { svg } = await drawn();
    const [root] = readMarks(svg);
    const width = Number(root?.attributes['width']);
    const height = Number(root?.attributes['height']);
    for (const mark of readMarks(svg).filter(({ tag }) => tag === 'text')) {
      let [x, y] = [Number(mark.attributes['x'] ?? 0), 0];
      for (let at: typeof mark | null = mark; at !== null; at = at.parent) {
        const [, dx = '0', dy = '0'] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(at.attributes['transform'] ?? '') ?? [];
        x += Number(dx);
        y += Number(dy);
      }
      expect(x).toBeGreaterThanOrEqual(0);
      expect(x).toBeLessThanOrEqual(width);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(height);
    }
  });

  it('is the same every time', async () => {
    expect(await drawn()).toEqual(await drawn());
  });

  it('has a table whose rows are as wide as its head', async () => {
    const { table } = await drawn();
    expect(table.rows.length).toBeGreaterThan(0);
    for (const row of table.rows) expect(row).toHaveLength(table.columns.length);
  });

  it('stands alone with its colours', async () => {
    const chart = await drawn();
    const alone = standaloneSvg(chart);
    expect(alone.startsWith('<svg xmlns="http://www.w3.org/2000/svg" ')).toBe(true);
    const used = new Set([...chart.svg.matchAll(/var\((--[a-z0-9]+)\)/g)].map(([, name]) => name));
    const [style] = readMarks(alone).filter(({ tag }) => tag === 'style');
    for (const name of used) expect(style?.text.split(`${name}:#`)).toHaveLength(3);
    expect(textsOf(alone, 'text')).toEqual(textsOf(chart.svg, 'text'));
  });
});

it('Names that are hostile to markup are written as they are, but for what XML cannot hold', async () => {
  const shown = HOSTILE_NAME.replace('\u0007', '\ufffd');
  const charts = [
    await accuracyChart(HOSTILE_SWEEP),
    await sensitivityChart(sampleSensitivity(3)),
    await layerChart(sampleOutline(3)),
    await graphChart(sampleOutline(3)),
    ...(await distributionCharts(sampleDistributions(3))),
  ];
  expect(charts).toHaveLength(7);
  for (const chart of charts) {
    const titles = textsOf(chart?.svg ?? '', 'title');
    expect(titles.some((title) => title.includes(shown))).toBe(true);
    expect(chart?.svg).not.toContain('<script');
  }
});
