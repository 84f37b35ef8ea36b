import { stripVTControlCharacters } from 'node:util';
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
    weight: { initializer: name, axis: 0 },
    producers: ['maker'],
    consumers,
    before,
    asked: after,
    after,
    unit: 1,
    criterion: 'l2',
    kept: [],
    cuts: [],
    part: null,
    approximate: [],
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
    before: {
      parameters: 1_716_234,
      nonZeros: 1_716_234,
      macs: 41_200_000,
      macsUnknown: 0,
      nodes: 74,
      fileBytes: 6.9e6,
      gzipBytes: 6.4e6,
    },
    after: {
      parameters: 539_012,
      nonZeros: 539_012,
      macs: 12_100_000,
      macsUnknown: 1,
      nodes: 62,
      fileBytes: 2.18e6,
      gzipBytes: 2.0e6,
    },
  },
  goal: null,
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
    axes: [],
  },
  lossless: null,
  recovery: null,
  weights: null,
  freed: null,
  quantization: null,
  storage: { storedTwice: { tensors: 0, bytes: 0 }, half: null, sparseTensors: null, gzip: false },
  unknownOperators: { 'com.example.Fancy': 3, Strange: 1 },
  proof: {
    passed: true,
    cut: [proofOf('logits'), proofOf('mask', { error: 0, informative: false })],
    frontier: [],
    judgedByFrontier: [],
    cleaned: [proofOf('logits', { error: 0 })],
    inputs: '4 random samples',
  },
  fidelity: {
    on: 'test data',
    samples: 10_000,
    outputs: [comparison('logits')],
    accuracy: {
      output: 'logits',
      total: 10_000,
      hitsA: 9873,
      hitsB: 9790,
      top5A: null,
      top5B: null,
      lossA: 0.1,
      lossB: 0.1,
    },
    regression: null,
    uncompared: [],
  },
  latency,
  gates: [],
  outline: null,
  environment,
  seconds: { read: 0.12, prune: 1.04, prove: 0.8 },
  notes: ['The batch size is symbolic: 1 was used.'],
};

const nothing: Report = {
  ...typical,
  size: { before: typical.size.before, after: typical.size.before },
  pruning: { name: 'prune channels', removedChannels: 0, groups: [], kept, axes: [] },
  proof: { passed: true, cut: [], frontier: [], judgedByFrontier: [], cleaned: [], inputs: '4 random samples' },
  latency: { ...latency, after: { ...timing, speedUp: { median: 1.003, p25: 0.98, p75: 1.02, significant: false } } },
};

const failed: Report = {
  ...typical,
  output: null,
  proof: {
    passed: false,
    cut: [proofOf('logits', { passed: false, error: 0.032 }), proofOf('aux'), proofOf('other', { error: 2e-7 })],
    frontier: [],
    judgedByFrontier: [],
    cleaned: [],
    inputs: '4 random samples',
  },
  fidelity: {
    on: 'random inputs',
    samples: 1,
    outputs: [
      comparison('logits', { nonFinite: { a: 0, b: 7, agree: false } }),
      comparison('ids', {
        type: 'int64',
        cosine: undefined,
        relativeL2: undefined,
        maxAbsError: undefined,
        mismatches: 3,
      }),
      comparison('gone', { problem: 'B has no output of that name', count: 0 }),
    ],
    accuracy: null,
    regression: null,
    uncompared: [],
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
      part: null,
      parameters: 10_240,
      cuts: ['conv1.weight', 'bn1.weight', 'bn1.bias', 'bn1.mean', 'bn1.var'].map((initializer) => {
        return { initializer, axis: 0, length: 32 };
      }),
    },
    {
      name: 'qkv.weight',
      producers: ['/qkv/MatMul'],
      consumers: ['/proj/MatMul'],
      channels: 768,
      unit: 64,
      part: 'heads',
      parameters: 1_600_000,
      cuts: [],
    },
  ],
  prunableParameters: 1_700_000,
  kept,
  distributions: [],
  outline: null,
  recipe: { structured: '50%', layers: [] },
};

const compared: CompareReport = {
  schemaVersion: 1,
  a: { path: 'models/resnet20.onnx', fileBytes: 6.9e6, footprint: null },
  b: { path: 'models/resnet20.pruned.onnx', fileBytes: 2.18e6, footprint: null },
  fidelity: {
    on: 'random inputs',
    samples: 4,
    outputs: [comparison('logits')],
    accuracy: null,
    regression: null,
    uncompared: [],
  },
  onCalibration: null,
  sizes: [],
  latency,
  latencyAllCores: null,
  gates: [],
  environment,
  seconds: {},
};

const unmeasured: Report = {
  ...typical,
  output: null,
  size: { before: { ...typical.size.before, gzipBytes: null }, after: { ...typical.size.after, gzipBytes: null } },
  proof: null,
  fidelity: null,
  latency: null,
};

