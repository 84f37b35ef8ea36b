import type { Chart } from '../charts/chart.ts';
import { distributionCharts } from '../charts/distribution.ts';
import { graphChart } from '../charts/graph.ts';
import { latencyPairChart, layerChart } from '../charts/layers.ts';
import { sensitivityChart } from '../charts/sensitivity.ts';
import { accuracyChart, cosineChart, latencyChart, lossChart, sizeChart } from '../charts/sweep.ts';
import type { LayerDistribution } from '../distribution.ts';
import type { Outline } from '../outline.ts';
import type { LatencyReport } from '../report.ts';
import type { SensitivityReport, SweepReport } from '../study.ts';
import { yardstickOf } from '../study-quality.ts';

/** The drawing of a model, and its layers before and after; nulls where it has too many layers. */
export async function outlineFigures(
  outline: Outline | null,
): Promise<{ readonly graph: Chart | null; readonly layers: Chart | null }> {
  if (outline === null) return { graph: null, layers: null };
  return { graph: await graphChart(outline), layers: await layerChart(outline) };
}

/** Times before and after; null where nothing was timed. */
export async function latencyFigure(
  latency: LatencyReport | null,
  names: readonly [string, string] = ['before', 'after'],
): Promise<Chart | null> {
  return latency === null ? null : await latencyPairChart(latency, names);
}

/** What a sweep shows: what it is judged by first, then time, size and the rest; nulls where something was not measured. */
export async function sweepFigures(report: SweepReport): Promise<readonly (Chart | null)[]> {
  const quality = [accuracyChart, cosineChart];
  const charts =
    yardstickOf(report) === 'loss'
      ? [lossChart, latencyChart, sizeChart, ...quality]
      : [...quality, latencyChart, sizeChart, lossChart];
  const drawn: (Chart | null)[] = [];
  for (const chart of charts) drawn.push(await chart(report));
  return drawn;
}

/** The drop by group and amount. */
export async function sensitivityFigure(report: SensitivityReport): Promise<Chart | null> {
  return await sensitivityChart(report);
}

/** How the weights of layers are distributed. */
export async function distributionFigures(distributions: readonly LayerDistribution[]): Promise<readonly Chart[]> {
  return distributions.length === 0 ? [] : await distributionCharts(distributions);
}
