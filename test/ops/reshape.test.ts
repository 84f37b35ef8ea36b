import { ModelBuilder } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { chain, featureNet, imageNet, integers, type Middle, op, tokenNet } from './nets.ts';

const reshape =
  (...shape: readonly number[]): Middle =>
  (b, x) =>
    b.node('Reshape', [x, integers(b, shape)]);

const transpose = (...perm: readonly number[]): Middle => op('Transpose', { perm });

/** image → Conv "first" → middle → Gemm "last" that reads `read` features. */
function headNet(middle: Middle, read: number, opset = 17, batch: number | string = 'N'): ModelBuilder {
  const b = new ModelBuilder({ opset });
  const x = b.input('image', 'float32', [batch, 3, 4, 4]);
  const made = b.node('Conv', [x, b.weight('first', [8, 3, 3, 3]), b.vector('bias', 8)]);
  b.output(b.node('Gemm', [middle(b, b.node('Relu', [made])), b.weight('last', [4, read])], { transB: 1 }), 'float32');
  return b;
}

testCases('Flatten', {
  'gives each channel its pixels': free(headNet(op('Flatten'), 32)),
  'by another axis': found(headNet(chain(op('Flatten', { axis: 2 }), reshape(-1, 32)), 32)),
  'by a negative axis': free(headNet(op('Flatten', { axis: -3 }), 32)),
  'by axis 0, with a batch of 1': free(headNet(op('Flatten', { axis: 0 }), 32, 17, 1)),
  'by axis 3 of a fixed batch': found(headNet(chain(op('Flatten', { axis: 3 }), reshape(2, 32)), 32, 17, 2), 'first 8'),
  'of features': free(featureNet(op('Flatten'))),
});

testCases('Reshape to rows', {
  '[N, -1]': free(headNet(reshape(0, -1), 32)),
  '[-1, C·H·W]': free(headNet(reshape(-1, 32), 32)),
  '[1, -1] of one sample': free(headNet(reshape(1, -1), 32, 17, 1)),
  '[2, C·H·W] of a fixed batch': free(headNet(reshape(2, 32), 32, 17, 2)),
  '[2, -1] of a fixed batch': free(headNet(reshape(2, -1), 32, 17, 2)),
  '[N, C, -1] and pixels summed': free(
    headNet(
      chain(reshape(0, 8, -1), (b, x) => b.node('ReduceSum', [x, integers(b, [2])], { keepdims: 0 })),
      8,
    ),
  ),
  '[0, 0, -1] and pixels averaged': free(
    headNet(
      chain(reshape(0, 0, -1), (b, x) => b.node('ReduceMean', [x], { axes: [2], keepdims: 0 })),
      8,
    ),
  ),
  'and back to an image': free(headNet(chain(reshape(0, -1), reshape(-1, 8, 2, 2), op('Tanh'), reshape(0, -1)), 32)),
  'and back with a wildcard for the channels': free(
    headNet(chain(reshape(0, -1), reshape(0, -1, 2, 2), reshape(-1, 32)), 32),
  ),
});

testCases('Reshape of channels into factors', {
  // 8 channels as 2 × 4: "last" sums over the 4, whichever of the 2.
  'of which the inner is read': found(
    featureNet(
      chain(
        reshape(0, 2, 4),
        (b, x) => b.node('MatMul', [x, b.weight('second', [4, 5], { fanIn: 4 })]),
        reshape(0, 10),
      ),
      { read: 10 },
    ),
    'first 4',
    'second 5',
  ),
  // Nothing keeps the heads apart, so of equals the inner factor lives: the same offset of every head.
  'to heads and back': found(tokenNet(chain(reshape(0, 0, 4, 2), op('Tanh'), reshape(0, 0, 8))), 'first 2'),
  'of which one is 1': free(tokenNet(chain(reshape(0, 0, 1, 8), op('Tanh'), reshape(0, 0, -1)))),
  'moved by a Transpose and folded again': found(
    featureNet(chain(reshape(0, 2, 4), transpose(0, 2, 1), reshape(0, 8))),
    'first 4',
  ),
});

