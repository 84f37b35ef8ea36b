import { describe, expect, test } from 'vitest';
import { renderCompare } from '../../cli/render/compare.ts';
import { renderInspect } from '../../cli/render/inspect.ts';
import { renderReport } from '../../cli/render/prune.ts';
import { displayWidth } from '../../cli/render/text.ts';
import type { CompareReport, InspectReport, Report } from '../../src/report/report.ts';
import type { OutputComparison, OutputProof } from '../../src/runtime/index.ts';
import type { GroupReport } from '../../src/transforms/describe-groups.ts';

const ESCAPE = String.fromCharCode(27);
const plain = { colors: false, width: 100, verbose: false };

function group(name: string, before: number, after: number, more: Partial<GroupReport> = {}): GroupReport {
  const consumers = ['next'];
  return {
    name,
    producers: ['maker'],
    consumers,
    before,
    asked: after,
    after,
    unit: 1,
    criterion: 'l2',
    kept: [],
    cuts: [],
    ...more,
  };
}

function proofOf(name: string, more: Partial<OutputProof> = {}): OutputProof {
  const reason = 'rounding of float32 sums';
  return { name, type: 'float32', error: 1.8e-7, limit: 1e-4, passed: true, reason, informative: true, ...more };
}

function comparison(name: string, more: Partial<OutputComparison> = {}): OutputComparison {
  return {
    name,
    type: 'float32',
    dims: [100, 10],
    count: 10_000,
    problem: undefined,
    identical: false,
    mismatches: 10_000,
    constant: false,
    cosine: 0.998731,
    relativeL2: 0.0512,
    maxAbsError: 1.234,
    maxAbsReference: 20,
    argmaxAgreement: 0.9873,
    nonFinite: { a: 0, b: 0, agree: true },
    ...more,
  };
}

const timing = { median: 1.234, p10: 1.2, p90: 1.31, min: 1.19, runs: 120, burst: 1, loadMs: 12.3, speedUp: undefined };
const speedUp = { median: 2.02, p25: 1.95, p75: 2.08, significant: true };
const latency = {
  threads: 1,
  batch: 1,
  rounds: 120,
  before: timing,
  after: { ...timing, median: 0.611, p10: 0.6, p90: 0.64, loadMs: 8.1, speedUp },
};
const environment = { node: '20.20.2', platform: 'linux-x64', cpu: 'AMD EPYC', kernelBlock: 16 };
const input = { path: 'models/resnet20.onnx', producer: 'pytorch 2.1.0', opset: 17 };
const kept = [
  {
    reason: 'it is the graph output "logits"',
    layers: [{ node: 'fc2', initializer: 'fc2.weight', channels: 10, of: 10 }],
  },
  {
    reason: 'Softmax mixes its channels',
    layers: Array.from({ length: 9 }, (_, index) => {
      return { node: `att${index}`, initializer: `blocks.${index}.attention.qkv.weight`, channels: 64, of: 64 };
    }),
  },
  {
    reason: 'whole groups of this convolution leave, so the width of a group stays',
    layers: [{ node: 'conv9', initializer: 'conv9.weight', channels: 12, of: 64 }],
  },
  { reason: '--exclude "stem.*"', layers: [{ node: 'stem', initializer: 'stem.weight', channels: 16, of: 16 }] },
];

