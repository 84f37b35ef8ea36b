import type { ModelSize } from '../../../src/report/report.ts';
import type {
  PointFigures,
  PointLatency,
  Quality,
  SensitivityReport,
  StudyPoint,
  SweepReport,
} from '../../../src/report/study.ts';

/** The size of the unpruned model. */
export const size: ModelSize = {
  parameters: 1_000_000,
  nonZeros: 1_000_000,
  macs: 5e6,
  macsUnknown: 0,
  nodes: 10,
  fileBytes: 4e6,
  gzipBytes: 3.7e6,
};

/** How good the unpruned model is. */
export const quality: Quality = { accuracy: 0.97, top5: 0.999, loss: 0.1, agreement: 1, cosine: 1 };

/** A timing that is so many times as fast as the original. */
export function timing(speedUp: number, significant = true): PointLatency {
  const median = 2 / speedUp;
  return {
    median,
    p10: median * 0.95,
    p90: median * 1.2,
    original: 2,
    speedUp,
    p25: speedUp * 0.98,
    p75: speedUp * 1.03,
    significant,
  };
}

/** A point that went well. */
export function point(
  amount: number,
  accuracy: number,
  more: Partial<PointFigures> & { readonly reached?: number } = {},
): StudyPoint {
  const { reached = amount, ...figures } = more;
  const left = 1 - reached;
  return {
    amount,
    reached,
    figures: {
      size: { ...size, parameters: 1e6 * left, nonZeros: 1e6 * left, fileBytes: 4e6 * left, gzipBytes: 3.7e6 * left },
      quality: { accuracy, top5: 0.99, loss: 0.1 + (0.97 - accuracy), agreement: accuracy, cosine: accuracy },
      latency: timing(1 / left),
      ...figures,
    },
    problem: null,
  };
}

/** A point that failed. */
export function failedPoint(amount: number, problem = 'The run took longer than 10 s; raise --timeout.'): StudyPoint {
  return { amount, reached: 0, figures: null, problem };
}

/** Channels by one criterion, weights by another. */
export const sweep: SweepReport = {
  schemaVersion: 1,
  kind: 'sweep',
  command: ['onnx-prune', 'sweep', 'my model.onnx', '--structured', '0:80:20', '--test', 'test.npz'],
  tool: { name: 'onnx-prune', version: '0.1.0' },
  input: { path: 'my model.onnx' },
  on: 'test data',
  samples: 1000,
  answers: 1000,
  original: { size, quality },
  series: [
    {
      of: 'channels',
      choices: { criterion: 'l2' },
      name: 'channels, l2',
      points: [
        point(0, 0.97, { latency: timing(1, false) }),
        point(0.2, 0.968),
        point(0.4, 0.962),
        point(0.6, 0.91),
        failedPoint(0.8),
      ],
    },
    {
      of: 'weights',
      choices: {},
      name: 'weights',
      points: [
        point(0, 0.97, { latency: timing(1, false) }),
        point(0.5, 0.97, {
          size: { ...size, nonZeros: 500_000, gzipBytes: 2.1e6 },
          latency: timing(1.01, false),
        }),
        point(0.9, 0.5, { size: { ...size, nonZeros: 100_000, gzipBytes: 0.6e6 }, latency: timing(1, false) }),
      ],
    },
  ],
  distributions: [],
  threads: 2,
  resumed: 3,
  environment: { node: '20.20.2', platform: 'linux-x64', cpu: 'AMD EPYC', kernelBlock: 16 },
  seconds: { sweep: 12.5 },
  notes: ['The journal is "my model.sweep.jsonl": the same command goes on from there.'],
};

/** Two groups of which one is fragile. */
export const sensitivity: SensitivityReport = {
  schemaVersion: 1,
  kind: 'sensitivity',
  command: ['onnx-prune', 'sensitivity', 'my model.onnx', '--suggest'],
  tool: sweep.tool,
  input: sweep.input,
  on: 'test data',
  samples: 1000,
  answers: 1000,
  of: 'channels',
  by: 'accuracy',
  amounts: [0.25, 0.5, 0.75],
  tolerance: 0.01,
  original: sweep.original,
  rows: [
    {
      name: 'stem.weight',
      nodes: ['/stem/Conv'],
      size: 16,
      unit: 1,
      part: null,
      points: [point(0.25, 0.95), point(0.5, 0.7), failedPoint(0.75)],
      bears: 0,
    },
    {
      name: 'layer1.conv1.weight',
      nodes: ['/layer1/conv1/Conv'],
      size: 64,
      unit: 1,
      part: null,
      points: [point(0.25, 0.97), point(0.5, 0.965), point(0.75, 0.9)],
      bears: 0.5,
    },
  ],
  suggestion: {
    recipe: { layers: [{ match: 'layer1.conv1.weight', amount: '40%' }] },
    point: point(0.3, 0.965),
    holds: true,
  },
  resumed: 0,
  environment: sweep.environment,
  seconds: { study: 4 },
  notes: [],
};