describe('all renderings', () => {
  const renderings = {
    typical: (options: typeof plain) => renderReport(typical, options),
    nothing: (options: typeof plain) => renderReport(nothing, options),
    failed: (options: typeof plain) => renderReport(failed, options),
    many: (options: typeof plain) => renderReport(many, options),
    unmeasured: (options: typeof plain) => renderReport(unmeasured, options),
    inspect: (options: typeof plain) => renderInspect(inspected, options),
    compare: (options: typeof plain) => renderCompare(compared, options),
  };
  const cases = Object.entries(renderings).flatMap(([name, render]) =>
    [40, 60, 100, 200].map((width) => ({ name, width, render })),
  );

  test.each(cases)('$name fits $width columns and colours change no text', ({ width, render }) => {
    for (const verbose of [false, true]) {
      const text = render({ colors: false, width, verbose });
      expect(text).not.toContain(ESCAPE);
      for (const line of text.split('\n')) {
        expect(displayWidth(line), line).toBeLessThanOrEqual(width);
        expect(line, 'no trailing spaces').toBe(line.trimEnd());
      }
      expect(text.endsWith('\n') && !text.endsWith('\n\n')).toBe(true);
      expect(text).not.toContain('\n\n\n');
      const colored = render({ colors: true, width, verbose });
      expect(colored).toContain(ESCAPE);
      expect(stripVTControlCharacters(colored)).toBe(text);
      expect(render({ colors: false, width, verbose })).toBe(text);
    }
  });

  test('control characters of a model never reach the terminal', () => {
    const hostile = (text: string): string => `${ESCAPE}[2J${text}\u202e\r\n`;
    const spoilKeys = (tally: object): object =>
      Object.fromEntries(Object.entries(tally).map(([key, count]) => [hostile(key), count]));
    const spoil = <T>(report: T): T =>
      JSON.parse(
        JSON.stringify(report, (key, value) => {
          // These two are words of ours.
          if (key === 'on' || value === 'onnx-prune') return value;
          if (/operators$/i.test(key)) return spoilKeys(value);
          return typeof value === 'string' ? hostile(value) : value;
        }),
      );
    for (const verbose of [false, true]) {
      const options = { ...plain, verbose };
      const texts = [renderReport(spoil(typical), options), renderReport(spoil(failed), options)];
      texts.push(renderInspect(spoil(inspected), options), renderCompare(spoil(compared), options));
      for (const text of texts) {
        expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
        for (const line of text.split('\n')) expect(displayWidth(line)).toBeLessThanOrEqual(100);
      }
    }
  });
});

