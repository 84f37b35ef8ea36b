import { afterAll, describe, expect, it } from 'vitest';
import { checkGraph } from '../src/ir/check.ts';
import type { Model } from '../src/ir/model.ts';
import { nodesIn } from '../src/ir/node.ts';
import type { Int8Wishes } from '../src/options/int8-options.ts';
import { quantizeModel } from '../src/quantize-model.ts';
import type { QuantizeReport } from '../src/quantize-report.ts';
import { readyForIntegers } from '../src/ready-for-integers.ts';
import { RuntimeChild } from '../src/runtime/index.ts';
import { Stopwatch } from '../src/stopwatch.ts';
import { looping } from './support/bodies.ts';
import { ModelBuilder } from './support/build.ts';
import { normalised } from './support/model-parts.ts';
import { mixedNet } from './support/weight-nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const WISHES: Int8Wishes = {
  mode: 'auto',
  ranges: 'mse',
  rounding: 'nearest',
  bits: 8,
  portable: undefined,
  equalize: undefined,
  float: [],
};
const read = (b: ModelBuilder): Promise<Model> => normalised(b.bytes(), child);
const quantize = (
  model: Model,
  wishes: Partial<Int8Wishes> = {},
  floats?: Map<string, string>,
): Promise<QuantizeReport> =>
  quantizeModel(
    model,
    { ...WISHES, ...wishes },
    { exclude: [], layers: [], again: false },
    { clock: new Stopwatch(undefined, undefined), stages: undefined, lineage: undefined, floats },
  );

describe('a model is quantized', () => {
  it('once: the second time it is left alone', async () => {
    const model = await read(mixedNet());
    const first = await quantize(model);
    expect(first).toMatchObject({ untouched: null, asked: 'auto', samples: 0, activations: null });
    const nodes = nodesIn(model.graph).map(({ opType }) => opType);
    const second = await quantize(model);
    expect(second).toMatchObject({ layers: [], floats: [], folded: 0, overflowing: 0 });
    expect(second.untouched).toMatch(/^the model is quantized already: \d+ nodes compute on integers with scales, "/);
    expect(nodesIn(model.graph).map(({ opType }) => opType)).toEqual(nodes);
    expect(readyForIntegers(model)).toEqual({ model, opset: null });
  });

  it('except for the layers that are named', async () => {
    const model = await read(mixedNet());
    const { layers, floats } = await quantize(model, { float: ['plain*'] }, new Map([['gemm', 'somebody said so']]));
    expect(layers.map(({ node }) => node)).toEqual(['matmul']);
    expect(floats).toEqual([
      { node: 'conv', operator: 'Conv', reason: expect.stringContaining('--calibration') },
      { node: 'gemm', operator: 'Gemm', reason: 'somebody said so' },
      { node: 'plain', operator: 'Gemm', reason: '--float "plain*" says so' },
    ]);
    checkGraph(model.graph);
  });

  it('and what is in bodies, where data are rounded as they come', async () => {
    const { layers, floats } = await quantize(await read(looping()));
    expect(layers.map(({ node, how }) => [node, how])).toEqual(
      ['first/MatMul', 'body/up', 'body/down', 'MatMul_0'].map((node) => [node, 'dynamic']),
    );
    expect(floats).toEqual([]);
  });

  it('and weighs each weight once, whoever reads it', async () => {
    const b = new ModelBuilder();
    const w = b.weight('w', [8, 8]);
    const once = b.node('MatMul', [b.input('x', 'float32', ['N', 8]), w], {}, { name: 'once' });
    b.output(b.node('MatMul', [once, w], {}, { name: 'twice', outputs: ['y'] }), 'float32', ['N', 8]);
    const { layers, floats } = await quantize(await read(b));
    expect(layers.map(({ initializer }) => initializer)).toEqual(['w']);
    expect(floats).toEqual([]);
  });
});

describe('the operator set that integers need', () => {
  it('is 13 at least; a model that has a newer one is not copied', async () => {
    const old = await read(mixedNet({ opset: 11 }));
    const { model, opset } = readyForIntegers(old);
    expect(opset).toEqual({ from: 11, to: 13 });
    expect(model.graph.scope.opsets.get('')).toBe(13);
    expect(old.graph.scope.opsets.get('')).toBe(11);
    const current = await read(mixedNet({ opset: 13 }));
    expect(readyForIntegers(current)).toEqual({ model: current, opset: null });
  });
});
