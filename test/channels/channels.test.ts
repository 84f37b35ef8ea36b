import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import type { ChannelMap } from '../../src/channels/group.ts';
import { maskModel } from '../../src/channels/masked-model.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import type { Node } from '../../src/ir/node.ts';
import type { Value } from '../../src/ir/value.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import type { OpRule } from '../../src/ops/rule.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { ModelBuilder } from '../support/build.ts';

function imported(b: ModelBuilder): Model {
  return importModel(decodeModel(b.bytes()));
}

function mapOf(model: Model): ChannelMap {
  return buildChannelMap(model.graph, ruleOf);
}

function named(model: Model, name: string): Value {
  for (const value of model.graph.values) if (value.name === name) return value;
  throw new Error(`no value ${name}`);
}

/** A linear layer whose shape is declared, so that no oracle is needed. */
function linear(b: ModelBuilder, x: string, name: string, inputs: number, outputs: number): string {
  const bias = b.vector(`${name}_bias`, outputs);
  return b.valueInfo(b.node('Gemm', [x, b.weight(name, [outputs, inputs]), bias], { transB: 1 }), 'float32', [
    'N',
    outputs,
  ]);
}

const act = (b: ModelBuilder, x: string, width: number): string =>
  b.valueInfo(b.node('Tanh', [x]), 'float32', ['N', width]);

/** rows [N, 4] → a (6) → Tanh → b (5) → Tanh → c (3). */
function chainNet(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('rows', 'float32', ['N', 4]);
  const first = act(b, linear(b, x, 'a', 4, 6), 6);
  const second = act(b, linear(b, first, 'b', 6, 5), 5);
  b.output(linear(b, second, 'c', 5, 3), 'float32', ['N', 3]);
  return b;
}

describe('groups', () => {
  test('are named after the weight that makes their channels, and numbered without gaps', () => {
    const { groups, unitCount } = mapOf(imported(chainNet()));
    expect(groups.map(({ name, first, count }) => ({ name, first, count }))).toEqual([
      { name: 'a', first: 0, count: 6 },
      { name: 'b', first: 6, count: 5 },
    ]);
    expect(unitCount).toBe(11);
  });

  test('of one weight are told apart by the first index that each has along it', () => {
    const b = new ModelBuilder();
    const made = linear(b, b.input('rows', 'float32', ['N', 4]), 'a', 4, 6);
    const parts = b.nodes('Split', [made, b.constant('lengths', 'int64', [2], [2, 4])], 2, { axis: 1 });
    const [left = '', right = ''] = parts.map((part, i) => b.valueInfo(part, 'float32', ['N', 2 + 2 * i]));
    b.output(linear(b, left, 'left', 2, 3), 'float32', ['N', 3]);
    b.output(linear(b, act(b, right, 4), 'right', 4, 2), 'float32', ['N', 2]);
    expect(mapOf(imported(b)).groups.map(({ name, count }) => `${name} ${count}`)).toEqual(['a[0…] 2', 'a[2…] 4']);
  });

  test('list every initializer axis that is cut, with its part', () => {
    const [group] = mapOf(imported(chainNet())).groups;
    expect(group?.members.map(({ axis, role }) => `${axis.value.name}[${axis.dim}] ${role}`).sort()).toEqual([
      'a[0] out',
      'a_bias[0] through',
      'b[1] in',
    ]);
  });

  test('have units in the order of the channels that make them', () => {
    const model = imported(chainNet());
    const map = mapOf(model);
    expect([...(map.unitsAlong({ value: named(model, 'a'), dim: 0 }) ?? [])]).toEqual([0, 1, 2, 3, 4, 5]);
    expect([...(map.unitsAlong({ value: named(model, 'c'), dim: 1 }) ?? [])]).toEqual([6, 7, 8, 9, 10]);
    expect([...(map.unitsAlong({ value: named(model, 'c'), dim: 0 }) ?? [])]).toEqual([-1, -1, -1]);
  });

  test('of a weight that is used twice count both uses', () => {
    const b = new ModelBuilder();
    const x = b.input('rows', 'float32', ['N', 6]);
    const first = linear(b, x, 'a', 6, 6);
    const twice = b.valueInfo(b.node('Gemm', [act(b, first, 6), 'a', 'a_bias'], { transB: 1 }), 'float32', ['N', 6]);
    b.output(linear(b, twice, 'c', 6, 3), 'float32', ['N', 3]);
    const { groups, refusals } = mapOf(imported(b));
    // "a" reads the graph input too, so its rows and columns are one set that the input holds.
    expect(groups).toEqual([]);
    expect(refusals.find(({ axis }) => axis.value.name === 'a')?.reason).toBe('it is the graph input "rows"');
  });

  test('of tied weights cut the weight once, on both axes', () => {
    const b = new ModelBuilder();
    const first = act(b, linear(b, b.input('rows', 'float32', ['N', 4]), 'a', 4, 6), 6);
    const tied = b.weight('tied', [6, 6]);
    const once = b.valueInfo(b.node('MatMul', [first, tied]), 'float32', ['N', 6]);
    const twice = b.valueInfo(b.node('MatMul', [act(b, once, 6), tied]), 'float32', ['N', 6]);
    b.output(linear(b, twice, 'c', 6, 3), 'float32', ['N', 3]);
    const model = imported(b);
    const map = mapOf(model);
    expect(map.groups.map(({ name, count }) => `${name} ${count}`)).toEqual(['a 6']);
    shrink(model.graph, new Cut(map, Uint8Array.of(1, 0, 0, 1, 0, 0)), ruleOf);
    expect(named(model, 'tied').tensor?.dims).toEqual([4, 4]);
  });
});

