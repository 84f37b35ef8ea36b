import { describe, expect, it } from 'vitest';
import { sensitivityChart } from '../../../src/report/charts/sensitivity.ts';
import { sampleSensitivity } from '../support/samples.ts';
import { readMarks, textsOf } from '../support/svg-marks.ts';

describe('the heat map of sensitivity', () => {
  it('writes the drop into each cell and explains it', async () => {
    const chart = await sensitivityChart(sampleSensitivity(4));
    const titles = textsOf(chart?.svg ?? '', 'title');
    expect(titles).toHaveLength(4 + 4 * 9);
    expect(titles).toContain(
      'backbone/stage1/block0/conv0.weight: 50% asked, 50% reached; 20.0 points of accuracy lost',
    );
    expect(titles).toContain('backbone/stage1/block2/conv2.weight: 90% asked; failed: One channel has to stay.');
    const texts = textsOf(chart?.svg ?? '', 'text');
    expect(texts).toEqual(expect.arrayContaining(['20.0', '0.16', '10%', '90%', '64']));
  });

  it('is redder where more is lost, and never so red that its text cannot be read', async () => {
    const marks = readMarks((await sensitivityChart(sampleSensitivity(1)))?.svg ?? '');
    const shares = marks.flatMap(({ tag, attributes }) => {
      const share = /var\(--bad\) (\d+)%/.exec(attributes['fill'] ?? '')?.[1];
      return tag === 'rect' && share !== undefined ? [Number(share)] : [];
    });
    expect(shares).toHaveLength(9);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(new Set(shares).size).toBeGreaterThan(6);
    expect(Math.max(...shares)).toBe(58);
  });

  it('bars what each row bears', async () => {
    const report = sampleSensitivity(5);
    const marks = readMarks((await sensitivityChart(report))?.svg ?? '');
    const cells = marks.filter(({ tag, attributes }) => tag === 'rect' && attributes['rx'] === '3');
    const bars = marks.filter(({ tag, parent }) => tag === 'line' && parent?.attributes['stroke'] === 'var(--good)');
    expect(bars).toHaveLength(5);
    for (const [row, { bears }] of report.rows.entries()) {
      const last = cells[row * 9 + report.amounts.filter((amount) => amount <= bears).length - 1];
      const right = Number(last?.attributes['x']) + Number(last?.attributes['width']);
      expect(Number(bars[row]?.attributes['x1'])).toBeCloseTo(right + 1, 1);
    }
  });

  it('draws the most fragile 60 of more rows and says so; the table has all', async () => {
    const chart = await sensitivityChart(sampleSensitivity(75));
    expect(chart?.summary).toContain('of 75 the most fragile 60 are drawn');
    expect(textsOf(chart?.svg ?? '', 'title')).toHaveLength(60 * 10);
    expect(chart?.table.rows).toHaveLength(75);
    expect((await sensitivityChart(sampleSensitivity(60)))?.summary).not.toContain('are drawn');
  });

  it('counts answers unlike the original, or the cosine, as the report does', async () => {
    const agreement = await sensitivityChart({ ...sampleSensitivity(2), by: 'agreement' });
    expect(textsOf(agreement?.svg ?? '', 'title')).toContain(
      "backbone/stage1/block0/conv0.weight: 50% asked, 50% reached; 22.0 points of answers that are the original's lost",
    );
    const cosine = await sensitivityChart({ ...sampleSensitivity(2), by: 'cosine' });
    expect(textsOf(cosine?.svg ?? '', 'title')).toContain(
      'backbone/stage1/block0/conv0.weight: 50% asked, 50% reached; 10.0 hundredths of the cosine lost',
    );
  });

  it('is none without rows', async () => {
    expect(await sensitivityChart(sampleSensitivity(0))).toBeNull();
  });
});
