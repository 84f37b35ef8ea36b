import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { PruneOptions, Report } from '../../src/index.ts';
import { sparseTensorsOf } from '../../src/onnx/all-tensors.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { AttributeType, type ModelProto, type NodeProto, type TensorProto } from '../../src/onnx/messages.ts';
import { pruneIn } from '../../src/pipeline.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { normalData } from '../pipeline/held-out.ts';
import { formatFaults, versionFaults } from './faults.ts';
import { imageNet, irVersionOf, NEWEST, OLDEST, sequenceNet, type Versions } from './nets.ts';

// One process for onnxruntime, since starting one takes longer than a run.
const child = new RuntimeChild();
afterAll(() => child.close());

const NETS = {
  image: { build: imageNet, data: normalData(8, 3, { x: [3, 8, 8] }) },
  sequence: { build: sequenceNet, data: normalData(8, 3, { x: [6, 8] }) },
} as const;

/** A way to make a model smaller. */
interface Way {
  readonly net: keyof typeof NETS;
  readonly options: PruneOptions;
  readonly calibrated?: boolean;
  /** Keeps the weights of the input in a file of their own. */
  readonly external?: boolean;
  /** Whether the result has what this way is for. */
  readonly did: (report: Report, result: ModelProto, versions: Versions) => boolean;
}

const quantized = ({ quantization }: Report): boolean => (quantization?.layers.length ?? 0) >= 4;

const WAYS: Readonly<Record<string, Way>> = {
  'fewer channels, stored as float16': {
    net: 'image',
    options: { structured: 0.5, fp16Storage: true },
    // Up to IR version 3 weights are inputs, whose type is fixed.
    did: ({ pruning, storage }, _, { irVersion }) =>
      pruning.groups.length === 4 && (storage.half?.stored.length ?? 0) > (irVersion < 4 ? -1 : 0),
  },
  'fewer weights, stored as sparse tensors': {
    net: 'image',
    options: { unstructured: 0.95, sparseFormat: true },
    did: ({ weights }, result, { irVersion }) =>
      (weights?.sparsity ?? 0) > 0.9 && (irVersion < 4 || sparseTensorsOf(result).next().done !== true),
  },
  'static int8': {
    net: 'image',
    options: { int8: 'static', rounding: 'nearest' },
    calibrated: true,
    did: quantized,
  },
  'fewer channels, with a data file': {
    net: 'sequence',
    options: { structured: 0.5 },
    external: true,
    did: ({ pruning }) => pruning.groups.length >= 3,
  },
  'dynamic int8': {
    net: 'sequence',
    options: { structured: 0.25, int8: 'dynamic' },
    did: (report) => quantized(report) && report.pruning.removedChannels > 0,
  },
  'weights of 8 bits': { net: 'sequence', options: { int8: 'weights' }, did: quantized },
  'weights of 4 bits': { net: 'sequence', options: { int8: 'weights', bits: 4 }, did: quantized },
};
const NAMES = Object.keys(WAYS);

/** Runs one way at some versions and says what is wrong with the result. */
async function faultsOf(name: string, versions: Versions): Promise<string[]> {
  const { net, options, calibrated, external, did } = WAYS[name] ?? expect.fail(`there is no way "${name}"`);
  const { build, data } = NETS[net];
  const folder = freshFolder();
  const [input, output] = [folder.path('in.onnx'), folder.path('elsewhere/out.onnx')];
  build(versions).write(input, external ? { location: 'in.data', minBytes: 64 } : undefined);
  const hooks = calibrated ? { calibration: async () => data } : {};
  const quick = { verify: false, bench: false, align: 'none', lossless: true, output } as const;
  const report = await pruneIn(child, input, { ...quick, ...options }, hooks);
  const faults = await formatFaults(output, decodeModel(readFileSync(input)), child);
  return did(report, decodeModel(readFileSync(output)), versions)
    ? faults
    : [...faults, 'it is not what was asked for'];
}

const opsets = Array.from({ length: NEWEST - OLDEST + 1 }, (_, i) => OLDEST + i);
const irVersions = Array.from({ length: irVersionOf(NEWEST) - 2 }, (_, i) => 3 + i);
/** Operator sets at which every way is tried; at the others two are, in turn. */
const THOROUGH: ReadonlySet<number> = new Set([OLDEST, 13, 21, NEWEST]);

describe('what is written is true to its format', { timeout: 60_000 }, () => {
  test.each(opsets)('at opset %i', async (opset) => {
    const names = THOROUGH.has(opset) ? NAMES : NAMES.filter((_, i) => (opset + i) % 4 === 0);
    for (const name of names) {
      const faults = await faultsOf(name, { opset, irVersion: irVersionOf(opset) });
      expect({ name, faults }).toEqual({ name, faults: [] });
    }
  });

  test.each(irVersions)('at IR version %i', async (irVersion) => {
    // Those before 7 are raised for sparse tensors, or have initializers that are inputs.
    const names = irVersion < 7 ? ['fewer weights, stored as sparse tensors', 'static int8'] : ['static int8'];
    for (const name of names)
      expect({ name, faults: await faultsOf(name, { opset: 17, irVersion }) }).toEqual({ name, faults: [] });
  });
});

describe('a version that is too old is found', () => {
  const model = (versions: Versions, parts: { node?: NodeProto[]; initializer?: TensorProto[] }): ModelProto => ({
    irVersion: versions.irVersion,
    opsetImport: [{ domain: '', version: versions.opset }],
    graph: { name: 'g', ...parts },
  });
  const four = { name: 'w', dims: [2], dataType: 22, rawData: Uint8Array.of(0x21) };
  const scales: NodeProto = {
    opType: 'QuantizeLinear',
    attribute: [{ name: 'axis', type: AttributeType.INT, i: 0 }],
  };

  test.each<[string, Versions, Parameters<typeof model>[1], RegExp | undefined]>([
    ['int4 before opset 21', { opset: 20, irVersion: 10 }, { initializer: [four] }, /^int4 needs IR 10 and opset 21/],
    ['int4 before IR 10', { opset: 21, irVersion: 9 }, { initializer: [four] }, /^int4 needs IR 10/],
    ['int4 at both', { opset: 21, irVersion: 10 }, { initializer: [four] }, undefined],
    ['scales along an axis before opset 13', { opset: 10, irVersion: 5 }, { node: [scales] }, /came with opset 13/],
    ['an operator of later', { opset: 16, irVersion: 8 }, { node: [{ opType: 'Gelu' }] }, /^Gelu came with opset 20/],
    ['a domain without a version', { opset: 17, irVersion: 8 }, { node: [{ opType: 'A', domain: 'b' }] }, /not import/],
  ])('%s', (_, versions, parts, expected) => {
    const whole = model(versions, parts);
    const faults = versionFaults(whole, whole);
    expect(faults).toEqual(expected === undefined ? [] : [expect.stringMatching(expected)]);
  });
});
