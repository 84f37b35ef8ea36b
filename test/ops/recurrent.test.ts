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
import { type Attributes, ModelBuilder, type ModelOptions } from '../support/build.ts';
import { type Case, found, testCases } from './cases.ts';
import { integers } from './nets.ts';

/** How many gates lie end to end in the weights of each operator. */
const GATES: Readonly<Record<string, number>> = { RNN: 1, GRU: 3, LSTM: 4 };

/** What a recurrent layer has beyond X, W and R; sizes that it is made with. */
interface Layer {
  readonly opType: string;
  readonly inputs?: number;
  readonly hidden?: number;
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly bias?: boolean;
  readonly lengths?: boolean;
  /** States before the first step: given as numbers, or made out of the inputs. */
  readonly states?: 'constant' | 'computed';
  readonly peepholes?: boolean;
  readonly attributes?: Attributes;
  readonly name?: string;
}

const STEPS = 6;
const BATCH = 2;

/** The layer's outputs Y, Y_h and, of LSTM, Y_c. */
function recurrent(b: ModelBuilder, x: string, layer: Layer): string[] {
  const { opType, inputs = 8, hidden = 6, direction = 'forward', name = opType.toLowerCase() } = layer;
  const gates = GATES[opType] ?? 0;
  const directions = direction === 'bidirectional' ? 2 : 1;
  const weights = [
    b.weight(`${name}_w`, [directions, gates * hidden, inputs], { fanIn: inputs }),
    b.weight(`${name}_r`, [directions, gates * hidden, hidden], { fanIn: hidden }),
    layer.bias ? b.weight(`${name}_b`, [directions, 2 * gates * hidden], { std: 0.5 }) : '',
    layer.lengths ? b.constant(`${name}_lengths`, 'int32', [BATCH], [STEPS, STEPS - 2]) : '',
    layer.states ? state(b, `${name}_h`, directions, hidden, layer) : '',
    layer.states && opType === 'LSTM' ? state(b, `${name}_c`, directions, hidden, layer) : '',
    layer.peepholes ? b.weight(`${name}_p`, [directions, 3 * hidden], { std: 0.5 }) : '',
  ];
  while (weights.at(-1) === '') weights.pop();
  const attributes = { hidden_size: hidden, direction, ...layer.attributes };
  return b.nodes(opType, [x, ...weights], opType === 'LSTM' ? 3 : 2, attributes);
}

/** [directions, batch, hidden], batch first where the layer has it so. */
function state(b: ModelBuilder, name: string, directions: number, hidden: number, layer: Layer): string {
  const batchFirst = layer.attributes?.['layout'] === 1;
  const dims = batchFirst ? [BATCH, directions, hidden] : [directions, BATCH, hidden];
  if (layer.states === 'constant') return b.weight(name, dims, { std: 0.5 });
  const seed = b.input(`${name}_seed`, 'float32', dims.with(2, 3));
  return b.node('MatMul', [seed, b.weight(`${name}_make`, [3, hidden], { fanIn: 3 })]);
}

/** A part of a net that knows how many features come out of it. */
type Reader = (b: ModelBuilder, outputs: readonly string[]) => string;

const transpose = (b: ModelBuilder, x: string, ...perm: readonly number[]): string =>
  b.node('Transpose', [x], { perm });

const reshape = (b: ModelBuilder, x: string, ...shape: readonly number[]): string =>
  b.node('Reshape', [x, integers(b, shape)]);

/** Y [steps, 1, batch, hidden] without its directions. */
const allSteps: Reader = (b, [y = '']) => b.node('Squeeze', [y, integers(b, [1])]);

/** Y [steps, 2, batch, hidden] → [steps, batch, 2 · hidden]. */
const bothSides: Reader = (b, [y = '']) => reshape(b, transpose(b, y, 0, 2, 1, 3), 0, 0, -1);

/** Y_h [1, batch, hidden] → [batch, hidden]. */
const lastState: Reader = (b, [, h = '']) => b.node('Squeeze', [h, integers(b, [0])]);

/** Y, Y_h and Y_c together. */
const everything: Reader = (b, [y = '', h = '', c = '']) => {
  const states = c === '' ? h : b.node('Mul', [h, c]);
  return b.node('Add', [allSteps(b, [y]), states]);
};

/** tokens [steps, batch, 5] → MatMul "first" → the layers → MatMul "last". */
function netOf(read: number, layers: (b: ModelBuilder, x: string) => string, options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  const x = b.input('tokens', 'float32', [STEPS, BATCH, 5]);
  const made = b.node('MatMul', [x, b.weight('first', [5, 8], { fanIn: 5 })]);
  b.output(b.node('MatMul', [layers(b, made), b.weight('last', [read, 4], { fanIn: read })]), 'float32');
  return b;
}