const typical: Report = {
  schemaVersion: 1,
  tool: { name: 'onnx-prune', version: '0.1.0' },
  input,
  output: { path: 'models/resnet20.pruned.onnx' },
  options: { structured: 0.5, criterion: 'l2', only: ['layer1.*', 'layer2.*'] },
  size: {
    before: { parameters: 1_716_234, macs: 41_200_000, macsUnknown: 0, nodes: 74, fileBytes: 6.9e6, gzipBytes: 6.4e6 },
    after: { parameters: 539_012, macs: 12_100_000, macsUnknown: 1, nodes: 62, fileBytes: 2.18e6, gzipBytes: 2.0e6 },
  },
  cleaning: { nodesBefore: 74, nodesAfter: 62 },
  pruning: {
    name: 'prune channels',
    removedChannels: 2000,
    groups: [
      group('conv1.weight', 32, 16, { asked: 14, consumers: ['a', 'b', 'c'] }),
      group('layer1.0.residual_branch.convolution_with_a_long_name.conv2.weight', 64, 32),
      group('attention.qkv.weight', 3072, 1536, { unit: 64 }),
      group('layer4.1.conv1.weight', 128, 128, { asked: 126 }),
    ],
    kept,
  },
  unknownOperators: { 'com.example.Fancy': 3, Strange: 1 },
  proof: {
    passed: true,
    cut: [proofOf('logits'), proofOf('mask', { error: 0, informative: false })],
    cleaned: [proofOf('logits', { error: 0 })],
    inputs: '4 random samples',
  },
  fidelity: {
    on: 'test data',
    samples: 10_000,
    outputs: [comparison('logits')],
    accuracy: { output: 'logits', total: 10_000, hitsA: 9873, hitsB: 9790 },
  },
  latency,
  environment,
  seconds: { read: 0.12, prune: 1.04, prove: 0.8 },
  notes: ['The batch size is symbolic: 1 was used.'],
};

const nothing: Report = {
  ...typical,
  size: { before: typical.size.before, after: typical.size.before },
  pruning: { name: 'prune channels', removedChannels: 0, groups: [], kept },
  proof: { passed: true, cut: [], cleaned: [], inputs: '4 random samples' },
  latency: { ...latency, after: { ...timing, speedUp: { median: 1.003, p25: 0.98, p75: 1.02, significant: false } } },
};

const failed: Report = {
  ...typical,
  output: null,
  proof: {
    passed: false,
    cut: [proofOf('logits', { passed: false, error: 0.032 }), proofOf('aux'), proofOf('other', { error: 2e-7 })],
    cleaned: [],
    inputs: '4 random samples',
  },
  fidelity: {
    on: 'random inputs',
    samples: 1,
    outputs: [
      comparison('logits', { nonFinite: { a: 0, b: 7, agree: false } }),
      comparison('ids', { type: 'int64', cosine: undefined, relativeL2: undefined, maxAbsError: undefined, mismatches: 3 }),
      comparison('gone', { problem: 'B has no output of that name', count: 0 }),
    ],
    accuracy: null,
  },
};

const many: Report = {
  ...typical,
  pruning: {
    ...typical.pruning,
    groups: Array.from({ length: 40 }, (_, index) => group(`layers.${index}.weight`, 64, 32)),
  },
};

const inspected: InspectReport = {
  schemaVersion: 1,
  input: { ...input, irVersion: 8, fileBytes: 6.9e6 },
  inputs: [{ name: 'input', type: 'float32', dims: ['N', 3, 32, 32] }],
  outputs: [{ name: 'logits', type: 'float32', dims: ['N', 10] }],
  operators: { Conv: 19, Relu: 19, Add: 9, Gemm: 1, GlobalAveragePool: 1 },
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
      producers: ['/conv1/Conv', '/layer1/conv2/Conv', '/layer1.1/conv2/Conv'],
      consumers: ['/layer1/conv1/Conv', '/layer1.1/conv1/Conv', '/layer2/conv1/Conv', '/layer2/downsample/Conv'],
      channels: 32,
      unit: 1,
      cuts: ['conv1.weight', 'bn1.weight', 'bn1.bias', 'bn1.mean', 'bn1.var'].map((initializer) => {
        return { initializer, axis: 0, length: 32 };
      }),
    },
    { name: 'qkv.weight', producers: ['/qkv/MatMul'], consumers: ['/proj/MatMul'], channels: 768, unit: 64, cuts: [] },
  ],
  kept,
};

const compared: CompareReport = {
  schemaVersion: 1,
  a: { path: 'models/resnet20.onnx', fileBytes: 6.9e6 },
  b: { path: 'models/resnet20.pruned.onnx', fileBytes: 2.18e6 },
  fidelity: { on: 'random inputs', samples: 4, outputs: [comparison('logits')], accuracy: null },
  latency,
  environment,
};

// --- tests ---
