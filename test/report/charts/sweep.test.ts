import { describe, expect, it } from 'vitest';
import { accuracyChart, cosineChart, latencyChart, lossChart, sizeChart } from '../../../src/report/charts/sweep.ts';
import type { PointFigures, SweepReport } from '../../../src/report/study.ts';
import {
  SAMPLE_SWEEP,
  SAMPLE_SWEEP_WITHOUT_CLASSES,
  SAMPLE_SWEEP_WITHOUT_LABELS,
  sampleSeries,
} from '../support/samples.ts';
import { readMarks, textsOf } from '../support/svg-marks.ts';

const POINTS = SAMPLE_SWEEP.series.flatMap((line) => line.points);
const MEASURED = POINTS.filter(({ figures }) => figures !== null);

function withFigures(change: (figures: PointFigures) => PointFigures | null): SweepReport {
  return {
    ...SAMPLE_SWEEP,
    series: SAMPLE_SWEEP.series.map((line) => ({
      ...line,
      points: line.points.map((point) => ({
        ...point,
        figures: point.figures === null ? null : change(point.figures),
      })),
    })),
  };
}

function titles(chart: { readonly svg: string } | null): string[] {
  return textsOf(chart?.svg ?? '', 'title');
}

describe('the chart of accuracy', () => {
  it('explains each point, the original and each failed run', async () => {
    const found = titles(await accuracyChart(SAMPLE_SWEEP));
    expect(found).toHaveLength(POINTS.length + 1);
    expect(found).toContain('The original: accuracy 97.90%');
    expect(found.filter((title) => title.includes(' asked, '))).toHaveLength(MEASURED.length);
    expect(found).toContain('channels, l1: 50% asked, 49.25% reached; accuracy 86.65% (\u221211.25 points)');
    expect(found).toContain(
      'channels, reconstruction: 70% asked; failed: The group "conv2" would lose all of its channels.',
    );
  });

  it('names all series and the original at their ends', async () => {
    const texts = textsOf((await accuracyChart(SAMPLE_SWEEP))?.svg ?? '', 'text');
    for (const { name } of SAMPLE_SWEEP.series) expect(texts).toContain(name);
    expect(texts).toEqual(expect.arrayContaining(['original 97.90%', 'amount asked (%)', 'failed', '10', '70']));
  });

  it('compares series at an amount that several have', async () => {
    const sturdy = { frailty: 0.01, share: 0.5 };
    const both = [
      sampleSeries('channels', 'l2', [0.1, 0.3], sturdy),
      sampleSeries('weights', 'l1', [0.3, 0.9], sturdy),
    ];
    expect((await accuracyChart({ ...SAMPLE_SWEEP, series: both }))?.summary).toContain(', and at 30% "');
    const apart = [sampleSeries('channels', 'l2', [0.1], sturdy), sampleSeries('weights', 'l1', [0.9], sturdy)];
    expect((await accuracyChart({ ...SAMPLE_SWEEP, series: apart }))?.summary).not.toContain('highest');
  });

  it('says whether its axis starts at 0', async () => {
    const low = textsOf((await accuracyChart(SAMPLE_SWEEP))?.svg ?? '', 'text');
    expect(low).toContain('top-1 accuracy (%)');
    const sturdy = { frailty: 0.01, share: 0.5 };
    const high = { ...SAMPLE_SWEEP, series: [sampleSeries('channels', 'l2', [0.1, 0.2], sturdy)] };
    const texts = textsOf((await accuracyChart(high))?.svg ?? '', 'text');
    expect(texts).toContain('top-1 accuracy (%) \u2014 the axis does not start at 0');
  });

  it('shows agreement without labels, and the cosine without classes', async () => {
    const agreement = await accuracyChart(SAMPLE_SWEEP_WITHOUT_LABELS);
    expect(agreement?.title).toBe('Agreement with the original by amount');
    expect(titles(agreement)).toContain('The original: agreement 100.00%');
    const cosine = await accuracyChart(SAMPLE_SWEEP_WITHOUT_CLASSES);
    expect(cosine?.title).toBe('Cosine with the original by amount');
    expect(titles(cosine)).toContain('The original: cosine 1.000000');
    expect((await cosineChart(SAMPLE_SWEEP_WITHOUT_LABELS))?.svg).toBe(cosine?.svg);
    expect(await cosineChart(SAMPLE_SWEEP)).toBeNull();
    expect(await cosineChart(SAMPLE_SWEEP_WITHOUT_CLASSES)).toBeNull();
  });

  it('tells series apart by symbol and dash as well as by colour', async () => {
    const marks = readMarks((await accuracyChart(SAMPLE_SWEEP))?.svg ?? '');
    const lines = marks.filter(
      ({ attributes }) => attributes['stroke-width'] === '2' && attributes['stroke-dasharray'],
    );
    expect(new Set(lines.map(({ attributes }) => attributes['stroke-dasharray'])).size).toBeGreaterThanOrEqual(3);
  });

  it('is none where nothing was measured', async () => {
    expect(await accuracyChart(withFigures(() => null))).toBeNull();
    const nothing = { accuracy: null, top5: null, loss: null, agreement: null, cosine: null };
    const original = { ...SAMPLE_SWEEP.original, quality: nothing };
    expect(await accuracyChart({ ...SAMPLE_SWEEP, original })).toBeNull();
    expect(await accuracyChart({ ...SAMPLE_SWEEP, series: [] })).toBeNull();
  });

  it('has a row in its table for each point, failed ones as such', async () => {
    const table = (await accuracyChart(SAMPLE_SWEEP))?.table;
    expect(table?.rows).toHaveLength(POINTS.length);
    expect(table?.rows).toContainEqual(['channels, l1', '50%', '49.25%', '86.65%', '\u221211.25']);
    expect(table?.rows.filter((row) => row[3] === 'failed')).toHaveLength(1);
  });
});