describe('a cut', () => {
  test('knows what stays along a place, and where nothing leaves', () => {
    const model = imported(chainNet());
    const map = mapOf(model);
    const removed = new Uint8Array(map.unitCount);
    for (const unit of [1, 4]) removed[unit] = 1;
    const cut = new Cut(map, removed);
    expect(cut.kept({ value: named(model, 'a'), dim: 0 })).toEqual([0, 2, 3, 5]);
    expect(cut.kept({ value: named(model, 'b'), dim: 1 })).toEqual([0, 2, 3, 5]);
    expect(cut.kept({ value: named(model, 'b'), dim: 0 })).toBeUndefined();
    expect(cut.kept({ value: named(model, 'c'), dim: 0 })).toBeUndefined();
    expect(map.groups.map((group) => cut.countKept(group))).toEqual([4, 5]);
    expect(cut.countRemoved).toBe(2);
  });
});

describe('shrinking', () => {
  test('keeps names, docs and metadata, and cuts the very rows and columns', () => {
    const b = chainNet();
    const proto = decodeModel(b.bytes());
    const weight = proto.graph?.initializer?.find(({ name }) => name === 'a');
    Object.assign(weight ?? {}, { docString: 'the first', metadataProps: [{ key: 'k', value: 'v' }] });
    Object.assign(proto.graph?.node?.[0] ?? {}, { docString: 'a layer' });
    const model = importModel(proto);
    const [before, after] = [named(model, 'a').tensor?.floats() ?? [], named(model, 'b').tensor?.floats() ?? []];
    const map = mapOf(model);
    const removed = new Uint8Array(map.unitCount);
    for (const unit of [0, 2, 3, 5]) removed[unit] = 1;
    shrink(model.graph, new Cut(map, removed), ruleOf);

    const graph = exportModel(model).graph;
    const written = graph?.initializer?.find(({ name }) => name === 'a');
    expect(written).toMatchObject({ docString: 'the first', metadataProps: [{ key: 'k', value: 'v' }], dims: [2, 4] });
    expect(graph?.node?.map(({ name, docString }) => [name, docString])).toEqual(
      proto.graph?.node?.map(({ name, docString }) => [name, docString]),
    );
    expect([...(named(model, 'a').tensor?.floats() ?? [])]).toEqual([...before.slice(4, 8), ...before.slice(16, 20)]);
    expect([...(named(model, 'b').tensor?.floats() ?? [])]).toEqual(
      [0, 1, 2, 3, 4].flatMap((row) => [after[row * 6 + 1], after[row * 6 + 4]]),
    );
    const declared = graph?.valueInfo?.map((info) =>
      info.type?.tensorType?.shape?.dim?.map((dim) => dim.dimParam ?? Number(dim.dimValue)),
    );
    expect(declared).toEqual([
      ['N', 2],
      ['N', 2],
      ['N', 5],
      ['N', 5],
    ]);
  });
});

