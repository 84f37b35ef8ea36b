/** Made-up reports for tests of charts and pages: numbers of the kind that runs give, but of no run. */
import type { LayerDistribution } from '../../../src/report/distribution.ts';
import type { Outline, OutlineNode } from '../../../src/report/outline.ts';
import type { EnvironmentReport, LatencyReport, ModelSize } from '../../../src/report/report.ts';
import type {
  PointFigures,
  PointLatency,
  Quality,
  SensitivityReport,
  SensitivityRow,
  StudyPoint,
  SweepReport,
  SweepSeries,
} from '../../../src/report/study.ts';

/** A name that breaks markup which does not escape it. */
export const HOSTILE_NAME = 'conv<script>alert("&\'1\u0007\')</script>/x="1.23456"';

const ENVIRONMENT: EnvironmentReport = { node: '20.19.0', platform: 'linux x64', cpu: 'sample CPU', kernelBlock: 8 };

/** The model that the sample studies prune. */
export const SAMPLE_SIZE: ModelSize = {
  parameters: 1_716_234,
  nonZeros: 1_716_001,
  macs: 24_318_976,
  macsUnknown: 0,
  nodes: 42,
  fileBytes: 6_873_212,
  gzipBytes: 6_361_090,
};

const SAMPLE_QUALITY: Quality = { accuracy: 0.979, top5: 0.9995, loss: 0.0712, agreement: 1, cosine: 1 };

/** Quality that falls with the amount, slowly at first; `frailty` says how fast. */
function qualityAt(amount: number, frailty: number): Quality {
  const lost = Math.min(0.88, frailty * amount ** 3);
  return {
    accuracy: 0.979 - lost,
    top5: 0.9995 - lost / 3,
    loss: 0.0712 + 4.2 * lost,
    agreement: 1 - lost * 1.1,
    cosine: 1 - lost / 2,
  };
}

function latencyAt(amount: number, share: number, jitter: number): PointLatency {
  const original = 3.42 + jitter / 10;
  const median = original * (1 - share * amount);
  const speedUp = original / median;
  return {
    median,
    p10: median * 0.96,
    p90: median * (1.09 + jitter / 20),
    original,
    speedUp,
    p25: speedUp * 0.97,
    p75: speedUp * 1.04,
    significant: speedUp * 0.97 > 1,
  };
}

interface SeriesTraits {
  readonly frailty: number;
  /** How much of the time the amount takes off. */
  readonly share: number;
  /** The amount whose run failed. */
  readonly fails?: number;
}

/** A line of a sample sweep. */
export function sampleSeries(
  of: SweepSeries['of'],
  criterion: string,
  amounts: readonly number[],
  { frailty, share, fails }: SeriesTraits,
): SweepSeries {
  const points = amounts.map((amount, k): StudyPoint => {
    if (amount === fails) {
      return { amount, reached: 0, figures: null, problem: 'The group "conv2" would lose all of its channels.' };
    }
    const reached = amount * 0.985;
    const kept = of === 'channels' ? (1 - reached) ** 1.8 : 1;
    const size: ModelSize = {
      ...SAMPLE_SIZE,
      parameters: Math.round(SAMPLE_SIZE.parameters * kept),
      nonZeros: Math.round(SAMPLE_SIZE.nonZeros * (of === 'channels' ? kept : 1 - reached)),
      fileBytes: Math.round(SAMPLE_SIZE.fileBytes * kept),
      gzipBytes: Math.round(6_361_090 * (of === 'channels' ? kept : 1 - 0.85 * reached)),
    };
    const figures: PointFigures = {
      size,
      quality: qualityAt(amount, frailty),
      latency: latencyAt(amount, share, (k * 7) % 3),
    };
    return { amount, reached, figures, problem: null };
  });
  return { of, choices: { criterion }, name: `${of}, ${criterion}`, points };
}

const AMOUNTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7];

