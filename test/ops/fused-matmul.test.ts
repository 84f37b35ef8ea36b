import type { Attributes, ModelBuilder } from '../support/build.ts';
import { apart, attentionNet, DIMENSIONS, fused, MICROSOFT, project, together } from './attention-nets.ts';
import { found, free, testCases } from './cases.ts';
import { featureNet, type Middle, tokenNet } from './nets.ts';

const matMul = (attributes: Attributes, dims: readonly number[], opType = 'FusedMatMul'): Middle => {
  const fanIn = 8;
  return (b, x) => fused(b, opType, [x, b.weight('second', dims, { fanIn })], attributes);
};

const transposed =
  (middle: Middle, ...perm: readonly number[]): Middle =>
  (b, x) =>
    middle(b, b.node('Transpose', [x], { perm }));

/** tokens [N, 6, 8] through the operator to 7 features. */
const toSeven = (middle: Middle): ReturnType<typeof found> =>
  found(tokenNet(middle, { ...MICROSOFT, read: 7 }), 'first 8', 'second 7');

testCases('FusedMatMul sums over features', {
  plain: toSeven(matMul({ alpha: { float: 0.5 } }, [8, 7])),
  'of B transposed': toSeven(matMul({ transB: 1 }, [7, 8])),
  'of A transposed': toSeven(transposed(matMul({ transA: 1 }, [8, 7]), 0, 2, 1)),
  'of A with its batch behind its rows': toSeven((b, x) => {
    const rowsFirst = b.node('Transpose', [x], { perm: [1, 0, 2] });
    return fused(b, 'FusedMatMul', [rowsFirst, b.weight('second', [2, 8, 7], { fanIn: 8 })], { transBatchA: 1 });
  }),
  'of A with its batch behind its columns': toSeven((b, x) => {
    const columnsFirst = b.node('Transpose', [x], { perm: [2, 0, 1] });
    const attributes = { transBatchA: 1, transA: 1 };
    return fused(b, 'FusedMatMul', [columnsFirst, b.weight('second', [2, 8, 7], { fanIn: 8 })], attributes);
  }),
  'under its old name': toSeven(matMul({ transB: 1 }, [7, 8], 'TransposeMatMul')),
});

/** softmax(q · kᵀ) · v of four heads of three dimensions, by FusedMatMul throughout. */
const attend =
  (keys: (b: ModelBuilder, k: string) => string, attributes: Attributes) =>
  (b: ModelBuilder, x: string): string => {
    const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => apart(b, project(b, x, name, 12), 4, 3));
    const scores = fused(b, 'FusedMatMul', [q, keys(b, k)], { alpha: { float: 0.5 }, ...attributes });
    return together(b, fused(b, 'FusedMatMul', [b.node('Softmax', [scores], { axis: -1 }), v]), 12);
  };

testCases('FusedMatMul of heads', {
  'with keys transposed': found(
    attentionNet(
      12,
      attend((_, k) => k, { transB: 1 }),
    ),
    'q 4',
  ),
  'with keys transposed, dimensions': {
    ...found(
      attentionNet(
        12,
        attend((_, k) => k, { transB: 1 }),
      ),
      'q 3',
      'v 3',
    ),
    options: DIMENSIONS,
  },
  'with the batch of keys behind their dimensions': found(
    attentionNet(
      12,
      attend((b, k) => b.node('Transpose', [k], { perm: [3, 0, 1, 2] }), { transBatchB: 1 }),
    ),
    'q 4',
  ),
  'with the batch of keys behind their positions': found(
    attentionNet(
      12,
      attend((b, k) => b.node('Transpose', [k], { perm: [2, 0, 1, 3] }), { transBatchB: 1, transB: 1 }),
    ),
    'q 4',
  ),
});

const gemm = (attributes: Attributes, dims: readonly number[]): Middle => {
  return (b, x) =>
    fused(b, 'FusedGemm', [x, b.weight('second', dims, { fanIn: 8 }), b.vector('second_bias', 7)], attributes);
};

testCases('FusedGemm is a Gemm with an activation', {
  plain: found(featureNet(gemm({ activation: 'Relu' }, [8, 7]), { ...MICROSOFT, read: 7 }), 'first 8', 'second 7'),
  'of B transposed': found(
    featureNet(gemm({ activation: 'LeakyRelu', activation_alpha: { float: 0.1 }, transB: 1 }, [7, 8]), {
      ...MICROSOFT,
      read: 7,
    }),
    'first 8',
    'second 7',
  ),
});

testCases('activations of onnxruntime', {
  QuickGelu: free(tokenNet((b, x) => fused(b, 'QuickGelu', [x], { alpha: { float: 1.5 } }), MICROSOFT)),
});
