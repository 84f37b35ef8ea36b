import type { Attributes, GraphBuilder } from '../support/build.ts';
import type { Random } from '../support/random.ts';
import type { Grid, Narrow, WeightForm } from './quantized-nets.ts';

/** An image-like value [N, channels, side, side]. */
export interface Image {
  readonly name: string;
  readonly channels: number;
  readonly side: number;
}

/** An image-like value of integers that are the same bit by bit in the masked and the cut model. */
export interface Integers extends Image {
  readonly grid: Grid;
}

/** The net under construction, or the body of a node in it: everything made so far, latest last. */
export interface State {
  readonly b: GraphBuilder;
  /** The input of the net. */
  readonly input: Image;
  readonly images: Image[];
  readonly integers: Integers[];
  readonly random: Random;
  readonly opset: number;
  readonly batch: number | 'N';
  /** Types of quantized activations and weights. */
  readonly narrow: Narrow;
  readonly weights: WeightForm;
  /** Names given out, in the bodies too. */
  readonly names: { count: number };
  /** Adds a layer of any kind. */
  readonly add: (state: State, layer: Layer) => void;
}

export function fresh({ names }: State, stem: string): string {
  names.count += 1;
  return `${stem}${names.count}`;
}

export function weight(state: State, dims: readonly number[], fanIn?: number): string {
  return state.b.weight(fresh(state, 'w'), dims, fanIn === undefined ? {} : { fanIn });
}

export function integers(state: State, values: readonly number[]): string {
  return state.b.constant(fresh(state, 'i'), 'int64', [values.length], values);
}

export function conv(
  state: State,
  x: Image,
  channels: number,
  kernel = 1,
  attributes: Attributes = {},
  group = 1,
): Image {
  const pad = kernel >> 1;
  const inputs = [x.name, weight(state, [channels, x.channels / group, kernel, kernel]), weight(state, [channels])];
  return { ...x, channels, name: state.b.node('Conv', inputs, { pads: [pad, pad, pad, pad], group, ...attributes }) };
}

/** What a layer builds; the value that it reads where it does not fit the operator set or the size. */
export type Build = (state: State, x: Image, layer: Layer) => Image | Image[];

/** One layer as data: what it is, which of the latest values it reads, and two small numbers that its builder interprets. */
export interface Layer {
  /** A name in LAYERS. */
  readonly kind: string;
  readonly from: number;
  readonly with: number;
  readonly a: number;
  readonly b: number;
  /** Layers inside, where the kind has a body. */
  readonly inner?: readonly Layer[];
}

/** An operator of the runtime's own domain. */
export const ours = { domain: 'com.microsoft' };

export function scalar(state: State, value: number): string {
  return state.b.constant(fresh(state, 'number'), 'float32', [], [value]);
}

/** The numbers brought between 0.1 and 0.9, where every function is defined. */
export function tame(state: State, name: string): string {
  const { b } = state;
  return b.node('Add', [b.node('Mul', [b.node('Sigmoid', [name]), scalar(state, 0.8)]), scalar(state, 0.1)]);
}

/**
 * `x` with a trace of what jumps: a rounding error may turn a comparison round, and must not show in the outputs then.
 */
export function faint(state: State, x: Image, jumps: string): Image {
  const trace = state.b.node('Mul', [state.b.node('Cast', [jumps], { to: 1 }), scalar(state, 1e-7)]);
  return next(x, state.b.node('Add', [x.name, trace]));
}

/** `x` times a number between 0 and 1 for each channel. */
export function gated(state: State, x: Image, gain: string): Image {
  return next(x, state.b.node('Mul', [x.name, state.b.node('Sigmoid', [gain])]));
}

/** `x` brought to the form of another image by a projection, unless it has it already. */
export function like(state: State, x: Image, target: Image): Image {
  let image = x;
  if (image.side !== target.side) image = scaled(state, image, target.side);
  return image.channels === target.channels ? image : conv(state, image, target.channels);
}

/**
 * By scales: where sizes name chosen axes, the runtime's optimizer loses them when it moves a Transpose through the
 * Resize, and then refuses the model (1.30; test/ops/resize.test.ts has that form).
 */
export function scaled(state: State, x: Image, side: number): Image {
  const { b, opset } = state;
  const factor = side / x.side;
  const factors = opset >= 18 ? [factor, factor] : [1, 1, factor, factor];
  const scales = b.constant(fresh(state, 'scales'), 'float32', [factors.length], factors);
  return { ...x, name: b.node('Resize', [x.name, '', scales], opset >= 18 ? { axes: [2, 3] } : {}), side };
}

export const next = (x: Image, name: string, changes: Partial<Image> = {}): Image => ({ ...x, ...changes, name });

export const divisorOf = (n: number, wish: number): number =>
  [4, 3, 2]
    .map((d, i) => ({ d, lot: (i + wish) % 3 }))
    .sort((p, q) => p.lot - q.lot)
    .find(({ d }) => n % d === 0)?.d ?? 1;

/** Reshape with 0 for the batch. */
export const reshape = (state: State, name: string, ...dims: readonly number[]): string =>
  state.b.node('Reshape', [name, integers(state, [0, ...dims])]);

export const transpose = (state: State, name: string, ...perm: readonly number[]): string =>
  state.b.node('Transpose', [name], { perm });

/** The latest values by number, the first again after the last. */
export function pick({ images }: State, index: number): Image {
  const image = images[images.length - 1 - (index % images.length)];
  if (image === undefined) throw new Error('there is no value to read');
  return image;
}

/** [N, C, S, S] → [N, S², C]. */
export function tokensOf(s: State, x: Image): string {
  return transpose(s, reshape(s, x.name, x.channels, x.side * x.side), 0, 2, 1);
}

/** [N, S², channels] → [N, channels, S, S]. */
export function imageOf(s: State, x: Image, tokens: string, channels: number): Image {
  return next(x, reshape(s, transpose(s, tokens, 0, 2, 1), channels, x.side, x.side), { channels });
}

export function project(s: State, tokens: string, inputs: number, outputs: number): string {
  return s.b.node('MatMul', [tokens, weight(s, [inputs, outputs], inputs)]);
}