/** A sweep of four series with a failed run. */
export const SAMPLE_SWEEP: SweepReport = {
  schemaVersion: 1,
  kind: 'sweep',
  command: ['onnx-prune', 'sweep', 'sample.onnx', '--amounts', '10%..70%'],
  tool: { name: 'onnx-prune', version: '0.1.0' },
  input: { path: 'sample.onnx' },
  on: 'test data',
  samples: 2000,
  answers: 2000,
  original: { size: SAMPLE_SIZE, quality: SAMPLE_QUALITY },
  series: [
    sampleSeries('channels', 'l1', AMOUNTS, { frailty: 0.9, share: 0.8 }),
    sampleSeries('channels', 'reconstruction', AMOUNTS, { frailty: 0.35, share: 0.79, fails: 0.7 }),
    sampleSeries('channels', 'random', AMOUNTS, { frailty: 2.4, share: 0.81 }),
    sampleSeries('weights', 'magnitude', AMOUNTS, { frailty: 0.12, share: 0.02 }),
  ],
  distributions: sampleDistributions(6),
  threads: 1,
  resumed: 0,
  environment: ENVIRONMENT,
  seconds: { runs: 61.2 },
  notes: [],
};

/** The sample sweep without labels, so that only agreement is known. */
export const SAMPLE_SWEEP_WITHOUT_LABELS: SweepReport = withQuality((quality) => ({
  ...quality,
  accuracy: null,
  top5: null,
  loss: null,
}));

/** The sample sweep of a model whose outputs are no classes. */
export const SAMPLE_SWEEP_WITHOUT_CLASSES: SweepReport = withQuality((quality) => ({
  accuracy: null,
  top5: null,
  loss: null,
  agreement: null,
  cosine: quality.cosine,
}));

function withQuality(change: (quality: Quality) => Quality): SweepReport {
  const { original, series } = SAMPLE_SWEEP;
  return {
    ...SAMPLE_SWEEP,
    original: { ...original, quality: change(original.quality) },
    series: series.map((line) => ({
      ...line,
      points: line.points.map((point) => ({
        ...point,
        figures: point.figures === null ? null : { ...point.figures, quality: change(point.figures.quality) },
      })),
    })),
  };
}

const ROW_AMOUNTS = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/** A sensitivity study of `count` groups, fragile ones first; the third failed at the last amount. */
export function sampleSensitivity(count: number): SensitivityReport {
  const rows = Array.from({ length: count }, (_, row): SensitivityRow => {
    const frailty = 1.6 / (1 + row * 0.7);
    const points = ROW_AMOUNTS.map((amount): StudyPoint => {
      if (row === 2 && amount === 0.9)
        return { amount, reached: 0, figures: null, problem: 'One channel has to stay.' };
      const quality = qualityAt(amount, frailty - (row % 4) * 0.01);
      return { amount, reached: amount, figures: { size: SAMPLE_SIZE, quality, latency: null }, problem: null };
    });
    const borne = points.filter(({ figures }) => (figures?.quality.accuracy ?? 0) >= 0.969);
    const name =
      row === 1 ? HOSTILE_NAME : `backbone/stage${Math.floor(row / 4) + 1}/block${row % 4}/conv${row}.weight`;
    return {
      name,
      nodes: [`conv${row}`],
      size: 64 + 8 * row,
      unit: 1,
      part: null,
      points,
      bears: borne.at(-1)?.amount ?? 0,
    };
  });
  return {
    schemaVersion: 1,
    kind: 'sensitivity',
    tool: SAMPLE_SWEEP.tool,
    input: SAMPLE_SWEEP.input,
    on: 'test data',
    samples: 2000,
    answers: 2000,
    of: 'channels',
    by: 'accuracy',
    amounts: ROW_AMOUNTS,
    tolerance: 0.01,
    original: SAMPLE_SWEEP.original,
    rows,
    suggestion: null,
    resumed: 0,
    environment: ENVIRONMENT,
    seconds: { runs: 240 },
    notes: [],
  };
}

