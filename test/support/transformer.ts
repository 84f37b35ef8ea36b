import { ModelBuilder } from './build.ts';

/** Sizes of the language model below. */
export const HEADS: number = 4;
export const DEPTH: number = 4;
export const WIDTH: number = HEADS * DEPTH;
export const INNER: number = 24;
const WORDS = 11;
const LENGTH = 6;

/** How the language model is made. */
export interface TransformerOptions {
  readonly blocks?: number;
  /** `fused`: LayerNormalization; `apart`: what exporters before opset 17 write; `rms`: RMSNorm in single steps. */
  readonly norm?: 'fused' | 'apart' | 'rms';
  readonly batch?: number | string;
}

/**
 * A small language model: ids [N, 6] → words and places → blocks of causal attention with 4 heads of 4 dimensions and of
 * a feed-forward part of 24 units → scores [N, 6, 11]. The weights of block 0 are `0.q`, `0.k`, `0.v`, `0.out`, `0.up`,
 * `0.down`.
 */
export function languageModel({ blocks = 2, norm = 'fused', batch = 'N' }: TransformerOptions = {}): ModelBuilder {
  const b = new ModelBuilder();
  const ids = b.input('ids', 'int64', [batch, LENGTH]);
  const words = b.node('Gather', [b.weight('words', [WORDS, WIDTH], { std: 1 }), ids], {}, { name: 'embed' });
  let x = b.node('Add', [words, b.weight('places', [LENGTH, WIDTH], { std: 0.3 })]);
  for (let i = 0; i < blocks; i++) x = block(b, x, `${i}`, norm);
  const scores = dense(b, normOf(b, x, 'final', norm), 'scores', WIDTH, WORDS);
  b.output(b.node('Identity', [scores], {}, { outputs: ['logits'] }), 'float32', [batch, LENGTH, WORDS]);
  return b;
}

function block(b: ModelBuilder, x: string, name: string, norm: TransformerOptions['norm']): string {
  const attended = attention(b, normOf(b, x, `${name}.before`, norm), name);
  const middle = b.node('Add', [x, dense(b, attended, `${name}.out`, WIDTH, WIDTH)]);
  const wide = b.node('Relu', [dense(b, normOf(b, middle, `${name}.between`, norm), `${name}.up`, WIDTH, INNER)]);
  return b.node('Add', [middle, dense(b, wide, `${name}.down`, INNER, WIDTH)]);
}

function dense(b: ModelBuilder, x: string, name: string, from: number, to: number): string {
  const product = b.node('MatMul', [x, b.weight(name, [from, to], { fanIn: from })], {}, { name: `${name}/MatMul` });
  return b.node('Add', [product, b.vector(`${name}.bias`, to)]);
}

function list(b: ModelBuilder, name: string, values: readonly number[]): string {
  return b.constant(name, 'int64', [values.length], values);
}

function attention(b: ModelBuilder, x: string, name: string): string {
  const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((part) => {
    const rows = dense(b, x, `${name}.${part}`, WIDTH, WIDTH);
    const apart = b.node('Reshape', [rows, list(b, `${name}.${part}.heads`, [0, 0, HEADS, DEPTH])]);
    return b.node('Transpose', [apart], { perm: [0, 2, 1, 3] });
  });
  const scores = b.node('MatMul', [q, b.node('Transpose', [k], { perm: [0, 1, 3, 2] })]);
  const scaled = b.node('Mul', [scores, b.constant(`${name}.root`, 'float32', [], [1 / Math.sqrt(DEPTH)])]);
  const past = Array.from({ length: LENGTH * LENGTH }, (_, i) => (i % LENGTH <= Math.floor(i / LENGTH) ? 0 : -1e4));
  const causal = b.node('Add', [scaled, b.constant(`${name}.past`, 'float32', [LENGTH, LENGTH], past)]);
  const mixed = b.node('MatMul', [b.node('Softmax', [causal], { axis: -1 }), v]);
  const back = b.node('Transpose', [mixed], { perm: [0, 2, 1, 3] });
  return b.node('Reshape', [back, list(b, `${name}.merged`, [0, 0, WIDTH])]);
}

function normOf(b: ModelBuilder, x: string, name: string, norm: TransformerOptions['norm']): string {
  const [scale, shift] = [
    b.vector(`${name}.scale`, WIDTH, { mean: 1 }),
    norm === 'rms' ? '' : b.vector(`${name}.shift`, WIDTH),
  ];
  if (norm === 'fused') return b.node('LayerNormalization', [x, scale, shift], {}, { name: `${name}/Norm` });
  const centred =
    norm === 'rms' ? x : b.node('Sub', [x, b.node('ReduceMean', [x], { axes: [-1] }, { name: `${name}/Mean` })]);
  const squares = b.node('Pow', [centred, b.constant(`${name}.two`, 'float32', [], [2])]);
  const variance = b.node('ReduceMean', [squares], { axes: [-1] }, { name: `${name}/Variance` });
  const safe = b.node('Add', [variance, b.constant(`${name}.epsilon`, 'float32', [], [1e-5])]);
  const normed = b.node('Mul', [b.node('Div', [centred, b.node('Sqrt', [safe])]), scale]);
  return norm === 'rms' ? normed : b.node('Add', [normed, shift]);
}