describe('a pruning report', () => {
  test('shows what was pruned, how much it saves and what stays', () => {
    const text = renderReport(typical, plain);
    expect(text).toContain('models/resnet20.onnx → models/resnet20.pruned.onnx');
    expect(text).toContain('removed 1,584 of 3,296 channels (48.06%) in 3 groups');
    expect(text).toMatch(/conv1\.weight +32 → +16 +14 +50\.00% +3\n/);
    expect(text).toMatch(/attention\.qkv\.weight +3,072 → 1,536 +50\.00% +64 +1\n/);
    expect(text).toMatch(/parameters +1\.72 M +539 k +-68\.59% +3\.18×/);
    expect(text).toMatch(/file +6\.90 MB +2\.18 MB +-68\.41%/);
    expect(text).toContain('1 MB = 1,000,000 bytes');
    expect(text).toContain('MACs leave out 1 node of unknown size');
    expect(text).toContain('✓ cut equals masked in 2 outputs, largest error 1.8e-7 (limit 1e-4)');
    expect(text).toMatch(/not informative.*: mask/);
    expect(text).toMatch(/logits +0\.998731 +0\.051 +1\.2 +98\.73%/);
    expect(text).toContain('accuracy 98.73% → 97.90% (-0.83 points): 9,873 → 9,790 of 10,000 right');
    expect(text).toContain('✓ 2.02× as fast, interquartile range 1.95×–2.08×');
    expect(text).toContain('1 thread, batch of 1, 120 rounds');
    expect(text).toContain('kept whole because it is the graph output "logits": fc2.weight');
    expect(text).toContain('conv9.weight (12 of 64 channels)');
    expect(text).toContain('kept whole by --exclude "stem.*": stem.weight');
    expect(text).toContain('qkv.weight and 3 more');
    expect(text).toContain('com.example.Fancy (3 nodes), Strange (1 node)');
    expect(text).toContain('! The batch size is symbolic: 1 was used.');
    expect(text).not.toContain('options:');
  });

  test('tells everything when verbose', () => {
    const text = renderReport(typical, { ...plain, verbose: true, width: 200 });
    expect(text).toContain('options: structured=0.5 criterion=l2 only=layer1.*,layer2.*');
    expect(text).toContain('took 1.96 s: read 0.12 s, prune 1.04 s, prove 0.80 s');
    expect(text).toContain('kernels in blocks of 16');
    expect(text).toContain('blocks.8.attention.qkv.weight');
  });

  test('says loudly that nothing was pruned, with the reasons before the rest', () => {
    const text = renderReport(nothing, plain);
    expect(text).toContain('NOTHING WAS PRUNED');
    expect(text.indexOf('kept whole because')).toBeLessThan(text.indexOf('Size'));
    expect(text).toContain('nothing was rewired, so there was nothing to prove');
    expect(text).toContain('no significant change: 1.00× the speed, interquartile range 0.98×–1.02×');
    const pruning = { ...typical.pruning, removedChannels: 0, groups: [group('conv1.weight', 16, 16, { asked: 15 })] };
    const aligned = renderReport({ ...typical, pruning }, plain);
    expect(aligned).toContain('The one group that could shrink keeps every channel');
    expect(renderReport({ ...nothing, pruning: { ...pruning, groups: [], kept: [] } }, plain)).toContain(
      'No group of channels was found',
    );
  });

  test('puts a failed proof first', () => {
    const text = renderReport(failed, plain);
    expect(text).toContain('models/resnet20.onnx → nothing written');
    expect(text).toContain('✗ cut differs from masked in logits: error 0.032 (limit 1e-4: rounding of float32 sums)');
    expect(text).toContain('✓ cut equals masked in 2 outputs, largest error 2e-7 (limit 1e-4)');
    expect(text.indexOf('Proof FAILED')).toBeLessThan(text.indexOf('Channels'));
    expect(text).toContain('Random inputs tell little about accuracy: give real data with --test.');
    expect(text).toContain('✗ logits: NaN or infinite elements: 0 before, 7 after');
    expect(text).toContain('✗ gone: B has no output of that name');
    expect(text).toMatch(/ids +– +– +– +98\.73% +0\.03%/);
  });

  test('leaves out what was not measured, and says that nothing was proved', () => {
    const text = renderReport(unmeasured, plain);
    expect(text).not.toContain('Latency');
    expect(text).not.toContain('Fidelity');
    expect(text).not.toContain('gzip');
    expect(text).toContain('! not checked (--no-verify)');
    expect(text).toContain('→ dry run, nothing written');
  });

  test('folds many groups unless verbose', () => {
    expect(renderReport(many, plain)).toContain('… and 16 more groups; -v or --json shows all');
    expect(renderReport(many, plain)).not.toContain('layers.24.weight');
    const all = renderReport(many, { ...plain, verbose: true });
    expect(all).toContain('layers.39.weight');
    expect(all).not.toContain('more groups');
  });

  test('says when the result is slower', () => {
    const slower = { median: 0.8, p25: 0.78, p75: 0.85, significant: true };
    const report = { ...typical, latency: { ...latency, after: { ...timing, speedUp: slower } } };
    expect(renderReport(report, plain)).toContain('✗ slower: 0.80× the speed, interquartile range 0.78×–0.85×');
  });

  test('shows thousands of groups', () => {
    const groups = Array.from({ length: 4000 }, (_, index) => group(`layers.${index}.weight`, 64, 32));
    const shown = renderReport({ ...typical, pruning: { ...typical.pruning, groups } }, { ...plain, verbose: true });
    expect(shown.split('\n').filter((line) => line.includes('layers.'))).toHaveLength(groups.length);
  });
});

test('inspect shows layers, groups as trees and what stays', () => {
  const text = renderInspect(inspected, plain);
  expect(text).toContain('49 nodes · 1.72 M parameters · 41.2 M MACs per sample');
  expect(text).toMatch(/\/conv1\/Conv +Conv +\[N, 32, 32, 32\] +896 +885 k\n/);
  expect(text).toContain('├─ made by  /conv1/Conv, /layer1/conv2/Conv');
  expect(text).not.toContain('─ cuts ');
  const whole = renderInspect(inspected, { ...plain, verbose: true });
  expect(whole).toContain('└─ cuts     conv1.weight axis 0 of 32');
  expect(text).toContain('qkv.weight  768 channels: whole heads, 64 leave together · 1.60 M parameters (93.23%)');
  expect(text).toMatch(/hold 99\.05% of all parameters/);
  expect(text).toContain('kept whole because it is the graph output "logits": fc2.weight');
  expect(renderInspect({ ...inspected, groups: [] }, plain)).toContain('none: no channel can leave');
});

test('compare shows both files and how they differ', () => {
  const text = renderCompare(compared, plain);
  expect(text).toMatch(/B +models\/resnet20\.pruned\.onnx +2\.18 MB +-68\.41%/);
  expect(text).toContain('B against A, on random inputs, 4 samples');
  expect(text).toMatch(/B +0\.61 ms/);
});