/** A matrix of which both axes could leave, flattened: a position would have to leave with two of them. */
function flattenedMatrix(): ModelBuilder {
  const b = new ModelBuilder();
  const rows = b.node('MatMul', [b.weight('left', [4, 5]), b.input('x', 'float32', ['N', 5, 3])]);
  const matrix = b.node('MatMul', [rows, b.weight('right', [3, 6], { fanIn: 3 })]);
  b.output(b.node('Gemm', [b.node('Flatten', [matrix]), b.weight('last', [2, 24])], { transB: 1 }), 'float32');
  return b;
}

testCases('of axes that are folded together one lives', {
  'the inner of equals, and the other says why': {
    ...found(flattenedMatrix(), 'right 6'),
    refusals: { left: /Flatten folds it together with another axis that is pruned/ },
  },
});

testCases('wildcards of Reshape', {
  // [N, 6, 2, 4] → [N, 3, 2, 8]: the 0 copies the third length, but the third axis is the inner factor of the 6.
  'a 0 that copies the length of another axis': found(
    featureNet(chain(reshape(0, 6, 2, 4), reshape(0, 3, 0, 8), op('Softmax', { axis: 1 }), reshape(0, 48)), {
      channels: 48,
      read: 48,
    }),
    'first 4',
  ),
});

/** torch.channel_shuffle: [g, C / g] and its transpose. */
const shuffle = (groups: number, channels: number): Middle =>
  chain(reshape(0, groups, channels / groups, 6, 6), transpose(0, 2, 1, 3, 4), reshape(0, -1, 6, 6));

/** GroupNorm as exporters write it: each group is one channel of an InstanceNormalization. */
const groupNorm = (groups: number): Middle =>
  chain(
    reshape(0, groups, -1),
    (b, x) =>
      b.node('InstanceNormalization', [x, b.vector('ones', groups, { positive: true }), b.vector('zeros', groups)]),
    reshape(0, 8, 6, 6),
    (b, x) => b.node('Add', [b.node('Mul', [x, b.weight('gain', [8, 1, 1])]), b.weight('shift', [8, 1, 1])]),
  );

testCases('structures made of Reshape', {
  // The same offset of every group leaves at once.
  'channel shuffle': found(imageNet(shuffle(2, 8)), 'first 4'),
  'channel shuffle of 4 groups': found(imageNet(shuffle(4, 8)), 'first 2'),
  'GroupNorm loses whole groups': found(imageNet(groupNorm(4)), 'first 4'),
  'PixelShuffle by Reshape and Transpose': found(
    imageNet(chain(reshape(0, 2, 2, 2, 6, 6), transpose(0, 1, 4, 2, 5, 3), reshape(0, 2, 12, 12)), { read: 2 }),
    'first 2',
  ),
  'images to tokens and back': free(
    imageNet(chain(reshape(0, 8, 36), transpose(0, 2, 1), op('Tanh'), transpose(0, 2, 1), reshape(0, 8, 6, 6))),
  ),
  'packed q, k and v: a unit is a head of all three': found(packedAttention(), 'qkv 4'),
});

/** Attention of 4 heads of 2 whose q, k and v come from one weight: [N, T, 24] → [N, T, 3, 4, 2] → [3, N, 4, T, 2]. */
function packedAttention(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['N', 6, 5]);
  const qkv = b.node('Add', [b.node('MatMul', [x, b.weight('qkv', [5, 24], { fanIn: 5 })]), b.vector('bias', 24)]);
  const packed = transpose(2, 0, 3, 1, 4)(b, reshape(0, 0, 3, 4, 2)(b, qkv));
  const [q = '', k = '', v = ''] = [0, 1, 2].map((i) => b.node('Gather', [packed, integers(b, [i], [])]));
  const scores = b.node('MatMul', [q, transpose(0, 1, 3, 2)(b, k)]);
  const mixed = b.node('MatMul', [b.node('Softmax', [scores], { axis: -1 }), v]);
  const merged = reshape(0, 0, 8)(b, transpose(0, 2, 1, 3)(b, mixed));
  b.output(b.node('MatMul', [merged, b.weight('last', [8, 3], { fanIn: 8 })]), 'float32');
  return b;
}

