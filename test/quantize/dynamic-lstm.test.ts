import { afterAll, describe, expect, test } from 'vitest';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { type Layer, recurrent, STEPS } from '../ops/recurrent-layers.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import { optimizedOperators } from '../support/optimized.ts';
import { bothOutputs, dynamic, numbersOf, operatorsOf, rounded } from './rounded-model.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** x → an LSTM of all that the layer has → its outputs. */
function net(layer: Omit<Layer, 'opType'>, options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  const x = b.input('x', 'float32', [STEPS, 2, 8]);
  const [directions, hidden] = [layer.direction === 'bidirectional' ? 2 : 1, layer.hidden ?? 6];
  const [y = '', h = '', c = ''] = recurrent(b, x, { ...layer, opType: 'LSTM' });
  b.output(y, 'float32', [STEPS, directions, 2, hidden]);
  for (const state of [h, c]) b.output(state, 'float32', [directions, 2, hidden]);
  return b;
}

const LAYERS: Readonly<Record<string, Omit<Layer, 'opType'>>> = {
  plain: {},
  'with a bias': { bias: true },
  backwards: { direction: 'reverse', bias: true },
  'in both directions': { direction: 'bidirectional', bias: true, hidden: 5, inputs: 8 },
  'with lengths': { direction: 'bidirectional', lengths: true },
  'from states': { states: 'constant', bias: true },
  'with peepholes': { peepholes: true, bias: true },
  'with everything': { direction: 'bidirectional', bias: true, lengths: true, states: 'constant', peepholes: true },
  clipped: { attributes: { clip: { float: 0.75 } } },
  'with other functions': { attributes: { activations: { strings: ['HardSigmoid', 'Relu', 'Tanh'] } } },
  'with coupled gates': { attributes: { input_forget: 1 } },
  'with layout 0': { attributes: { layout: 0 } },
};

describe('LSTM of integers', () => {
  test.each(Object.entries(LAYERS))('%s: its outputs are near', async (_, layer) => {
    const b = net(layer);
    const { model, bytes, kept, weights } = rounded(b, dynamic);
    expect(kept).toEqual({});
    expect(operatorsOf(model)).toContain('DynamicQuantizeLSTM');
    expect(operatorsOf(model)).not.toContain('LSTM');
    expect(weights.map(({ matrix }) => matrix.weight.name)).toEqual(['lstm_w', 'lstm_r']);
    for (const { before, after } of await bothOutputs(b, bytes, child)) {
      const [was, is] = [numbersOf(before), numbersOf(after)];
      const errors = was.map((value, i) => Math.abs(value - (is[i] ?? Number.NaN)));
      expect(after.dims).toEqual(before.dims);
      expect(is).not.toEqual(was);
      // A hundredth of the largest number is 2.5 of the steps that data are rounded to.
      const largest = Math.max(...was.map(Math.abs));
      expect(Math.hypot(...errors) / Math.sqrt(errors.length)).toBeLessThan(0.01 * largest);
    }
  });

  test.each([7, 11, 14, 22])('at operator set %i', async (opset) => {
    const { bytes } = rounded(net({ bias: true }, { opset, irVersion: opset > 20 ? 10 : 8 }), dynamic);
    expect(await optimizedOperators(bytes)).toEqual(['DynamicQuantizeLSTM']);
  });

  test('and the rows of what it makes', () => {
    const { model } = rounded(net({ direction: 'bidirectional', hidden: 5, inputs: 8 }), dynamic);
    const [lstm] = model.graph.nodes;
    expect([1, 2, 8, 9, 10, 11].map((at) => lstm?.inputs[at]?.tensor?.dims)).toEqual([
      [2, 8, 20],
      [2, 5, 20],
      [2, 20],
      [2, 20],
      [2, 20],
      [2, 20],
    ]);
  });

  test('stays in float where no kernel takes it, and says why', () => {
    const batchFirst = net({ attributes: { layout: 1 } });
    expect(Object.values(rounded(batchFirst, dynamic).kept)).toEqual([
      'DynamicQuantizeLSTM takes no sequences with the batch first',
    ]);
    const half = new ModelBuilder({ dtype: 'float16' });
    const x = half.input('x', 'float16', [STEPS, 2, 8]);
    half.output(recurrent(half, x, { opType: 'LSTM' })[0] ?? '', 'float16');
    expect(Object.values(rounded(half, dynamic).kept)[0]).toMatch(/weights are float16/);
  });
});
