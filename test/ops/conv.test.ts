import { type Attributes, ModelBuilder } from '../support/build.ts';
import { found, free, testCases } from './cases.ts';
import { imageNet, type Middle } from './nets.ts';

/** A Conv "second" between "first" (8 channels) and "last". */
function conv(dims: readonly number[], attributes: Attributes = {}, bias = true): Middle {
  return (b, x) => {
    const outputs = dims[0] ?? 0;
    return b.node(
      'Conv',
      [x, b.weight('second', dims), ...(bias ? [b.vector('second_bias', outputs)] : [])],
      attributes,
    );
  };
}

/** A ConvTranspose "second"; its weight is [inputs, outputs / group, …]. */
function transposed(dims: readonly number[], attributes: Attributes = {}): Middle {
  return (b, x) => {
    const group = typeof attributes['group'] === 'number' ? attributes['group'] : 1;
    return b.node(
      'ConvTranspose',
      [x, b.weight('second', dims), b.vector('second_bias', (dims[1] ?? 0) * group)],
      attributes,
    );
  };
}

/** Two convolutions over `rank` spatial axes. */
function spatial(rank: number): ModelBuilder {
  const b = new ModelBuilder();
  const side = Array<number>(rank).fill(4);
  const kernel = Array<number>(rank).fill(3);
  const x = b.input('x', 'float32', ['N', 2, ...side]);
  const made = b.node('Conv', [x, b.weight('first', [8, 2, ...kernel]), b.vector('first_bias', 8)]);
  b.output(b.node('Conv', [b.node('Tanh', [made]), b.weight('last', [3, 8, ...kernel.map(() => 1)])]), 'float32');
  return b;
}

testCases('Conv', {
  'over 1 spatial axis': free(spatial(1)),
  'over 2 spatial axes': free(spatial(2)),
  'over 3 spatial axes': free(spatial(3)),
  'with strides and dilations': found(
    imageNet(conv([6, 8, 2, 2], { strides: [2, 2], dilations: [2, 2] }), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with auto_pad SAME_UPPER': found(
    imageNet(conv([6, 8, 3, 3], { auto_pad: 'SAME_UPPER' }), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with auto_pad VALID and no bias': found(
    imageNet(conv([6, 8, 3, 3], { auto_pad: 'VALID' }, false), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with uneven padding': found(
    imageNet(conv([6, 8, 3, 3], { pads: [0, 1, 2, 1] }), { read: 6 }),
    'first 8',
    'second 6',
  ),
});

testCases('depthwise Conv', {
  'with multiplier 1': free(imageNet(conv([8, 1, 3, 3], { group: 8 }))),
  'with multiplier 2: a channel owns two': free(imageNet(conv([16, 1, 3, 3], { group: 8 }), { read: 16 })),
  'with multiplier 3, without bias': free(imageNet(conv([24, 1, 3, 3], { group: 8 }, false), { read: 24 })),
  'twice in a row': free(
    imageNet(
      (b, x) => {
        const one = b.node('Conv', [x, b.weight('second', [16, 1, 3, 3])], { group: 8 });
        return b.node('Conv', [one, b.weight('third', [16, 1, 3, 3])], { group: 16 });
      },
      { read: 16 },
    ),
  ),
});

testCases('grouped Conv', {
  // Groups of four in 2: the same offset leaves both groups; a unit is an offset.
  'with wide groups loses offsets': found(imageNet(conv([8, 4, 3, 3], { group: 2 })), 'first 4', 'second 4'),
  'with wide groups of different widths': found(
    imageNet(conv([12, 4, 3, 3], { group: 2 }), { read: 12 }),
    'first 4',
    'second 6',
  ),
  // Four groups of two: whole groups leave, those of "first" and of "second" at once.
  'with narrow groups loses whole groups': found(imageNet(conv([8, 2, 3, 3], { group: 4 })), 'first 4'),
  'with narrow groups that make more': found(
    imageNet(conv([12, 2, 3, 3], { group: 4 }, false), { read: 12 }),
    'first 4',
  ),
  'with narrow groups that make one channel each': found(
    imageNet(conv([4, 2, 3, 3], { group: 4 }), { read: 4 }),
    'first 4',
  ),
  'over the image itself, whose channels stay': found(
    (() => {
      const b = new ModelBuilder();
      const x = b.input('x', 'float32', ['N', 4, 6, 6]);
      const made = b.node('Conv', [x, b.weight('first', [16, 2, 3, 3]), b.vector('first_bias', 16)], { group: 2 });
      b.output(b.node('Conv', [b.node('Relu', [made]), b.weight('last', [3, 16, 1, 1])]), 'float32');
      return b;
    })(),
    'first 8',
  ),
});

testCases('ConvTranspose', {
  plain: found(imageNet(transposed([8, 6, 3, 3]), { read: 6 }), 'first 8', 'second 6'),
  'with strides and output_padding': found(
    imageNet(transposed([8, 6, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1], output_padding: [1, 1] }), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with output_shape': found(
    imageNet(transposed([8, 6, 3, 3], { strides: [2, 2], output_shape: [12, 12] }), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'depthwise, multiplier 1': free(imageNet(transposed([8, 1, 3, 3], { group: 8 }))),
  'depthwise, multiplier 2': free(imageNet(transposed([8, 2, 3, 3], { group: 8 }), { read: 16 })),
  'grouped, wide': found(imageNet(transposed([8, 4, 3, 3], { group: 2 })), 'first 4', 'second 4'),
  'grouped, narrow': found(imageNet(transposed([8, 2, 3, 3], { group: 4 })), 'first 4'),
  'grouped, of different widths': found(
    imageNet(transposed([8, 3, 3, 3], { group: 2 }), { read: 6 }),
    'first 4',
    'second 3',
  ),
});
