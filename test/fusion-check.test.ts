import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { present } from '../src/errors.ts';
import { checkFusion } from '../src/fusion-check.ts';
import { importModel } from '../src/ir/model.ts';
import { decodeModel } from '../src/onnx/codec.ts';
import { makeInputs, RuntimeChild } from '../src/runtime/index.ts';
import { Stopwatch } from '../src/stopwatch.ts';
import { IMAGE, QuantizedNet } from './quantize/quantized-nets.ts';
import { branching } from './support/bodies.ts';

const child = new RuntimeChild();
const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-fusion-'));
afterAll(async () => {
  await child.close();
  rmSync(folder, { recursive: true, force: true });
});
const place = (name: string): string => join(folder, name);

/** One layer on integers, one in float on purpose. */
function half(): Uint8Array {
  const net = new QuantizedNet();
  const y = net.levels(net.conv('first', net.quantizedInput('x', IMAGE)));
  net.output(net.named('Conv', 'second', [y, net.weight('w', [8, 8, 3, 3])]));
  return net.bytes();
}

test('tells of a model file what runs on integers, what not and why, and what that costs', {
  timeout: 30_000,
}, async () => {
  const [path, bytes] = [place('half.onnx'), half()];
  writeFileSync(path, bytes);
  const model = importModel(decodeModel(bytes));
  const left = new Map([['second', 'it was told to']]);
  const clock = new Stopwatch();
  const untimed = await checkFusion({ child, place }, path, model, [], left);
  expect(untimed).toMatchObject({ kernels: { QLinearConv: 1 }, time: null });
  expect(untimed?.floats).toEqual([{ node: 'second', operator: 'Conv', reason: 'it was told to', share: null }]);

  const feeds = [makeInputs([{ name: 'x', type: 'float32', dims: IMAGE }], { seed: 1, batch: 1, dims: new Map() })];
  const checked = await checkFusion({ child, clock, place, threads: 1 }, path, model, feeds, left);
  const { floats, time, ...rest } = present(checked, 'the report');
  expect(rest).toEqual({ ...untimed, floats: undefined, time: undefined });
  expect(Object.values(time ?? {}).reduce((sum, part) => sum + part, 0)).toBeCloseTo(1, 9);
  expect(floats).toHaveLength(1);
  expect(floats[0]?.share).toBeGreaterThan(0);
  expect(Object.keys(clock.seconds)).toEqual(['read what was fused', 'time each node']);
});

test('reads what the runtime writes of bodies, whose weights it writes twice', async () => {
  const [path, bytes] = [place('branching.onnx'), branching().bytes()];
  writeFileSync(path, bytes);
  const { kernels, floats } = await checkFusion({ child, place }, path, importModel(decodeModel(bytes)), [], new Map());
  expect(kernels).toEqual({});
  expect(floats.map(({ node }) => node).sort()).toEqual(
    expect.arrayContaining(['first/MatMul', 'no/down', 'no/up', 'yes/down', 'yes/up']),
  );
});

test('reads what the runtime saves of bodies with several convolutions', { timeout: 30_000 }, async () => {
  const net = new QuantizedNet();
  const y = net.levels(net.conv('first', net.quantizedInput('x', IMAGE)));
  const [then, otherwise] = [net.subgraph('then'), net.subgraph('else')];
  const conv = (b: typeof then, x: string, name: string): string =>
    b.node('Conv', [x, b.weight(`${name}_w`, [8, 8, 3, 3])], { pads: [1, 1, 1, 1] }, { name });
  then.output(conv(then, conv(then, y, 'second'), 'third'), 'float32');
  otherwise.output(conv(otherwise, conv(otherwise, y, 'fourth'), 'fifth'), 'float32');
  const branches = { then_branch: { graph: then }, else_branch: { graph: otherwise } };
  net.output(net.named('If', 'if', [net.input('which', 'bool', [])], branches), 'float32');
  const [path, bytes] = [place('bodies.onnx'), net.bytes()];
  writeFileSync(path, bytes);
  const { kernels, floats } = await checkFusion({ child, place }, path, importModel(decodeModel(bytes)), [], new Map());
  expect(kernels).toEqual({ QLinearConv: 1 });
  expect(floats.map(({ operator }) => operator)).toEqual(['Conv', 'Conv', 'Conv', 'Conv']);
});
