import { type Attributes, ModelBuilder } from '../support/build.ts';
import { type Case, type Cases, found, free, held, testCases } from './cases.ts';
import { imageNet, integers, tokenNet } from './nets.ts';

const EXACT = ['ReduceSum', 'ReduceL1', 'ReduceL2', 'ReduceSumSquare', 'ReduceLogSum'] as const;
const OTHER = ['ReduceMax', 'ReduceMin', 'ReduceProd', 'ReduceLogSumExp'] as const;

/** Whether axes are an input in this operator set. */
const takesInput = (opType: string, opset: number): boolean => opset >= (opType === 'ReduceSum' ? 13 : 18);

/** Conv "first" → Sigmoid → reduction over `axes` → y, so that what is reduced reaches the output. */
function reduced(opType: string, axes: readonly number[], attributes: Attributes = {}, opset = 17): ModelBuilder {
  const b = new ModelBuilder({ opset });
  const x = b.input('image', 'float32', ['N', 3, 6, 6]);
  const made = b.node('Sigmoid', [b.node('Conv', [x, b.weight('first', [8, 3, 3, 3]), b.vector('bias', 8)])]);
  const y = takesInput(opType, opset)
    ? b.node(opType, [made, integers(b, axes)], attributes)
    : b.node(opType, [made], { ...attributes, axes });
  b.output(y, 'float32');
  return b;
}

/** The same over pixels, between layers; with `keepdims` 0 the channels are features then. */
function pooled(opType: string, keepdims: number, opset: number, axes: readonly number[] = [2, 3]): Case {
  const b = new ModelBuilder({ opset });
  const x = b.input('image', 'float32', ['N', 3, 6, 6]);
  const made = b.node('Sigmoid', [b.node('Conv', [x, b.weight('first', [8, 3, 3, 3])])]);
  const y = takesInput(opType, opset)
    ? b.node(opType, [made, integers(b, axes)], { keepdims })
    : b.node(opType, [made], { axes, keepdims });
  if (keepdims === 0) b.output(b.node('Gemm', [y, b.weight('last', [4, 8])], { transB: 1 }), 'float32');
  else b.output(b.node('Conv', [y, b.weight('last', [4, 8, 1, 1])]), 'float32');
  return found(b, 'first 8');
}

const all = [...EXACT, ...OTHER, 'ReduceMean'];

testCases('a reduction over pixels passes channels', {
  ...Object.fromEntries(
    all.flatMap((opType): [string, Case][] => [
      [`${opType} with axes as an attribute`, pooled(opType, 1, 11)],
      [`${opType} with axes as an input, keepdims 0`, pooled(opType, 0, 18)],
    ]),
  ),
  'an axis in front of the features': free(tokenNet((b, x) => b.node('ReduceMean', [x], { axes: [1] }))),
  'negative axes': pooled('ReduceMean', 1, 17, [-1, -2]),
  'negative axes, keepdims 0': pooled('ReduceMean', 0, 17, [-1, -2]),
  'ReduceSum in opset 13': pooled('ReduceSum', 0, 13),
  'no axes, which reduces nothing if the node says so': free(
    imageNet((b, x) => b.node('ReduceSum', [x, integers(b, [])], { noop_with_empty_axes: 1 })),
  ),
});

const overChannels = (make: (opType: string) => Case, opTypes: readonly string[]): Cases =>
  Object.fromEntries(opTypes.map((opType) => [opType, make(opType)]));

/** A matrix of which both axes can leave, summed over each alone and then over both. */
function bothAxes(): ModelBuilder {
  const b = new ModelBuilder();
  const rows = b.node('MatMul', [b.weight('left', [8, 5]), b.input('x', 'float32', ['N', 5, 3])]);
  const matrix = b.node('MatMul', [rows, b.weight('right', [3, 6], { fanIn: 3 })]);
  const sums = [2, 1].map((axis) => b.node('ReduceSum', [matrix, integers(b, [axis])], { keepdims: 0 }));
  sums.forEach((sum, i) => {
    b.output(b.node('MatMul', [sum, b.weight(`last${i}`, [i === 0 ? 8 : 6, 2])]), 'float32');
  });
  b.output(b.node('ReduceL2', [matrix], { axes: [1, 2], keepdims: 0 }), 'float32');
  return b;
}

testCases('a sum over channels is exact', {
  'over two axes that can leave, which others sum over alone': found(bothAxes(), 'left 8', 'right 6'),
  ...overChannels((opType) => found(reduced(opType, [1]), 'first 8'), EXACT),
  'keepdims 0': found(reduced('ReduceSum', [1], { keepdims: 0 }), 'first 8'),
  'channels and pixels': found(reduced('ReduceL2', [1, 2, 3], { keepdims: 0 }), 'first 8'),
  'a negative axis': found(reduced('ReduceSum', [-3]), 'first 8'),
  'all axes, because none are given': found(
    (() => {
      const b = new ModelBuilder();
      const x = b.input('image', 'float32', ['N', 3, 6, 6]);
      b.output(b.node('ReduceSum', [b.node('Conv', [x, b.weight('first', [8, 3, 3, 3])])], { keepdims: 0 }), 'float32');
      return b;
    })(),
    'first 8',
  ),
});

testCases('a reduction over channels that is not a sum holds them', {
  ReduceMean: held(reduced('ReduceMean', [1]), /ReduceMean divides by its length/),
  ...overChannels(
    (opType) => held(reduced(opType, [1]), new RegExp(`${opType} over it would give another result`)),
    OTHER,
  ),
  ArgMax: held(
    imageNet((b, x) => b.node('Add', [x, b.node('Cast', [b.node('ArgMax', [x], { axis: 1 })], { to: 1 })])),
    /ArgMax over it would give another result/,
  ),
});

testCases('ArgMax over pixels passes channels', {
  'with keepdims': free(
    imageNet((b, x) => b.node('Add', [x, b.node('Cast', [b.node('ArgMax', [x], { axis: 3 })], { to: 1 })])),
  ),
  'ArgMin of a negative axis': free(
    imageNet((b, x) => b.node('Add', [x, b.node('Cast', [b.node('ArgMin', [x], { axis: -1 })], { to: 1 })])),
  ),
  'without keepdims': free(
    imageNet((b, x) => {
      const where = b.node('Cast', [b.node('ArgMax', [x], { axis: 2, keepdims: 0 })], { to: 1 });
      return b.node('Mul', [x, b.node('Unsqueeze', [where, integers(b, [2])])]);
    }),
  ),
});
