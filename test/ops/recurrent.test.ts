import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import { type Case, found, testCases } from './cases.ts';
import { integers } from './nets.ts';
import { BATCH, GATES, type Layer, recurrent, STEPS } from './recurrent-layers.ts';

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
