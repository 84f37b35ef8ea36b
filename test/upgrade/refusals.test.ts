import { describe, expect, test } from 'vitest';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { upgradeOpset } from '../../src/upgrade/upgrade.ts';
import { type Attributes, type Dims, ModelBuilder } from '../support/build.ts';

const IMAGE: Dims = ['N', 4, 6, 6];

/** A model of one node "culprit" between x and y. */
function one(
  opset: number,
  opType: string,
  attributes: Attributes = {},
  more: (b: ModelBuilder) => readonly string[] = () => [],
  read = 0,
): ModelBuilder {
  const b = new ModelBuilder({ opset });
  const inputs = [b.input('x', 'float32', IMAGE), ...more(b)];
  const outputs = b.nodes(opType, inputs, read + 1, attributes, { name: 'culprit' });
  b.output(outputs[read] ?? '', 'float32');
  return b;
}

const scales = (values: readonly number[]) => (b: ModelBuilder) => [b.constant('scales', 'float32', [4], values)];
const statistics = (b: ModelBuilder): string[] => ['scale', 'bias', 'mean', 'var'].map((name) => b.vector(name, 4));
const weight = (b: ModelBuilder): string[] => [b.weight('w', [4, 2, 3, 3])];

const REFUSED: Readonly<Record<string, readonly [model: () => ModelBuilder, target: number, why: RegExp]>> = {
  'an operator that nobody knows': [() => one(9, 'Frobnicate'), 13, /operator is not known here/],
  'an experimental operator': [() => one(7, 'Affine'), 13, /operator is not known here/],
  'an operator that came later': [() => one(9, 'CumSum'), 13, /came with operator set 11 only/],
  'changes up to operator set 7': [
    () => one(6, 'Add', { broadcast: 1 }, statistics),
    13,
    /what operator set 7 changed of it is not known/,
  ],
  'statistics for each position': [
    () => one(8, 'BatchNormalization', { spatial: 0 }, statistics),
    13,
    /"spatial" is 0/,
  ],
  'statistics that are read': [() => one(9, 'BatchNormalization', {}, statistics, 1), 14, /it is in training/],
  'statistics, even where nobody reads them': [
    () => {
      const b = new ModelBuilder({ opset: 9 });
      const inputs = [b.input('x', 'float32', IMAGE), ...statistics(b)];
      b.output(b.nodes('BatchNormalization', inputs, 5, {}, { name: 'culprit' })[0] ?? '', 'float32');
      return b;
    },
    14,
    /it is in training/,
  ],
  'the mask of Dropout, whose type changed': [() => one(9, 'Dropout', {}, undefined, 1), 13, /mask, which is read/],
  'the mask of Dropout, whose numbers changed': [() => one(10, 'Dropout', {}, undefined, 1), 13, /mask, which is read/],
  'sequences of a Scan of batches': [() => one(8, 'Scan'), 13, /batches and lengths of sequences/],
  'Resize to larger and smaller': [
    () => one(10, 'Resize', {}, scales([1, 1, 2, 0.5])),
    13,
    /scales are not known or do both/,
  ],
  'Resize by scales that are made': [
    () => one(10, 'Resize', {}, (b) => [b.node('Exp', scales([1, 1, 2, 2])(b))]),
    13,
    /scales are not known or do both/,
  ],
  'half pixels for nearest neighbours, rounded': [
    () => {
      const none = (b: ModelBuilder): string => b.constant('none', 'float32', [0], []);
      const attributes = { coordinate_transformation_mode: 'tf_half_pixel_for_nn' };
      return one(11, 'Resize', attributes, (b) => [none(b), ...scales([1, 1, 2, 2])(b)]);
    },
    13,
    /"tf_half_pixel_for_nn" are no longer known/,
  ],
  'an uneven output shape of ConvTranspose': [
    () => one(10, 'ConvTranspose', { strides: [2, 2], output_shape: [12, 12] }, weight),
    13,
    /goes to the other end/,
  ],
  'an output shape of a ConvTranspose of unknown lengths': [
    () => {
      const b = new ModelBuilder({ opset: 10 });
      const x = b.input('x', 'float32', ['N', 4, 'height', 'width']);
      const attributes = { strides: [2, 2], output_shape: [12, 12] };
      b.output(b.node('ConvTranspose', [x, b.weight('w', [4, 2, 4, 4])], attributes, { name: 'culprit' }), 'float32');
      return b;
    },
    13,
    /goes to the other end/,
  ],
  'windows that reach beyond counted padding': [
    () => one(11, 'AveragePool', { kernel_shape: [2, 2], ceil_mode: 1, count_include_pad: 1 }),
    19,
    /count otherwise there/,
  ],
  'scales of groups': [
    () => one(18, 'GroupNormalization', { num_groups: 2 }, (b) => [b.vector('scale', 2), b.vector('bias', 2)]),
    21,
    /not for each group/,
  ],
  'a bound of unknown type': [
    () => {
      const b = new ModelBuilder({ opset: 10 });
      const half = b.node('Cast', [b.input('x', 'float32', IMAGE)], { to: 10 });
      b.output(
        b.node('Cast', [b.node('Clip', [half], { min: { float: 0 } }, { name: 'culprit' })], { to: 1 }),
        'float32',
      );
      return b;
    },
    13,
    /"min" becomes an input of the type of its numbers, which is not known/,
  ],
  'indices that may be negative': [
    () => {
      const b = new ModelBuilder({ opset: 9 });
      const [depth, values] = [b.constant('depth', 'int64', [], [4]), b.constant('values', 'float32', [2], [0, 1])];
      b.output(b.node('OneHot', [b.input('x', 'int64', ['N']), depth, values], {}, { name: 'culprit' }), 'float32');
      return b;
    },
    13,
    /negative indices mean something else there/,
  ],
};

describe('upgrading refuses', () => {
  test.each(Object.entries(REFUSED))('%s', (_, [build, target, why]) => {
    const model = importModel(decodeModel(build().bytes()));
    const from = model.graph.scope.opsets.get('');
    const types = [...model.graph.nodes].map(({ opType }) => opType);
    let caught: unknown;
    try {
      upgradeOpset(model, target);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({
      code: 'unsupported',
      subject: 'culprit',
      message: expect.stringMatching(
        new RegExp(
          `^Node "culprit" \\(\\w+\\) cannot be brought from operator set ${from} to ${target}, since [^.]+; export the model again with operator set ${target} or newer\\.$`,
        ),
      ),
    });
    expect(caught).toMatchObject({ message: expect.stringMatching(why) });
    // The model that was given stays as it was.
    expect([...model.graph.nodes].map(({ opType }) => opType)).toEqual(types);
    for (const node of model.graph.nodes) expect(node.opset).toBe(from);
  });

  test.each([12, 22, Number.NaN])('operator set %d as a target', (target) => {
    const model = importModel(decodeModel(one(9, 'Relu').bytes()));
    expect(() => upgradeOpset(model, target)).toThrow(/only 13 to 21 are known as targets/);
  });

  test('calls of functions that could not be put in place', () => {
    const model = importModel(decodeModel(one(10, 'Own').bytes()));
    const functions = [{ name: 'Own', domain: 'ai.onnx' }];
    expect(() => upgradeOpset({ ...model, proto: { ...model.proto, functions } }, 13)).toThrow(/calls a function/);
  });
});
