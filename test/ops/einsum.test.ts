import { ModelBuilder } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { chain, featureNet, integers, type Middle, op, tokenNet } from './nets.ts';

/** Einsum of what came before and a weight "second". */
const withWeight =
  (equation: string, ...dims: readonly number[]): Middle =>
  (b, x) =>
    b.node('Einsum', [x, b.weight('second', dims, { fanIn: 8 })], { equation });

/** Einsum of what came before and other values made of it. */
const withItself =
  (equation: string, ...others: readonly Middle[]): Middle =>
  (b, x) =>
    b.node('Einsum', [x, ...others.map((make) => make(b, x))], { equation });

const reshape =
  (...shape: readonly number[]): Middle =>
  (b, x) =>
    b.node('Reshape', [x, integers(b, shape)]);

/** tokens [N, 6, 5] → q, k and v [N, 6, 4, 2] by an Einsum each → attention by two more → "last" [4, 2, 3]. */
function attention(weights: (b: ModelBuilder, x: string, name: string) => string): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['N', 6, 5]);
  const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => weights(b, x, name));
  const scores = b.node('Einsum', [q, k], { equation: 'nqhd,nkhd->nhqk' });
  const mixed = b.node('Einsum', [b.node('Softmax', [scores], { axis: -1 }), v], { equation: 'nhqk,nkhd->nqhd' });
  const last = b.weight('last', [4, 2, 3], { fanIn: 8 });
  b.output(b.node('Einsum', [mixed, last], { equation: 'nqhd,hde->nqe' }), 'float32');
  return b;
}

/** [N, 4, T, 2] attention scores, heads in front, of one projection without a weight for the heads. */
function headsInFront(): Case {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['N', 6, 5]);
  const heads = (name: string): string =>
    b.node('Transpose', [reshape(0, 0, 4, 2)(b, b.node('MatMul', [x, b.weight(name, [5, 8], { fanIn: 5 })]))], {
      perm: [0, 2, 1, 3],
    });
  const [q, k, v] = [heads('q'), heads('k'), heads('v')];
  const scores = b.node('Einsum', [q, k], { equation: 'nhqd,nhkd->nhqk' });
  const mixed = b.node('Einsum', [b.node('Softmax', [scores], { axis: -1 }), v], { equation: 'nhqk,nhkd->nqhd' });
  b.output(b.node('MatMul', [reshape(0, 0, 8)(b, mixed), b.weight('last', [8, 3], { fanIn: 8 })]), 'float32');
  return found(b, 'q 4');
}

testCases('Einsum', {
  'as a matrix product': found(featureNet(withWeight('bf,fg->bg', 8, 6), { read: 6 }), 'first 8', 'second 6'),
  'as a matrix product, the weight first': found(
    featureNet((b, x) => b.node('Einsum', [b.weight('second', [6, 8]), x], { equation: 'gf,bf->bg' }), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'with spaces and capitals': found(
    featureNet(withWeight(' bF , Fg -> bg ', 8, 6), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'without an arrow, the result in alphabetical order': found(
    featureNet(withWeight('bf,fg', 8, 6), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'without an arrow, of which the order turns the result': found(
    featureNet(chain(withWeight('zf,fa', 8, 6), op('Transpose')), { read: 6 }),
    'first 8',
    'second 6',
  ),
  'of batches of matrices': free(
    tokenNet(
      withItself('bij,bjk->bik', (b, x) => b.node('Transpose', [x], { perm: [0, 2, 1] })),
      { read: 6 },
    ),
  ),
  'over positions keeps the features': free(tokenNet(withItself('bij,bkj,bkl->bil', op('Tanh'), op('Sigmoid')))),
  'of tokens with heads of weights': found(
    tokenNet(
      chain(withWeight('btd,dhe->bthe', 8, 4, 2), op('Tanh'), (b, x) =>
        b.node('Einsum', [x, b.weight('third', [4, 2, 5], { fanIn: 8 })], { equation: 'bthe,heo->bto' }),
      ),
      { read: 5 },
    ),
    'first 8',
    'second 4',
    'second 2',
    'third 5',
  ),
  'of one operand, that moves axes': free(
    tokenNet(chain(op('Einsum', { equation: 'btf->fbt' }), op('Einsum', { equation: 'fbt->btf' }))),
  ),
  'of one operand, that sums positions': free(tokenNet(op('Einsum', { equation: 'btf->bf' }))),
  'of one operand, that sums the features': found(
    tokenNet(chain(op('Einsum', { equation: 'btf->bt' })), { read: 6 }),
    'first 8',
  ),
  'that multiplies without a sum': free(featureNet(withItself('bf,bf->bf', op('Sigmoid')))),
  'of outer products': found(
    featureNet(
      chain(
        withItself('bf,bg->bfg', (b, x) => b.node('Gemm', [x, b.weight('second', [8, 3])])),
        reshape(0, 24),
      ),
      { read: 24 },
    ),
    'second 3',
  ),
  'with the very same value twice': free(featureNet((b, x) => b.node('Einsum', [x, x], { equation: 'bf,bf->bf' }))),
  'of three operands': found(
    featureNet(
      (b, x) =>
        b.node('Einsum', [x, b.weight('second', [8, 6]), b.weight('third', [6, 3])], { equation: 'bf,fg,gh->bh' }),
      { read: 3 },
    ),
    'first 8',
    'second 6',
    'third 3',
  ),
});

testCases('attention by Einsum', {
  'with weights that make heads, and a matrix of each': found(
    attention((b, x, name) =>
      b.node('Einsum', [x, b.weight(name, [5, 4, 2], { fanIn: 5 })], { equation: 'ntc,chd->nthd' }),
    ),
    'q 4',
    'q 2',
    'v 2',
  ),
  'with heads made by Reshape': found(
    attention((b, x, name) => reshape(0, 0, 4, 2)(b, b.node('MatMul', [x, b.weight(name, [5, 8], { fanIn: 5 })]))),
    'q 4',
  ),
  'with heads in front': headsInFront(),
});

testCases('Einsum that is not followed', {
  'because of an ellipsis': held(
    featureNet(withWeight('...f,fg->...g', 8, 6), { read: 6 }),
    /has an ellipsis or a diagonal/,
  ),
  'because of a diagonal': held(
    featureNet(chain(withItself('bi,bj->bij', op('Tanh')), op('Einsum', { equation: 'bii->bi' }))),
    /has an ellipsis or a diagonal/,
  ),
});
