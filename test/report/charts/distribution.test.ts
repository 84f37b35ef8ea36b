import { expect, it } from 'vitest';
import { distributionCharts } from '../../../src/report/charts/distribution.ts';
import { sampleDistributions } from '../support/samples.ts';
import { textsOf } from '../support/svg-marks.ts';

it('Each layer is a panel of each of the three charts, with its figures', async () => {
  const layers = sampleDistributions(5);
  const charts = await distributionCharts(layers);
  expect(charts.map(({ title }) => title)).toEqual([
    'How large the weights are',
    'How strong the channels are',
    'How the largest weights are spread over channels',
  ]);
  for (const { svg, table } of charts) {
    expect(textsOf(svg, 'title')).toHaveLength(5);
    expect(table.rows).toHaveLength(5);
  }
  expect(textsOf(charts[0]?.svg ?? '', 'text')).toContain('432 weights, up to 0.31');
  expect(textsOf(charts[1]?.svg ?? '', 'text')).toContain('48 channels, 0.1236 to 2.45');
  expect(textsOf(charts[2]?.svg ?? '', 'text')).toContain('Gini coefficient 0.50');
});

it('Of many layers the largest 24 are drawn, in their order, and the charts say so', async () => {
  const layers = sampleDistributions(30);
  const [chart] = await distributionCharts(layers);
  const titles = textsOf(chart?.svg ?? '', 'title');
  expect(titles).toHaveLength(24);
  expect(chart?.summary).toContain('of 30 layers the 24 with most weights are drawn');
  expect(chart?.table.rows).toHaveLength(30);
  const least = [...layers].sort((a, b) => b.weights - a.weights)[23]?.weights ?? Number.NaN;
  const large = layers.filter(({ weights }) => weights >= least);
  expect(titles.map((title) => title.split(' (')[0])).toEqual(large.map(({ node }) => node));
});

it('A layer whose weights are all zero, or that has a single channel, is drawn', async () => {
  const [layer] = sampleDistributions(1);
  if (layer === undefined) throw new Error('no sample');
  const zero = {
    ...layer,
    magnitudes: { most: 0, counts: [0, 0] },
    norms: [0],
    channels: 1,
    topShare: [0, 1],
    topGini: 0,
  };
  for (const { svg } of await distributionCharts([zero])) {
    expect(textsOf(svg, 'title')).toHaveLength(1);
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});

it('There is no chart without layers', async () => {
  expect(await distributionCharts([])).toEqual([]);
});