describe('the chart of loss', () => {
  it('is logarithmic where it spans more than 30 times', async () => {
    const wide = textsOf((await lossChart(SAMPLE_SWEEP))?.svg ?? '', 'text');
    expect(wide).toEqual(expect.arrayContaining(['mean cross-entropy (nats), logarithmic', '0.1', '0.5', '2']));
    const narrow = { ...SAMPLE_SWEEP, series: SAMPLE_SWEEP.series.slice(1, 2) };
    expect(textsOf((await lossChart(narrow))?.svg ?? '', 'text')).toContain('mean cross-entropy (nats)');
  });

  it('is of the squared error where labels are numbers, and none without labels', async () => {
    const quality = { ...SAMPLE_SWEEP.original.quality, accuracy: null };
    const squared = await lossChart({ ...SAMPLE_SWEEP, original: { ...SAMPLE_SWEEP.original, quality } });
    expect(titles(squared)).toContain('The original: mean squared error 0.0712');
    expect(await lossChart(SAMPLE_SWEEP_WITHOUT_LABELS)).toBeNull();
  });
});

describe('the chart of sizes', () => {
  it('shows files as they are and after gzip', async () => {
    const chart = await sizeChart(SAMPLE_SWEEP);
    const found = titles(chart);
    expect(found).toHaveLength(2 * (POINTS.length + 1));
    expect(found).toContain('The original: file 6.87 MB');
    expect(found).toContain('The original: after gzip 6.36 MB');
    expect(textsOf(chart?.svg ?? '', 'text')).toEqual(expect.arrayContaining(['file (MB)', 'after gzip (MB)']));
  });

  it('leaves gzip out where it was not measured', async () => {
    const size = { ...SAMPLE_SWEEP.original.size, gzipBytes: null };
    const chart = await sizeChart({ ...SAMPLE_SWEEP, original: { ...SAMPLE_SWEEP.original, size } });
    expect(titles(chart)).toHaveLength(POINTS.length + 1);
    expect(chart?.table.columns).toEqual(['series', 'asked', 'reached', 'file']);
  });
});

describe('the chart of latency', () => {
  it('draws points hollow whose change may be chance', async () => {
    const chart = await latencyChart(SAMPLE_SWEEP);
    const chance = MEASURED.filter(({ figures }) => figures?.latency?.significant === false).length;
    const hollow = readMarks(chart?.svg ?? '').filter(
      ({ tag, parent }) => tag === 'title' && parent?.parent?.attributes['fill'] === 'var(--paper)',
    );
    expect(chance).toBeGreaterThan(0);
    expect(hollow).toHaveLength(chance);
    for (const { text } of hollow) expect(text).toMatch(/may be chance$/);
    expect(chart?.summary).toContain(`${chance} of the points may differ from it by chance alone`);
  });

  it('has a whisker for each point', async () => {
    const marks = readMarks((await latencyChart(SAMPLE_SWEEP))?.svg ?? '');
    const upright = marks.filter(
      ({ tag, attributes }) =>
        tag === 'line' && attributes['x1'] === attributes['x2'] && attributes['y1'] !== attributes['y2'],
    );
    expect(upright).toHaveLength(MEASURED.length);
  });

  it('is none where nothing was timed', async () => {
    expect(await latencyChart(withFigures((figures) => ({ ...figures, latency: null })))).toBeNull();
  });
});
