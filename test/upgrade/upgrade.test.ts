import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { nodesIn } from '../../src/ir/node.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { upgradeOpset } from '../../src/upgrade/upgrade.ts';
import { type GraphBuilder, ModelBuilder, type ModelOptions } from '../support/build.ts';
import { upgraded } from './upgraded.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const FIXTURES = fileURLToPath(new URL('../../fixtures', import.meta.url));
const files = [FIXTURES, join(FIXTURES, 'structural')].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => join(folder, name)),
);

/** x [N, 1, 4] → Squeeze → y [N, 4]. */
function squeeze(options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder({ opset: 9, irVersion: 4, ...options });
  b.output(b.node('Squeeze', [b.input('x', 'float32', ['N', 1, 4])], { axes: [1] }, { name: 'squeeze' }), 'float32');
  return b;
}

const read = (b: ModelBuilder): Model => importModel(decodeModel(b.bytes()));

describe('upgrading', () => {
  test('leaves a model at or above the target alone', () => {
    const model = read(squeeze({ opset: 15 }));
    const { model: same, report } = upgradeOpset(model, 13);
    expect(same).toBe(model);
    expect(report).toEqual({ from: 15, to: 15, changed: [] });
    expect(upgradeOpset(model, 15).model).toBe(model);
  });

  test('writes the versions that go together, and leaves other operator sets', () => {
    const model = read(squeeze({ domains: { 'com.microsoft': 1 } }));
    const { model: after, report } = upgradeOpset(model, 13);
    const proto = exportModel(after);
    expect(proto.opsetImport?.map(({ domain, version }) => [domain, Number(version)])).toEqual([
      ['', 13],
      ['com.microsoft', 1],
    ]);
    expect(Number(proto.irVersion)).toBe(7);
    expect(report).toEqual({
      from: 9,
      to: 13,
      changed: [{ node: 'squeeze', operator: 'Squeeze', what: 'reads its axes from an input' }],
    });
    // What was given stays.
    expect(Number(exportModel(model).opsetImport?.[0]?.version)).toBe(9);
    expect([...model.graph.nodes][0]?.attributes.has('axes')).toBe(true);
  });

  test.each([
    [14, 3, 7],
    [15, 7, 8],
    [18, 9, 9],
    [19, 8, 9],
    [21, 8, 10],
  ])('to operator set %d makes IR version %d one of %d', (target, irVersion, expected) => {
    expect(Number(exportModel(upgradeOpset(read(squeeze({ irVersion })), target).model).irVersion)).toBe(expected);
  });

  test('counts a version of "ai.onnx" as one of ONNX itself', () => {
    const proto = decodeModel(squeeze().bytes());
    proto.opsetImport = [{ domain: 'ai.onnx', version: 9 }];
    const after = exportModel(upgradeOpset(importModel(proto), 13).model);
    expect(after.opsetImport).toEqual([{ domain: 'ai.onnx', version: 13 }]);
  });

  test('takes initializers off the inputs, where they only had to be there', async () => {
    const b = squeeze({ irVersion: 3, opset: 8, initializersAsInputs: true });
    const y = b.node('MatMul', ['squeeze_out_0', b.weight('w', [4, 3])]);
    b.output(y, 'float32');
    const { model } = await upgraded(child, b.bytes(), 13);
    expect(model.graph.inputs.map(({ name }) => name)).toEqual(['x']);
  });

  test('goes into the bodies of If and Loop, and into those inside them', async () => {
    const b = new ModelBuilder({ opset: 9, irVersion: 5 });
    const x = b.input('x', 'float32', ['N', 4]);
    const sum = b.node('ReduceSum', [b.input('switch', 'float32', [1])], { axes: [0], keepdims: 0 });
    const flag = b.node('Greater', [sum, b.constant('zero', 'float32', [], [0])]);
    const clipped = (body: GraphBuilder, value: string, min: number): string =>
      body.node('Clip', [value], { min: { float: min } });
    const [then_branch, else_branch] = [b.subgraph(), b.subgraph()];
    then_branch.output(clipped(then_branch, x, -0.25), 'float32');
    const loop = else_branch.subgraph();
    const [, condition = '', value = ''] = [
      loop.input('turn', 'int64', []),
      loop.input('condition', 'bool', []),
      loop.input('value', 'float32'),
    ];
    loop.output(loop.node('Identity', [condition]), 'bool');
    loop.output(loop.node('Add', [clipped(loop, value, 0.5), x]), 'float32');
    const turns = b.constant('turns', 'int64', [], [3]);
    else_branch.output(else_branch.node('Loop', [turns, '', x], { body: { graph: loop } }), 'float32');
    b.output(
      b.node('If', [flag], { then_branch: { graph: then_branch }, else_branch: { graph: else_branch } }),
      'float32',
    );
    const { model, report } = await upgraded(child, b.bytes(), 13);
    expect(report.changed.map(({ operator }) => operator).sort()).toEqual(['Clip', 'Clip', 'ReduceSum']);
    expect(nodesIn(model.graph).map(({ opset }) => opset)).toEqual(nodesIn(model.graph).map(() => 13));
  });

  test('tells what is known of the matrix that a Softmax sees', () => {
    const b = new ModelBuilder({ opset: 9 });
    const y = b.node('Softmax', [b.input('x', 'float32', ['N', 3, 7])], { axis: -2 }, { name: 'soft' });
    b.output(y, 'float32', ['N', 3, 7]);
    const { graph } = upgradeOpset(read(b), 13).model;
    const types = new Map([...graph.values].map(({ name, type }) => [name, type]));
    expect(types.get('soft_shape')).toEqual({ type: 'int64', dims: [3] });
    for (const name of ['soft_matrix', 'soft_rows']) {
      expect(types.get(name)).toEqual({ type: 'float32', dims: [undefined, 21] });
    }
    expect(types.get('soft_out_0')?.dims).toEqual(['N', 3, 7]);
    expect([...graph.nodes].find(({ name }) => name === 'soft')?.opType).toBe('Softmax');
  });

  test.each(['float32', 'float64', 'float16'] as const)('gives bounds the type of %s numbers', (dtype) => {
    const b = new ModelBuilder({ opset: 10, irVersion: 5 });
    const x = b.node('Relu', [b.input('x', dtype, ['N', 4])]);
    b.output(b.node('Clip', [x], { max: { float: 0.5 } }), dtype);
    const [, clip] = [...upgradeOpset(read(b), 13).model.graph.nodes];
    const max = clip?.inputs[2]?.tensor;
    expect(clip?.inputs[1]).toBeUndefined();
    expect(max).toMatchObject({ type: dtype, dims: [] });
    expect([...(max?.floats() ?? [])]).toEqual([0.5]);
  });

  test('a net as tf2onnx and PyTorch write them at operator set 9', async () => {
    const b = new ModelBuilder({ opset: 9, irVersion: 4 });
    const image = b.input('image', 'float32', ['N', 8, 8, 3]);
    const x = b.node('Transpose', [image], { perm: [0, 3, 1, 2] });
    const padded = b.node('Pad', [x], { pads: [0, 0, 1, 1, 0, 0, 1, 1], mode: 'constant', value: { float: 0 } });
    const conv = b.node('Conv', [padded, b.weight('w', [4, 3, 3, 3])], { kernel_shape: [3, 3] });
    const six = b.node('Clip', [conv], { min: { float: 0 }, max: { float: 6 } });
    const [half = '', other = ''] = b.nodes('Split', [six], 2, { axis: 1, split: [2, 2] });
    const up = b.node('Upsample', [half, b.constant('scales', 'float32', [4], [1, 1, 2, 2])], { mode: 'nearest' });
    const small = b.node('Slice', [up], { axes: [2, 3], starts: [0, 0], ends: [8, 8] });
    const joined = b.node('Concat', [small, other], { axis: 1 });
    const mean = b.node('ReduceMean', [joined], { axes: [2, 3], keepdims: 1 });
    const flat = b.node('Squeeze', [mean], { axes: [2, 3] });
    const row = b.node('Unsqueeze', [b.node('Dropout', [flat], { ratio: { float: 0.1 } })], { axes: [1] });
    b.output(b.node('Softmax', [row], { axis: 2 }), 'float32', ['N', 1, 4]);
    b.output(b.node('Softmax', [joined], { axis: 1 }), 'float32');
    for (const target of [13, 21]) {
      const { report } = await upgraded(child, b.bytes(), target);
      expect(report.to).toBe(target);
    }
  });

  test.each(files)('%s to 21 gives what it gave', async (path) => {
    const bytes = readFileSync(path);
    const hasAverage = decodeModel(bytes).graph?.node?.some(({ opType }) => opType === 'AveragePool');
    // onnxruntime has another kernel of AveragePool from 19 on, which adds in another order.
    const within = hasAverage ? 1e-5 : 0;
    const { report } = await upgraded(child, bytes, 21, { directory: dirname(path), within });
    expect(report.to).toBe(21);
  });

  test('a file of 2018 to 13 gives what it gave', async () => {
    const { model, report } = await upgraded(child, readFileSync(join(FIXTURES, 'structural/ir3.onnx')), 13);
    expect(report.from).toBe(7);
    expect(report.changed.map(({ operator }) => operator)).toEqual(['Dropout']);
    expect(model.graph.inputs).toHaveLength(1);
  });
});
