import { describe, expect, test } from 'vitest';
import { decodeModel, encodeModel, encodeModelParts } from '../../src/onnx/codec.ts';
import type { ModelProto, TensorProto } from '../../src/onnx/messages.ts';
import { atHand } from '../../src/onnx/stored-bytes.ts';
import { ModelBuilder } from '../support/build.ts';

/** A model whose tensors begin at odd places: names of many lengths, short data and long ones, in a subgraph too. */
function unaligned(): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 40]);
  const sum = [39, 40, 41, 42, 43].reduce((value, rows, i) => {
    const weight = b.weight(`w${'_'.repeat(i)}`, [40, rows], { fanIn: 40 });
    const back = b.weight(`back${'_'.repeat(i)}`, [rows, 40], { fanIn: rows });
    const small = b.vector(`small${'_'.repeat(i)}`, 40);
    return b.node('Add', [b.node('MatMul', [b.node('MatMul', [value, weight]), back]), small]);
  }, x);
  const branch = (): ReturnType<ModelBuilder['subgraph']> => {
    const body = b.subgraph();
    body.output(body.node('MatMul', [sum, body.weight('inside_of_a_body', [40, 40])]), 'float32');
    return body;
  };
  const flag = b.input('flag', 'bool', []);
  b.output(b.node('If', [flag], { then_branch: { graph: branch() }, else_branch: { graph: branch() } }), 'float32');
  // In the order of fields that the codec itself writes.
  return encodeModel(decodeModel(b.bytes()));
}

/** Every tensor of a model, those of bodies too. */
function tensorsOf(model: ModelProto): TensorProto[] {
  const graphs = [model.graph ?? {}];
  for (const graph of graphs)
    for (const node of graph.node ?? []) for (const { g } of node.attribute ?? []) if (g) graphs.push(g);
  return graphs.flatMap((graph) => graph.initializer ?? []);
}

const rawOf = (model: ModelProto): Uint8Array[] =>
  tensorsOf(model).flatMap(({ rawData }) => (rawData ? [atHand(rawData)] : []));

/** The bytes at some offset from an aligned place, so that every kind of misplacement is met. */
function placed(bytes: Uint8Array, offset: number): Uint8Array {
  const whole = new Uint8Array(bytes.length + offset + 8);
  whole.set(bytes, offset);
  return whole.subarray(offset, offset + bytes.length);
}

describe.each([0, 1, 2, 3])('bytes that the decoder owns, %i past an aligned place', (offset) => {
  test('hold the same data, the long ones aligned', () => {
    const bytes = unaligned();
    const before = rawOf(decodeModel(bytes)).map((raw) => Buffer.from(raw));
    const after = rawOf(decodeModel(placed(bytes, offset), 'x', { ownsBytes: true }));
    expect(after).toHaveLength(before.length);
    after.forEach((raw, i) => {
      expect(before[i]?.equals(raw)).toBe(true);
      if (raw.length >= 4096) expect(raw.byteOffset % 4).toBe(0);
    });
    expect(after.filter((raw) => raw.length >= 4096).length).toBeGreaterThan(10);
  });

  test('stay in place: nothing is copied elsewhere, and nothing outside is touched', () => {
    const bytes = unaligned();
    const mine = placed(bytes, offset);
    const around = new Uint8Array(mine.buffer);
    const model = decodeModel(mine, 'x', { ownsBytes: true });
    for (const raw of rawOf(model)) expect(raw.buffer).toBe(mine.buffer);
    expect([...around.subarray(0, offset), ...around.subarray(offset + bytes.length)]).toEqual(
      Array(offset + 8 - offset + offset).fill(0),
    );
  });

  test('are written back byte for byte', () => {
    const bytes = unaligned();
    const model = decodeModel(placed(bytes, offset), 'x', { ownsBytes: true });
    expect(Buffer.compare(encodeModel(model), bytes)).toBe(0);
    expect(Buffer.compare(Buffer.concat(encodeModelParts(model).map(atHand)), bytes)).toBe(0);
  });

  test('of others are left as they are', () => {
    const bytes = unaligned();
    const theirs = placed(bytes, offset);
    const model = decodeModel(theirs);
    expect(Buffer.compare(theirs, bytes)).toBe(0);
    expect(Buffer.compare(encodeModel(model), bytes)).toBe(0);
  });
});