/** One layer whose input size and hidden size can both leave. */
function layer(of: Layer, reader: Reader = allSteps, options: ModelOptions = {}): Case {
  const name = of.opType.toLowerCase();
  const sides = of.direction === 'bidirectional' ? 2 : 1;
  const net = netOf(6 * sides, (b, x) => reader(b, recurrent(b, x, of)), options);
  // States that weights of their own make come earlier than the layer, which then gives the group its name.
  return of.states === 'computed' ? found(net, 'first 8', `${name}_h_make 6`) : found(net, 'first 8', `${name}_w 6`);
}

for (const opType of Object.keys(GATES)) {
  testCases(opType, {
    'without a bias': layer({ opType }),
    'with a bias': layer({ opType, bias: true }),
    backwards: layer({ opType, bias: true, direction: 'reverse' }),
    'in both directions, which share their units': layer({ opType, bias: true, direction: 'bidirectional' }, bothSides),
    'with constant states': layer({ opType, bias: true, states: 'constant' }),
    'with states that are computed': layer({ opType, bias: true, states: 'computed' }),
    'with states in both directions': layer({ opType, states: 'constant', direction: 'bidirectional' }, bothSides),
    'with sequences of several lengths': layer({ opType, bias: true, lengths: true }),
    'with clipped gates': layer({ opType, bias: true, attributes: { clip: { float: 0.5 } } }),
    'of which only the last state is read': layer({ opType, bias: true }, lastState),
    'of which every output is read': layer({ opType, bias: true }, everything),
    'of which every output is read, of sequences of several lengths': layer(
      { opType, bias: true, lengths: true, states: 'constant' },
      everything,
    ),
    'in opset 7': layer({ opType, bias: true }, (b, [y = '']) => b.node('Squeeze', [y], { axes: [1] }), { opset: 7 }),
    'in opset 22': layer({ opType, bias: true }, allSteps, { opset: 22, irVersion: 10 }),
  });
}

testCases('RNN and its activations', {
  'Relu, whose units stay at zero': layer({ opType: 'RNN', bias: true, attributes: { activations: ['Relu'] } }),
  'Sigmoid, which makes of zero a half': layer({
    opType: 'RNN',
    bias: true,
    attributes: { activations: ['Sigmoid'] },
  }),
  'one for each direction': layer(
    { opType: 'RNN', bias: true, direction: 'bidirectional', attributes: { activations: ['Sigmoid', 'Relu'] } },
    bothSides,
  ),
});

testCases('GRU and its variants', {
  'reset before the product': layer({ opType: 'GRU', bias: true, attributes: { linear_before_reset: 0 } }),
  'reset behind the product': layer({ opType: 'GRU', bias: true, attributes: { linear_before_reset: 1 } }),
  'activations of its own': layer({
    opType: 'GRU',
    bias: true,
    attributes: { activations: ['HardSigmoid', 'Sigmoid'], linear_before_reset: 1 },
  }),
});

testCases('LSTM and its variants', {
  peepholes: layer({ opType: 'LSTM', bias: true, peepholes: true }),
  'peepholes, states and lengths': layer({
    opType: 'LSTM',
    bias: true,
    peepholes: true,
    states: 'constant',
    lengths: true,
  }),
  'peepholes in both directions': layer(
    { opType: 'LSTM', peepholes: true, states: 'constant', direction: 'bidirectional' },
    bothSides,
  ),
  'one gate for input and forgetting': layer({ opType: 'LSTM', bias: true, attributes: { input_forget: 1 } }),
  'activations of its own': layer({
    opType: 'LSTM',
    bias: true,
    attributes: { activations: ['HardSigmoid', 'Softsign', 'Sigmoid'] },
  }),
  'only the cells are read': layer({ opType: 'LSTM', bias: true }, (b, [, , c = '']) =>
    b.node('Squeeze', [c, integers(b, [0])]),
  ),
});

/** Layers of 6 units each, one on top of the other. */
function stacked(joint: Reader, direction: 'forward' | 'bidirectional'): Case {
  const sides = direction === 'bidirectional' ? 2 : 1;
  const net = netOf(6 * sides, (b, x) => {
    const one = joint(b, recurrent(b, x, { opType: 'LSTM', bias: true, direction, name: 'one' }));
    const two = recurrent(b, one, { opType: 'LSTM', inputs: 6 * sides, bias: true, direction, name: 'two' });
    return joint(b, two);
  });
  return found(net, 'first 8', 'one_w 6', 'two_w 6');
}

