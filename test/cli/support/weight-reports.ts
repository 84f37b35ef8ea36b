import type { ModelSize, Report } from '../../../src/report/report.ts';
import type { PruneWeightsReport } from '../../../src/transforms/prune-weights.ts';
import type { RemoveRedundantReport } from '../../../src/transforms/remove-redundant.ts';

/** A tensor of which so many weights are zero. */
export function layer(
  initializer: string,
  dims: readonly number[],
  zerosAfter: number,
  zerosBefore = 0,
): PruneWeightsReport['layers'][number] {
  const weights = dims.reduce((product, dim) => product * dim, 1);
  return {
    initializer,
    nodes: [`${initializer} node`],
    dims,
    weights,
    zerosBefore,
    zerosAfter,
    sparsity: zerosAfter / weights,
  };
}

/** What became zero in tensors. */
export function weightsOf(
  layers: PruneWeightsReport['layers'],
  more: Partial<PruneWeightsReport> = {},
): PruneWeightsReport {
  const total = (of: (each: PruneWeightsReport['layers'][number]) => number): number =>
    layers.reduce((sum, each) => sum + of(each), 0);
  const [weights, zeros] = [total((each) => each.weights), total((each) => each.zerosAfter)];
  return {
    name: 'prune weights',
    how: { kind: 'amount', amount: 0.5, scope: 'uniform' },
    criterion: 'magnitude',
    weights,
    zeroed: zeros - total((each) => each.zerosBefore),
    zeros,
    sparsity: zeros / weights,
    layers,
    kept: [],
    ...more,
  };
}

/** Tensors that stayed, by reason. */
export const kept: PruneWeightsReport['kept'] = [
  { reason: 'it is a bias (--include takes it)', layers: [{ initializer: 'fc.bias', node: 'fc', weights: 10 }] },
  { reason: '--exclude "stem.*"', layers: [{ initializer: 'stem.weight', node: 'stem', weights: 432 }] },
];
/** Weights of three tensors, of which one was as sparse before. */
export const typical: PruneWeightsReport = weightsOf(
  [
    layer('conv.weight', [64, 32, 3, 3], 9216),
    layer('fc.weight', [10, 256], 2048, 512),
    layer('same.weight', [4], 2, 2),
  ],
  { kept },
);

/** Four channels that left for three reasons, and three that stay for speed. */
export const redundant: RemoveRedundantReport = {
  name: 'remove redundant',
  removedChannels: 4,
  byReason: { unread: 1, zero: 1, constant: 0, duplicate: 2 },
  groups: [
    {
      name: 'first.weight',
      weight: { initializer: 'first.weight', axis: 0 },
      before: 1200,
      after: 1196,
      removed: [
        { index: 0, reason: 'zero' },
        { index: 3, reason: 'duplicate', of: 2, multiple: 2 },
        { index: 4, reason: 'duplicate', of: 2, multiple: 1 },
        { index: 9, reason: 'unread' },
      ],
      keptForSpeed: 0,
    },
    {
      name: 'wide.weight',
      weight: { initializer: 'wide.weight', axis: 0 },
      before: 64,
      after: 64,
      removed: [],
      keptForSpeed: 3,
    },
  ],
  axes: [],
  outputs: ['last cell of lstm'],
  deadNodes: 1,
};

/** The size of a dense model. */
export const size: ModelSize = {
  parameters: 1_000_000,
  nonZeros: 1_000_000,
  macs: 5e6,
  macsUnknown: 0,
  nodes: 10,
  fileBytes: 4e6,
  gzipBytes: 3.7e6,
};
/** Everything that may be unusual about how a result is stored. */
export const storage: Report['storage'] = {
  storedTwice: { tensors: 2, bytes: 144 },
  half: {
    name: 'store half',
    stored: ['a', 'b', 'c'].map((initializer) => ({ initializer, elements: 10, relativeError: 1e-4 })),
    kept: [{ initializer: 'huge', reason: 'it has numbers beyond float16' }],
    bytesSaved: 862_000,
    largestError: 2.4e-4,
  },
  sparseTensors: 2,
  gzip: true,
};

/** A run that left channels without a trace and made weights zero. */
export const report: Report = {
  schemaVersion: 1,
  tool: { name: 'onnx-prune', version: '0.1.0' },
  input: { path: 'm.onnx', producer: 'pytorch', opset: 17 },
  output: { path: 'm.pruned.onnx' },
  options: { unstructured: 0.5, weightCriterion: 'magnitude', scope: 'uniform' },
  size: { before: size, after: { ...size, nonZeros: 500_000 } },
  goal: null,
  cleaning: { nodesBefore: 10, nodesAfter: 10 },
  lossless: redundant,
  pruning: { name: 'prune channels', removedChannels: 0, groups: [], kept: [], axes: [] },
  weights: typical,
  recovery: null,
  freed: null,
  quantization: null,
  storage,
  unknownOperators: {},
  proof: null,
  fidelity: null,
  latency: null,
  gates: [],
  outline: null,
  environment: { node: '20.20.2', platform: 'linux-x64', cpu: 'AMD EPYC', kernelBlock: 16 },
  seconds: { read: 0.1 },
  notes: [],
};
