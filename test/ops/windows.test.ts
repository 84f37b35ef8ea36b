import type { ModelBuilder } from '../support/build.ts';
import { found, free, testCases } from './cases.ts';
import { chain, imageNet, integers, type Middle, op } from './nets.ts';

const reshape =
  (...shape: readonly number[]): Middle =>
  (b, x) =>
    b.node('Reshape', [x, integers(b, shape)]);

const transpose = (...perm: readonly number[]): Middle => op('Transpose', { perm });

/** torch's channel_shuffle with 2 groups, of an image of side 6. */
const shuffle = (channels: number): Middle =>
  chain(reshape(0, 2, channels / 2, 6, 6), transpose(0, 2, 1, 3, 4), reshape(0, channels, 6, 6));

let layers = 0;

/** 1×1, depthwise, 1×1 on `channels`, under names of their own. */
function branch(b: ModelBuilder, x: string, channels: number): string {
  layers += 1;
  const [one, two, three] = ['one', 'two', 'three'].map((name) => `${name}_${layers}`);
  const made = b.node('Relu', [b.node('Conv', [x, b.weight(one ?? '', [channels, channels, 1, 1])])]);
  const deep = b.node('Conv', [made, b.weight(two ?? '', [channels, 1, 3, 3])], {
    group: channels,
    pads: [1, 1, 1, 1],
  });
  return b.node('Relu', [b.node('Conv', [deep, b.weight(three ?? '', [channels, channels, 1, 1])])]);
}

/** A unit of ShuffleNetV2: one half passes, the other goes through a branch, and their channels are shuffled. */
const unit =
  (channels: number): Middle =>
  (b, x) => {
    const half = channels / 2;
    const [left = '', right = ''] = b.nodes('Split', [x, integers(b, [half, half])], 2, { axis: 1 });
    return shuffle(channels)(b, b.node('Concat', [left, branch(b, right, half)], { axis: 1 }));
  };

/** Swin: an image [N, H, W, C] as windows of side 3, [N · windows, 9, C], and back. */
const inWindows = (inside: Middle, open = true): Middle =>
  chain(
    transpose(0, 2, 3, 1),
    reshape(open ? -1 : 2, 2, 3, 2, 3, 8),
    transpose(0, 1, 3, 2, 4, 5),
    reshape(-1, 9, 8),
    inside,
    reshape(-1, 2, 2, 3, 3, 8),
    transpose(0, 1, 3, 2, 4, 5),
    reshape(-1, 6, 6, 8),
    transpose(0, 3, 1, 2),
  );

/** Attention of 4 heads of 2 in every window. */
const windowAttention: Middle = (b, x) => {
  const heads = (name: string): string =>
    transpose(0, 2, 1, 3)(b, reshape(0, 9, 4, 2)(b, b.node('MatMul', [x, b.weight(name, [8, 8], { fanIn: 8 })])));
  const [q, k, v] = [heads('q'), heads('k'), heads('v')];
  const scores = b.node('MatMul', [q, transpose(0, 1, 3, 2)(b, k)]);
  const mixed = b.node('MatMul', [b.node('Softmax', [scores], { axis: -1 }), v]);
  const merged = reshape(-1, 9, 8)(b, transpose(0, 2, 1, 3)(b, mixed));
  return b.node('MatMul', [merged, b.weight('out', [8, 8], { fanIn: 8 })]);
};

testCases('ShuffleNetV2', {
  // The half that passes leaves with the branch's channels that it is shuffled with; the half before the branch by itself.
  'one unit': found(imageNet(unit(8)), 'first 4', 'first 4', 'one_1 4'),
  // Channels 2i and 2i + 1 behind a shuffle are one unit, so that each half of the next unit has two.
  'two units, one behind the other': found(
    imageNet(chain(unit(8), unit(8))),
    'first 2',
    'first 2',
    'first 4',
    'one_2 4',
    'one_3 4',
  ),
});

testCases('windows of an image', {
  'move pixels only': free(imageNet(inWindows(op('Tanh')))),
  'of a fixed batch': free(imageNet(inWindows(op('Tanh'), false), { batch: 2 })),
  'that are rolled': free(
    imageNet(
      chain(
        (b, x) => {
          const part = (from: number, to: number): string =>
            b.node('Slice', [x, integers(b, [from]), integers(b, [to]), integers(b, [2])]);
          return b.node('Concat', [part(1, 6), part(0, 1)], { axis: 2 });
        },
        inWindows(op('Tanh')),
      ),
    ),
  ),
  'with attention in them lose whole heads': found(imageNet(inWindows(windowAttention)), 'first 8', 'q 4', 'out 8'),
  'with attention and a residual': found(
    imageNet(inWindows((b, x) => b.node('Add', [x, windowAttention(b, x)]))),
    'first 8',
    'q 4',
  ),
});

testCases('patches', {
  // Space to depth by Reshape and Transpose, as patch merging and YOLO's Focus do.
  'merged two by two': found(
    imageNet(chain(reshape(0, 8, 3, 2, 3, 2), transpose(0, 3, 5, 1, 2, 4), reshape(0, 32, 3, 3)), { read: 32 }),
    'first 8',
  ),
  'merged by Slices in steps and Concat': free(
    imageNet(
      (b, x) => {
        const step = (...starts: readonly number[]): string =>
          b.node('Slice', [x, integers(b, starts), integers(b, [6, 6]), integers(b, [2, 3]), integers(b, [2, 2])]);
        return b.node('Concat', [step(0, 0), step(1, 0), step(0, 1), step(1, 1)], { axis: 1 });
      },
      { read: 32 },
    ),
  ),
});
