import type { CompareReport, InspectReport, Report } from '../../../src/report/report.ts';
import type { OutputComparison } from '../../../src/runtime/index.ts';
import { timed } from '../../cli/support/int8-reports.ts';
import { report as plain } from '../../cli/support/weight-reports.ts';

/** An output that is nearly the same. */
export function comparison(name: string, more: Partial<OutputComparison> = {}): OutputComparison {
  return {
    name,
    type: 'float32',
    dims: [100, 10],
    count: 1000,
    problem: undefined,
    identical: false,
    mismatches: 1000,
    constant: false,
    cosine: 0.9987,
    relativeL2: 0.0512,
    maxAbsError: 1.25,
    maxAbsReference: 20,
    argmaxAgreement: 0.98,
    nonFinite: { a: 0, b: 0, agree: true },
    ...more,
  };
}

const figures = { parameters: 64, nonZeros: 60, macs: 6400, dims: ['N', 8, 4, 4] } as const;

/** A run with everything: a proof, labels, gates, timing, an outline. */
export const pruned: Report = {
  ...plain,
  command: ['onnx-prune', 'my model.onnx', '--structured', '50%', '--only', '*conv*'],
  size: {
    before: plain.size.before,
    after: { ...plain.size.before, parameters: 4e5, nonZeros: 4e5, fileBytes: 1.6e6 },
  },
  pruning: {
    name: 'prune channels',
    removedChannels: 8,
    groups: [
      {
        name: 'conv.weight',
        weight: { initializer: 'conv.weight', axis: 0 },
        producers: ['conv'],
        consumers: ['fc'],
        before: 16,
        asked: 8,
        after: 8,
        unit: 1,
        criterion: 'l2',
        kept: [0, 1, 2, 3, 4, 5, 6, 7],
        cuts: [],
        part: null,
        approximate: [],
      },
    ],
    kept: [
      {
        reason: 'it is the graph output "logits"',
        layers: [{ node: 'fc', initializer: 'fc.weight', channels: 10, of: 10 }],
      },
    ],
    axes: [],
  },
  proof: {
    passed: true,
    cut: [
      {
        name: 'logits',
        type: 'float32',
        error: 1.8e-7,
        limit: 1e-4,
        passed: true,
        reason: 'rounding of float32 sums',
        informative: true,
      },
    ],
    frontier: [],
    judgedByFrontier: [],
    cleaned: [],
    inputs: '4 random samples',
  },
  fidelity: {
    on: 'test data',
    samples: 1000,
    outputs: [comparison('logits')],
    accuracy: {
      output: 'logits',
      total: 1000,
      hitsA: 970,
      hitsB: 962,
      top5A: null,
      top5B: null,
      lossA: 0.1,
      lossB: 0.125,
    },
    regression: null,
    uncompared: [],
  },
  latency: timed(2),
  gates: [
    {
      gate: '--max-drop',
      unit: 'fraction',
      limit: 0.01,
      found: 0.008,
      passed: true,
      margin: 0.002,
      of: 'logits, 1,000 labelled samples of the test data',
    },
    { gate: '--min-speedup', unit: 'ratio', limit: 1.5, found: 2, passed: true, margin: 0.5, of: 'median of rounds' },
  ],
  outline: {
    nodes: [
      {
        name: 'conv',
        operator: 'Conv',
        isLayer: true,
        group: 'conv.weight',
        kept: null,
        before: { ...figures, dims: ['N', 16, 4, 4], parameters: 128 },
        after: figures,
      },
      {
        name: 'add',
        operator: 'Add',
        isLayer: false,
        group: null,
        kept: null,
        before: { parameters: 0, nonZeros: 0, macs: null, dims: ['N', 16, 4, 4] },
        after: null,
      },
      {
        name: 'fc',
        operator: 'Gemm',
        isLayer: true,
        group: null,
        kept: 'it is the graph output "logits"',
        before: { parameters: 2560, nonZeros: 2048, macs: 2560, dims: ['N', 10] },
        after: { parameters: 2560, nonZeros: 2048, macs: 2560, dims: ['N', 10] },
      },
    ],
    edges: [
      [0, 1],
      [1, 2],
    ],
  },
  notes: ['The batch size is symbolic: 1 was used.'],
};

/** What a model is made of. */
export const inspected: InspectReport = {
  schemaVersion: 1,
  input: { path: 'm.onnx', producer: 'pytorch 2.1.0', opset: 17, irVersion: 8, fileBytes: 6.9e6 },
  inputs: [{ name: 'input', type: 'float32', dims: ['N', 3, 32, 32] }],
  outputs: [{ name: 'logits', type: 'float32', dims: ['N', 10] }],
  operators: { Conv: 19, Relu: 19 },
  unknownOperators: { Strange: 1 },
  parameters: 1_716_234,
  macs: 41_200_000,
  macsUnknown: 2,
  layers: [
    { node: '/conv1/Conv', operator: 'Conv', output: ['N', 32, 32, 32], parameters: 896, macs: 884_736 },
    { node: '/fc/Gemm', operator: 'Gemm', output: ['N', 10], parameters: 650, macs: null },
  ],
  groups: [
    {
      name: 'conv1.weight',
      producers: ['/conv1/Conv'],
      consumers: ['/fc/Gemm'],
      channels: 32,
      unit: 1,
      part: null,
      parameters: 10_240,
      cuts: [],
    },
  ],
  prunableParameters: 10_240,
  kept: plain.pruning.kept,
  distributions: [],
  outline: null,
  recipe: { structured: '50%', layers: [] },
};

/** Two models, one of them smaller. */
export const compared: CompareReport = {
  schemaVersion: 1,
  a: { path: 'm.onnx', fileBytes: 6.9e6, footprint: { peakBytes: 9e7, baseBytes: 6e7, loadMs: 12, loads: 5 } },
  b: {
    path: 'm.pruned.onnx',
    fileBytes: 2.2e6,
    footprint: { peakBytes: 7e7, baseBytes: 6e7, loadMs: 8, loads: 5 },
  },
  fidelity: {
    on: 'random inputs',
    samples: 4,
    outputs: [comparison('logits'), comparison('gone', { problem: 'B has no output of that name', count: 0 })],
    accuracy: null,
    regression: null,
    uncompared: [{ name: 'list', reason: 'it is a sequence' }],
  },
  onCalibration: null,
  sizes: [{ batch: 2, dims: { T: 7 }, relativeL2: 0.05, cosine: 0.9987, problem: null, fits: true }],
  latency: timed(1.01, false),
  latencyAllCores: null,
  gates: [
    {
      gate: '--min-cosine',
      unit: 'number',
      limit: 0.999,
      found: 0.9987,
      passed: false,
      margin: -0.0003,
      of: 'logits, on random inputs',
    },
  ],
  environment: plain.environment,
  seconds: {},
};