describe('the masked model', () => {
  test('masks once for all who sum over the same axis', () => {
    const b = new ModelBuilder();
    const first = act(b, linear(b, b.input('rows', 'float32', ['N', 4]), 'a', 4, 6), 6);
    b.output(linear(b, first, 'left', 6, 3), 'float32', ['N', 3]);
    b.output(linear(b, first, 'right', 6, 2), 'float32', ['N', 2]);
    const model = imported(b);
    const masked = maskModel(model, new Cut(mapOf(model), Uint8Array.of(1, 0, 0, 0, 0, 1)));
    const choices = masked.graph.sorted().filter((node) => node.opType === 'Where');
    expect(choices).toHaveLength(1);
    expect(choices[0]?.inputs[0]?.tensor?.integers()).toEqual([0, 1, 1, 1, 1, 0]);
    // The original has no mask.
    expect(model.graph.sorted().some((node) => node.opType === 'Where')).toBe(false);
  });

  test('is the model itself where nothing leaves', () => {
    const model = imported(chainNet());
    const masked = maskModel(model, new Cut(mapOf(model), new Uint8Array(11)));
    expect([...masked.graph.nodes]).toHaveLength(model.graph.nodes.size);
  });
});

describe('open decisions', () => {
  /** rows → a (12) → Reshape [3, 4] → MatMul "inner" over the 4, or a Softmax that holds one factor → Reshape → c. */
  const factors = (middle: (b: ModelBuilder, x: string) => string, width = 12): Model => {
    const b = new ModelBuilder();
    const made = linear(b, b.input('rows', 'float32', ['N', 4]), 'a', 4, 12);
    const apart = b.valueInfo(b.node('Reshape', [made, b.constant('apart', 'int64', [3], [0, 3, 4])]), 'float32', [
      'N',
      3,
      4,
    ]);
    const folded = b.node('Reshape', [middle(b, apart), b.constant('folded', 'int64', [2], [0, width])]);
    b.output(linear(b, b.valueInfo(folded, 'float32', ['N', width]), 'c', width, 2), 'float32', ['N', 2]);
    return imported(b);
  };
  const softmax = (axis: number) => (b: ModelBuilder, x: string) =>
    b.valueInfo(b.node('Softmax', [x], { axis }), 'float32', ['N', 3, 4]);

  test.each([
    ['the inner factor lives where the outer is held', 1, 4, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]],
    ['the outer factor lives where the inner is held', 2, 3, [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]],
  ])('%s', (_, axis, count, units) => {
    const model = factors(softmax(axis));
    const map = mapOf(model);
    expect(map.groups.map((group) => group.count)).toEqual([count]);
    expect([...(map.unitsAlong({ value: named(model, 'a'), dim: 0 }) ?? [])]).toEqual(units);
    expect([...(map.unitsAlong({ value: named(model, 'c'), dim: 1 }) ?? [])]).toEqual(units);
  });

  test('the factor that reaches more weights lives', () => {
    const inner = (b: ModelBuilder, x: string): string =>
      b.valueInfo(b.node('MatMul', [x, b.weight('inner', [4, 5], { fanIn: 4 })]), 'float32', ['N', 3, 5]);
    const { groups } = mapOf(factors(inner, 15));
    expect(groups.map(({ name, count }) => `${name} ${count}`)).toEqual(['a 4', 'inner 5']);
  });
});

describe('the reader of rules', () => {
  /** The known rules, but Tanh's replaced. */
  const withTanh =
    (couple: OpRule['couple']) =>
    (node: Node): OpRule =>
      node.opType === 'Tanh' ? { domain: '', opTypes: ['Tanh'], couple } : ruleOf(node);

  test('pins an axis that a rule forgets', () => {
    const { groups, refusals } = buildChannelMap(
      imported(chainNet()).graph,
      withTanh(() => ({ links: [], contractions: [], pins: [] })),
    );
    expect(groups).toEqual([]);
    expect(refusals.map(({ axis, reason }) => `${axis.value.name}: ${reason}`)).toEqual([
      'a: Tanh uses it in a way that is not followed',
      'b: Tanh uses it in a way that is not followed',
      'c: it is the graph output "Gemm_2_out_0"',
    ]);
  });

  test('asks each node once and joins each position once, however deep the net', () => {
    const deep = (layers: number): { asked: number; places: number } => {
      const b = new ModelBuilder();
      let x = linear(b, b.input('rows', 'float32', ['N', 4]), 'w', 4, 6);
      for (let i = 0; i < layers; i++) x = linear(b, act(b, x, 6), `w${i}`, 6, 6);
      b.output(x, 'float32', ['N', 6]);
      let asked = 0;
      const map = buildChannelMap(imported(b).graph, (node) => {
        asked++;
        return ruleOf(node);
      });
      return { asked, places: map.groups.reduce((sum, group) => sum + group.places.length, 0) };
    };
    const [small, big] = [deep(10), deep(100)];
    expect(small.asked).toBe(21);
    expect(big.asked).toBe(201);
    expect(big.places).toBe(10 * small.places);
  });
});
