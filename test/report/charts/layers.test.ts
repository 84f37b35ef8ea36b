import { describe, expect, it } from 'vitest';
import { latencyPairChart, layerChart } from '../../../src/report/charts/layers.ts';
import type { OutlineNode } from '../../../src/report/outline.ts';
import { SAMPLE_LATENCY, sampleOutline } from '../support/samples.ts';
import { readMarks, textsOf } from '../support/svg-marks.ts';

describe('the chart of layers', () => {
  it('shows what each layer holds and computes, before and after', async () => {
    const outline = sampleOutline(2);
    const layers = outline.nodes.filter(({ isLayer }) => isLayer);
    const chart = await layerChart(outline);
    const titles = textsOf(chart?.svg ?? '', 'title');
    expect(titles).toHaveLength(2 * layers.length);
    expect(titles).toContain('stem (Conv): parameters 1,728 before, 1,080 after (\u221238%)');
    const texts = textsOf(chart?.svg ?? '', 'text');
    expect(texts.filter((text) => text === '73.7k → 46.1k (\u221238%)')).toHaveLength(2);
    expect(chart?.table.rows).toContainEqual(['stem', 'Conv', '1728', '1080', '110592', '69120']);
  });

  it('draws what is left as long as its share', async () => {
    const marks = readMarks((await layerChart({ nodes: sampleOutline(0).nodes.slice(1, 2), edges: [] }))?.svg ?? '');
    const [before, after] = marks.filter(({ tag }) => tag === 'rect');
    expect(Number(after?.attributes['width']) / Number(before?.attributes['width'])).toBeCloseTo(40 / 64, 2);
  });

  it('says of layers that left, and of figures that are not known', async () => {
    const [, layer] = sampleOutline(0).nodes;
    if (layer === undefined) throw new Error('no sample');
    const left: OutlineNode = { ...layer, after: null };
    const unknown: OutlineNode = {
      ...layer,
      before: { ...layer.before, macs: null },
      after: { ...layer.before, macs: null },
    };
    const chart = await layerChart({ nodes: [left, unknown], edges: [] });
    const texts = textsOf(chart?.svg ?? '', 'text');
    expect(texts).toEqual(expect.arrayContaining(['1.73k → left', '1.73k', '–']));
    expect(textsOf(chart?.svg ?? '', 'title')).toContain('stem (Conv): parameters 1,728 before, left the model');
  });

  it('draws the 60 largest of more layers and says so', async () => {
    const chart = await layerChart(sampleOutline(40));
    expect(textsOf(chart?.svg ?? '', 'title')).toHaveLength(2 * 60);
    expect(chart?.summary).toContain('each of 82 layers');
    expect(chart?.summary).toContain('the 60 with most parameters are drawn');
    expect(chart?.table.rows).toHaveLength(82);
  });

  it('is none without layers', async () => {
    expect(await layerChart({ nodes: [], edges: [] })).toBeNull();
  });
});

describe('the chart of two latencies', () => {
  it('shows medians, whiskers and how much faster', async () => {
    const chart = await latencyPairChart(SAMPLE_LATENCY);
    expect(textsOf(chart?.svg ?? '', 'title')).toEqual([
      'before: median 3.42 ms, p10 3.31 ms, p90 3.90 ms, 120 runs',
      'after: median 1.87 ms, p10 1.79 ms, p90 2.21 ms, 120 runs',
    ]);
    expect(textsOf(chart?.svg ?? '', 'text')).toContain('1.87 ms, 1.83× as fast');
    expect(chart?.svg).not.toContain('fill="var(--paper)"');
  });

  it('is hollow where the difference may be chance', async () => {
    const speedUp = { median: 1.02, p25: 0.96, p75: 1.05, significant: false };
    const chart = await latencyPairChart({ ...SAMPLE_LATENCY, after: { ...SAMPLE_LATENCY.after, speedUp } });
    expect(chart?.svg.split('fill="var(--paper)"')).toHaveLength(2);
    expect(chart?.summary).toContain('1.02× as fast, which may be chance');
  });

  it('cuts whiskers that would press the medians together, and says so', async () => {
    const before = { ...SAMPLE_LATENCY.before, p90: 90 };
    const chart = await latencyPairChart({ ...SAMPLE_LATENCY, before });
    const texts = textsOf(chart?.svg ?? '', 'text');
    expect(texts.join()).toContain('p10 to p90 (cut at the right)');
    expect(Math.max(...texts.map(Number).filter(Number.isFinite))).toBeLessThan(3 * before.median);
    expect(textsOf(chart?.svg ?? '', 'title')[0]).toContain('p90 90.0 ms');
    const usual = textsOf((await latencyPairChart(SAMPLE_LATENCY))?.svg ?? '', 'text');
    expect(usual.join()).not.toContain('cut at');
  });

  it('is none where a time is no number', async () => {
    const after = { ...SAMPLE_LATENCY.after, median: Number.NaN };
    expect(await latencyPairChart({ ...SAMPLE_LATENCY, after })).toBeNull();
  });
});
