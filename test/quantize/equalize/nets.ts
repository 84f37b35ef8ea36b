import { ModelBuilder, type ModelOptions } from '../../support/build.ts';

/** Adds nodes behind a value and gives the value they end in. */
type Middle = (b: ModelBuilder, x: string) => string;

function net(dims: readonly (number | string)[], middle: Middle, options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder({ seed: 5, ...options });
  b.output(b.node('Tanh', [middle(b, b.input('x', b.elementType, dims))]), b.elementType);
  return b;
}

/** image [N, 3, 8, 8] → … → Tanh → y */
export const image = (middle: Middle, options?: ModelOptions): ModelBuilder => net(['N', 3, 8, 8], middle, options);

/** rows [N, 6] → … → Tanh → y */
export const rows = (middle: Middle, options?: ModelOptions): ModelBuilder => net(['N', 6], middle, options);

/** tokens [N, 5, 6] → … → Tanh → y */
export const tokens = (middle: Middle, options?: ModelOptions): ModelBuilder => net(['N', 5, 6], middle, options);

/** A Gemm with a bias, [N, from] → [N, to]. */
export function gemm(b: ModelBuilder, x: string, name: string, from: number, to: number): string {
  return b.node('Gemm', [x, b.weight(name, [to, from]), b.vector(`${name}.bias`, to)], { transB: 1 });
}

/** A MatMul with an Add behind it, over the last axis. */
export function matMul(b: ModelBuilder, x: string, name: string, from: number, to: number): string {
  const product = b.node('MatMul', [x, b.weight(name, [from, to], { fanIn: from })]);
  return b.node('Add', [product, b.vector(`${name}.bias`, to)]);
}

/** A 3 × 3 Conv with a bias that keeps the size. */
export function conv(b: ModelBuilder, x: string, name: string, from: number, to: number, group = 1): string {
  const weight = b.weight(name, [to, from / group, 3, 3]);
  return b.node('Conv', [x, weight, b.vector(`${name}.bias`, to)], { pads: [1, 1, 1, 1], group });
}

/** One operator that reads a value and nothing else. */
export const op = (b: ModelBuilder, opType: string, x: string, attributes = {}): string =>
  b.node(opType, [x], attributes);

/** A gain and an offset for each of so many channels. */
export function affine(b: ModelBuilder, name: string, channels: number): [string, string] {
  return [
    b.weight(`${name}.gain`, [channels], { std: 0.5, positive: true }),
    b.vector(`${name}.offset`, channels, { std: 0.3 }),
  ];
}

/** Layer normalization over the last axis, in the operators that exporters take it apart into. */
export function decomposedNorm(b: ModelBuilder, x: string, name: string, channels: number): string {
  const centred = b.node('Sub', [x, b.node('ReduceMean', [x], { axes: [-1] })]);
  const variance = b.node('ReduceMean', [b.node('Mul', [centred, centred])], { axes: [-1] });
  const epsilon = b.constant(`${name}.epsilon`, 'float32', [], [1e-5]);
  const normed = b.node('Div', [centred, b.node('Sqrt', [b.node('Add', [variance, epsilon])])]);
  const [gain, offset] = affine(b, name, channels);
  return b.node('Add', [b.node('Mul', [normed, gain]), offset]);
}

/** A layer, something behind it, and a layer that reads it. */
export const between = (middle: (b: ModelBuilder, x: string) => string): ModelBuilder =>
  image((b, x) => conv(b, middle(b, conv(b, x, 'a', 3, 8)), 'b', 8, 4));

/** The same of rows. */
export const betweenRows = (middle: (b: ModelBuilder, x: string) => string): ModelBuilder =>
  rows((b, x) => gemm(b, middle(b, gemm(b, x, 'a', 6, 8)), 'b', 8, 4));

/** A rectifier. */
export const relu = (b: ModelBuilder, x: string): string => op(b, 'Relu', x);