testCases('Reshape with an open batch', {
  'keeps what lies behind it': found(featureNet(chain(reshape(-1, 2), op('Tanh'), reshape(-1, 8))), 'first 2'),
  'of two samples to one row': found(featureNet(reshape(-1, 16), { read: 16 }), 'first 8'),
  'of tokens to rows': free(tokenNet(chain(reshape(-1, 8), op('Tanh'), reshape(-1, 6, 8)))),
  'of tokens to rows of heads': found(tokenNet(chain(reshape(-1, 4, 2), op('Tanh'), reshape(-1, 6, 8))), 'first 2'),
});

testCases('factors that live already', {
  'are chosen again, whatever lies between': free(
    headNet(chain(reshape(0, -1), op('Relu'), reshape(-1, 8, 2, 2), op('Tanh'), reshape(-1, 32)), 32),
  ),
});

testCases('Reshape that cannot be followed', {
  'because the pieces do not nest': held(
    featureNet(chain(reshape(0, 2, 3), transpose(0, 2, 1), reshape(0, 2, 3), reshape(0, 6)), { channels: 6, read: 6 }),
    /cuts it into pieces that do not nest|folds it together/,
  ),
  'because the batch is folded in': held(
    featureNet(reshape(-1, 4), { read: 4, channels: 6 }),
    /regroups it with an axis of unknown length/,
  ),
  'because the shape comes at run time': {
    ...held(
      featureNet((b, x) => b.node('Reshape', [x, b.input('shape', 'int64', [2])])),
      /the shape that Reshape gives is computed at run time/,
    ),
    options: {
      feeds: [1, 2].map((seed) => ({
        rows: { type: 'float32', dims: [2, 5], data: Float32Array.from({ length: 10 }, (_, i) => Math.sin(seed * i)) },
        shape: { type: 'int64', dims: [2], data: BigInt64Array.of(2n, 8n) },
      })),
    },
  },
});

testCases('Transpose', {
  'of an image': free(imageNet(chain(transpose(0, 2, 3, 1), op('Tanh'), transpose(0, 3, 1, 2)))),
  'of all axes by default': free(tokenNet(chain(op('Transpose'), op('Transpose')))),
});

const squeezed = (opset: number, down: Middle, up: Middle): Case => {
  const b = new ModelBuilder({ opset });
  const x = b.input('image', 'float32', [2, 3, 6, 6]);
  const made = b.node('GlobalMaxPool', [b.node('Conv', [x, b.weight('first', [8, 3, 3, 3])])]);
  const y = up(b, b.node('Tanh', [down(b, made)]));
  b.output(b.node('Conv', [y, b.weight('last', [4, 8, 1, 1])]), 'float32');
  return found(b, 'first 8');
};

const withAxes =
  (opType: string, ...axes: readonly number[]): Middle =>
  (b, x) =>
    b.node(opType, [x, integers(b, axes)]);