testCases('layers on top of one another', {
  'through Squeeze': stacked(allSteps, 'forward'),
  'through Transpose and Reshape': stacked(bothSides, 'forward'),
  'in both directions, side by side': stacked(bothSides, 'bidirectional'),
  'with a residual, which ties their units': found(
    netOf(6, (b, x) => {
      const one = allSteps(b, recurrent(b, x, { opType: 'GRU', name: 'one' }));
      return b.node('Add', [one, allSteps(b, recurrent(b, one, { opType: 'GRU', inputs: 6, name: 'two' }))]);
    }),
    'first 8',
    'one_w 6',
  ),
  'the states of one start the other': found(
    netOf(6, (b, x) => {
      const [, h = '', c = ''] = recurrent(b, x, { opType: 'LSTM', name: 'one' });
      const [w, r] = [b.weight('two_w', [1, 24, 8], { fanIn: 8 }), b.weight('two_r', [1, 24, 6], { fanIn: 6 })];
      return allSteps(b, b.nodes('LSTM', [x, w, r, '', '', h, c], 3, { hidden_size: 6 }));
    }),
    'first 8',
    'one_w 6',
  ),
});

testCases('around recurrent layers', {
  'units without a reader but themselves stay a group': found(
    netOf(6, (b, x) => {
      const pooled = b.node('ReduceMax', [allSteps(b, recurrent(b, x, { opType: 'LSTM', bias: true }))], {
        axes: [0],
        keepdims: 0,
      });
      return b.node('Relu', [pooled]);
    }),
    'first 8',
    'lstm_w 6',
  ),
  'a Gemm over the last state of both directions': found(
    (() => {
      const b = new ModelBuilder();
      const x = b.input('tokens', 'float32', [STEPS, 'N', 5]);
      const [, h = ''] = recurrent(b, x, { opType: 'GRU', inputs: 5, direction: 'bidirectional', bias: true });
      const rows = reshape(b, transpose(b, h, 1, 0, 2), -1, 12);
      b.output(b.node('Gemm', [rows, b.weight('last', [4, 12]), b.vector('c', 4)], { transB: 1 }), 'float32');
      return b;
    })(),
    'gru_w 6',
  ),
  'steps stay, since each starts from the one before it': {
    net: (() => {
      const b = new ModelBuilder();
      const x = b.input('tokens', 'float32', ['N', 5, 7]);
      const steps = b.node('MatMul', [x, b.weight('steps', [7, 6], { fanIn: 7 })]);
      const [y = ''] = recurrent(b, transpose(b, steps, 2, 0, 1), { opType: 'GRU', inputs: 5 });
      const rows = reshape(b, transpose(b, allSteps(b, [y]), 1, 2, 0), 0, -1);
      b.output(b.node('MatMul', [rows, b.weight('last', [36, 4], { fanIn: 36 })]), 'float32');
      return b;
    })(),
    groups: ['gru_w 6'],
    refusals: { steps: /GRU goes through it step by step/ },
  },
  // Channels that take the place of the batch are followed one by one, as are their lengths and states.
  'rows of the batch may leave': found(
    (() => {
      const b = new ModelBuilder();
      const x = b.input('tokens', 'float32', [STEPS, 5, 3]);
      const turned = transpose(b, b.node('MatMul', [b.weight('rows', [4, 5]), x]), 0, 1, 2);
      const inputs = [
        turned,
        b.weight('w', [1, 6, 3], { fanIn: 3 }),
        b.weight('r', [1, 6, 6], { fanIn: 6 }),
        '',
        b.constant('lengths', 'int32', [4], [6, 5, 4, 3]),
        b.weight('h', [1, 4, 6]),
      ];
      const [y = ''] = b.nodes('RNN', inputs, 2, { hidden_size: 6 });
      const rows = reshape(b, transpose(b, allSteps(b, [y]), 0, 2, 1), 0, 6, 4);
      b.output(b.node('MatMul', [rows, b.weight('last', [4, 3], { fanIn: 4 })]), 'float32');
      return b;
    })(),
    'rows 4',
  ),
  'hidden units that are graph outputs stay': {
    net: (() => {
      const b = new ModelBuilder();
      const x = b.input('tokens', 'float32', [STEPS, 'N', 5]);
      const [y = ''] = recurrent(b, x, { opType: 'GRU', inputs: 5, bias: true });
      b.output(y, 'float32');
      return b;
    })(),
    groups: [],
    refusals: { gru_w: /it is the graph output/ },
  },
});

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
