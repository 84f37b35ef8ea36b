import type { Attributes, ModelBuilder } from '../support/build.ts';
import type { Random } from '../support/random.ts';

/** An image-like value [N, channels, side, side]. */
export interface Image {
  readonly name: string;
  readonly channels: number;
  readonly side: number;
}

/** The net under construction: everything made so far, latest last. */
export interface State {
  readonly b: ModelBuilder;
  readonly images: Image[];
  readonly random: Random;
  readonly opset: number;
  weights: number;
}

export function fresh(state: State, stem: string): string {
  state.weights += 1;
  return `${stem}${state.weights}`;
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

/** `x` brought to the form of another image by a projection, unless it has it already. */
export function like(state: State, x: Image, target: Image): Image {
  let image = x;
  if (image.side !== target.side) image = scaled(state, image, target.side);
  return image.channels === target.channels ? image : conv(state, image, target.channels);
}

export function scaled(state: State, x: Image, side: number): Image {
  const { b, opset } = state;
  const name =
    opset >= 18
      ? b.node('Resize', [x.name, '', '', integers(state, [side, side])], { axes: [2, 3] })
      : b.node('Resize', [
          x.name,
          '',
          b.constant(fresh(state, 'scales'), 'float32', [4], [1, 1, side / x.side, side / x.side]),
        ]);
  return { ...x, name, side };
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