testCases('Squeeze and Unsqueeze', {
  'by attribute in opset 11': squeezed(11, op('Squeeze', { axes: [2, 3] }), op('Unsqueeze', { axes: [2, 3] })),
  'by input in opset 13': squeezed(13, withAxes('Squeeze', 2, 3), withAxes('Unsqueeze', 2, 3)),
  'by negative axes': squeezed(17, withAxes('Squeeze', -1, -2), withAxes('Unsqueeze', -2, -1)),
  'by axes out of order': squeezed(17, withAxes('Squeeze', 3, 2), withAxes('Unsqueeze', 3, 2)),
  'of whatever has length 1': squeezed(17, op('Squeeze'), withAxes('Unsqueeze', 2, 3)),
  'of whatever has length 1, when one channel is left': {
    ...squeezed(17, op('Squeeze'), withAxes('Unsqueeze', 2, 3)),
    options: { amount: 1 },
  },
  'of whatever has length 1, when one channel is left, in opset 11': {
    ...squeezed(11, op('Squeeze'), op('Unsqueeze', { axes: [2, 3] })),
    options: { amount: 1 },
  },
  "by ExpandDims of the runtime's own domain": found(
    imageNet(
      (b, x) => {
        const apart = b.node('ExpandDims', [x, b.constant('axis', 'int32', [], [-4])], {}, { domain: 'com.microsoft' });
        return b.node('Squeeze', [b.node('Tanh', [apart]), integers(b, [1])]);
      },
      { domains: { 'com.microsoft': 1 } },
    ),
    'first 8',
  ),
  'before the channels': free(featureNet(chain(withAxes('Unsqueeze', 0, 2), op('Tanh'), withAxes('Squeeze', 0, 2)))),
});

testCases('blocks of channels and pixels', {
  'DepthToSpace, depth first': found(
    imageNet(op('DepthToSpace', { blocksize: 2 }), { channels: 12, read: 3 }),
    'first 3',
  ),
  'DepthToSpace, column first': found(
    imageNet(op('DepthToSpace', { blocksize: 2, mode: 'CRD' }), { channels: 12, read: 3 }),
    'first 3',
  ),
  SpaceToDepth: found(imageNet(op('SpaceToDepth', { blocksize: 2 }), { read: 32 }), 'first 8'),
});

/** image of open height and width → Conv "first" → middle → Conv "last". */
function openNet(middle: Middle): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('image', 'float32', ['N', 3, 'H', 'W']);
  const made = b.node('Conv', [x, b.weight('first', [8, 3, 3, 3]), b.vector('bias', 8)], { pads: [1, 1, 1, 1] });
  const read = b.node('Conv', [middle(b, b.node('Relu', [made])), b.weight('last', [4, 8, 1, 1])]);
  b.output(read, 'float32');
  return b;
}

const OPEN = { options: { symbols: { H: 6, W: 5 } } };

/** GroupNorm as torch exports it: [N, C, H, W] → [N, G, -1] → InstanceNormalization → the shape from before. */
const openGroupNorm =
  (groups: number): Middle =>
  (b, x) => {
    const [scale, bias] = [1, 0].map((value) => {
      return b.constant(`gn_${value}`, 'float32', [groups], new Array<number>(groups).fill(value));
    });
    const rows = b.node('Reshape', [x, integers(b, [0, groups, -1])]);
    const normal = b.node('InstanceNormalization', [rows, scale ?? '', bias ?? '']);
    return b.node('Reshape', [normal, b.node('Shape', [x])]);
  };

testCases('Reshape of images of open size', {
  'to rows of pixels and back': {
    ...found(
      openNet((b, x) => {
        const rows = b.node('Reshape', [x, integers(b, [0, 8, -1])]);
        return b.node('Reshape', [b.node('Relu', [rows]), b.node('Shape', [x])]);
      }),
      'first 8',
    ),
    ...OPEN,
  },
  'to groups of channels': { ...found(openNet(openGroupNorm(4)), 'first 4'), ...OPEN },
  'to one group for each channel': { ...found(openNet(openGroupNorm(8)), 'first 8'), ...OPEN },
});

/** Pixels of images of any size, laid out in a row for each channel. */
function pixelRows(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.node('Conv', [b.input('image', 'float32', ['N', 3, 'H', 'W']), b.weight('first', [8, 3, 1, 1])]);
  const rows = b.node('Transpose', [b.node('Reshape', [x, integers(b, [0, 8, -1])])], { perm: [0, 2, 1] });
  b.output(b.node('MatMul', [rows, b.weight('last', [8, 4], { fanIn: 8 })]), 'float32');
  return b;
}

testCases('Reshape behind axes that stay', {
  'folds pixels of which no length is known': {
    ...found(pixelRows(), 'first 8'),
    options: { symbols: { H: 3, W: 5 } },
  },
});
