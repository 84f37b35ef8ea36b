import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import type { ChannelMap } from '../../src/channels/group.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { int } from '../../src/ir/attributes.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import type { Value } from '../../src/ir/value.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { ModelBuilder } from '../support/build.ts';
import { integers } from './nets.ts';
import { BATCH, GATES, type Layer, recurrent, STEPS } from './recurrent-layers.ts';

/** A layer with declared shapes, so that no oracle is needed, and the map of what can leave. */
function declared(of: Layer, dims: readonly number[], axes: readonly number[]): { model: Model; map: ChannelMap } {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', [STEPS, BATCH, 8]);
  const [y = '', ...states] = recurrent(b, x, of);
  b.valueInfo(y, 'float32', dims);
  for (const each of states)
    b.valueInfo(each, 'float32', of.attributes?.['layout'] === 1 ? [BATCH, 1, 6] : [1, BATCH, 6]);
  const rows = b.node('Squeeze', [y, integers(b, axes)]);
  b.valueInfo(
    rows,
    'float32',
    dims.filter((_, dim) => !axes.includes(dim)),
  );
  b.output(b.node('MatMul', [rows, b.weight('last', [6, 4])]), 'float32', [STEPS, BATCH, 4]);
  const model = importModel(decodeModel(b.bytes()));
  return { model, map: buildChannelMap(model.graph, ruleOf) };
}

function named(model: Model, name: string): Value {
  for (const value of model.graph.values) if (value.name === name) return value;
  throw new Error(`no value ${name}`);
}

describe('a hidden unit', () => {
  const full: Layer = { opType: 'LSTM', bias: true, peepholes: true, states: 'constant' };

  test('owns its row in every gate, its column of R, both biases, its peepholes and its states', () => {
    const { model, map } = declared(full, [STEPS, 1, BATCH, 6], [1]);
    expect(map.groups.map(({ name, count }) => `${name} ${count}`)).toEqual(['lstm_w 6']);
    const gates = (count: number): number[] => Array.from({ length: count * 6 }, (_, i) => i % 6);
    const along = (name: string, dim: number): number[] => [
      ...(map.unitsAlong({ value: named(model, name), dim }) ?? []),
    ];
    expect(along('lstm_w', 1)).toEqual(gates(4));
    expect(along('lstm_r', 1)).toEqual(gates(4));
    expect(along('lstm_r', 2)).toEqual(gates(1));
    expect(along('lstm_b', 1)).toEqual(gates(8));
    expect(along('lstm_p', 1)).toEqual(gates(3));
    expect(along('lstm_h', 2)).toEqual(gates(1));
    expect(along('lstm_c', 2)).toEqual(gates(1));
    expect(along('last', 0)).toEqual(gates(1));
  });

  test('leaves with all of that, and hidden_size says how many are left', () => {
    const { model, map } = declared(full, [STEPS, 1, BATCH, 6], [1]);
    shrink(model.graph, new Cut(map, Uint8Array.of(1, 0, 0, 1, 0, 1)), ruleOf);
    const node = model.graph.sorted()[0];
    expect(node && int(node, 'hidden_size', 0)).toBe(3);
    const dims = ['w', 'r', 'b', 'p', 'h', 'c'].map((name) => named(model, `lstm_${name}`).tensor?.dims);
    expect(dims).toEqual([
      [1, 12, 8],
      [1, 12, 3],
      [1, 24],
      [1, 9],
      [1, BATCH, 3],
      [1, BATCH, 3],
    ]);
    expect(named(model, 'last').tensor?.dims).toEqual([3, 4]);
  });

  // onnxruntime has no kernel for it ("Batchwise recurrent operations (layout == 1) are not supported").
  test.each(Object.keys(GATES))('of %s lies the same way with layout 1, which onnxruntime cannot run', (opType) => {
    const of: Layer = { opType, states: 'constant', attributes: { layout: 1 } };
    const { model, map } = declared(of, [STEPS, BATCH, 1, 6], [2]);
    expect(map.groups.map(({ count }) => count)).toEqual([6]);
    expect([...(map.unitsAlong({ value: named(model, 'last'), dim: 0 }) ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(map.unitsAlong({ value: named(model, `${opType.toLowerCase()}_h`), dim: 2 }) ?? [])]).toHaveLength(6);
  });
});