/** Distributions of `count` layers, the second with a hostile name. */
export function sampleDistributions(count: number): LayerDistribution[] {
  return Array.from({ length: count }, (_, layer) => {
    const channels = 16 * (1 + (layer % 5));
    const bins = 48;
    const spreading = 6 + (layer % 4) * 4;
    const steps = Math.min(64, channels);
    const skew = 1 + (layer % 4);
    return {
      node: layer === 1 ? HOSTILE_NAME : `/model/features/features.${layer}/conv/Conv`,
      initializer: `features.${layer}.weight`,
      weights: channels * 27 * (layer + 1),
      zeros: layer % 3 === 0 ? channels : 0,
      magnitudes: {
        most: 0.31 + layer * 0.02,
        counts: Array.from({ length: bins }, (_, bin) => Math.round(4000 * Math.exp(-bin / spreading))),
      },
      norms: Array.from({ length: channels }, (_, k) => 2.4 * (1 - k / channels) ** (0.3 * skew) + 0.05),
      channels,
      topShare: Array.from({ length: steps + 1 }, (_, k) => 1 - (1 - k / steps) ** skew),
      topGini: (skew - 1) / (skew + 1),
    };
  });
}

/** Timings of a model before and after. */
export const SAMPLE_LATENCY: LatencyReport = {
  threads: 1,
  batch: 1,
  rounds: 120,
  before: { median: 3.42, p10: 3.31, p90: 3.9, min: 3.28, runs: 120, burst: 1, loadMs: 21.4, speedUp: undefined },
  after: {
    median: 1.87,
    p10: 1.79,
    p90: 2.21,
    min: 1.77,
    runs: 120,
    burst: 1,
    loadMs: 14.2,
    speedUp: { median: 1.83, p25: 1.79, p75: 1.86, significant: true },
  },
};

function node(part: Partial<OutlineNode> & Pick<OutlineNode, 'name' | 'operator'>): OutlineNode {
  const figures = { parameters: 0, nonZeros: 0, macs: null, dims: ['N', 16, 8, 8] } as const;
  return { isLayer: false, group: null, kept: null, before: figures, after: figures, ...part };
}

function convolution(
  name: string,
  [from, to, kept]: readonly [number, number, number],
  group: string | null,
): OutlineNode {
  const figures = (channels: number): OutlineNode['before'] => ({
    parameters: from * channels * 9,
    nonZeros: from * channels * 9,
    macs: from * channels * 9 * 64,
    dims: ['N', channels, 8, 8],
  });
  return { name, operator: 'Conv', isLayer: true, group, kept: null, before: figures(to), after: figures(kept) };
}

/** A residual network of `blocks` blocks: one group along the joins, one inside each block; the last layer stays whole. */
export function sampleOutline(blocks: number): Outline {
  const nodes: OutlineNode[] = [node({ name: 'image', operator: 'Input' }), convolution('stem', [3, 64, 40], 'stem')];
  const edges: [number, number][] = [[0, 1]];
  let from = 1;
  for (let block = 0; block < blocks; block++) {
    const at = nodes.length;
    const first = block === 1 ? HOSTILE_NAME : `/layers/layers.${block}/conv1/Conv`;
    nodes.push(
      convolution(first, [64, 128, 128 - 9 * (block % 8) - 12], `block${block}`),
      convolution(`/layers/layers.${block}/conv2/Conv`, [128, 64, 40], 'stem'),
      node({ name: `/layers/layers.${block}/Add`, operator: 'Add', group: 'stem' }),
    );
    edges.push([from, at], [at, at + 1], [from, at + 2], [at + 1, at + 2]);
    from = at + 2;
  }
  const last = nodes.length;
  nodes.push(
    {
      ...convolution('classifier', [64, 10, 10], null),
      operator: 'Gemm',
      kept: 'its channels are the output "logits"',
    },
    node({ name: 'logits', operator: 'Output' }),
  );
  edges.push([from, last], [last, last + 1]);
  return { nodes, edges };
}
