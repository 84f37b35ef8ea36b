import fc from 'fast-check';
import type { HostTensor } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { normals } from '../support/random.ts';

/** A model of one layer, and its one input. */
export interface OneLayer {
  readonly bytes: Uint8Array;
  readonly x: HostTensor;
}

/** Numbers of a tensor of these dims. */
export function product(dims: readonly number[]): number {
  return dims.reduce((size, each) => size * each, 1);
}

/** One node that reads x, which is of these dims. */
export function oneLayer(
  dims: readonly number[],
  node: (b: ModelBuilder, x: string) => string,
  seed = 1,
  opset = 17,
): OneLayer {
  const b = new ModelBuilder({ seed, opset });
  b.output(node(b, b.input('x', 'float32', dims)), 'float32');
  return { bytes: b.bytes(), x: { type: 'float32', dims, data: normals(product(dims), seed + 1) } };
}

/** A convolution over one to three axes. */
export interface Window {
  readonly seed: number;
  readonly groups: number;
  readonly perGroup: number;
  readonly rows: number;
  readonly auto: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
  readonly axes: readonly {
    readonly length: number;
    readonly kernel: number;
    readonly stride: number;
    readonly dilation: number;
    readonly before: number;
    readonly after: number;
  }[];
}

/** Any that fits its data. */
export const windows: fc.Arbitrary<Window> = fc.record({
  seed: fc.nat({ max: 9999 }),
  groups: fc.constantFrom(1, 1, 2, 3),
  perGroup: fc.integer({ min: 1, max: 3 }),
  rows: fc.integer({ min: 1, max: 3 }),
  auto: fc.constantFrom('NOTSET', 'NOTSET', 'SAME_UPPER', 'SAME_LOWER', 'VALID'),
  axes: fc.array(
    fc.record({
      length: fc.integer({ min: 5, max: 7 }),
      kernel: fc.integer({ min: 1, max: 3 }),
      stride: fc.integer({ min: 1, max: 2 }),
      dilation: fc.integer({ min: 1, max: 2 }),
      before: fc.integer({ min: 0, max: 2 }),
      after: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 3 },
  ),
});

/** onnxruntime takes no dilations where it pads by itself. */
const dilationOf = ({ auto }: Window, { dilation }: Window['axes'][number]): number =>
  auto.startsWith('SAME') ? 1 : dilation;

/** The Conv of a window. */
export function convOf(window: Window): OneLayer {
  const { groups, perGroup, rows, auto, axes, seed } = window;
  const pads =
    auto === 'NOTSET' ? { pads: [...axes.map(({ before }) => before), ...axes.map(({ after }) => after)] } : {};
  return oneLayer(
    [2, groups * perGroup, ...axes.map(({ length }) => length)],
    (b, x) =>
      b.node(
        'Conv',
        [
          x,
          b.weight('w', [groups * rows, perGroup, ...axes.map(({ kernel }) => kernel)]),
          b.vector('c', groups * rows),
        ],
        {
          group: groups,
          strides: axes.map(({ stride }) => stride),
          dilations: axes.map((each) => dilationOf(window, each)),
          ...pads,
          ...(auto === 'NOTSET' ? {} : { auto_pad: auto }),
        },
      ),
    seed,
  );
}

/** For each axis, where output positions begin to read, and how many there are. Source: ONNX operator Conv. */
function startsOf(window: Window): number[][] {
  return window.axes.map((axis) => {
    const { length, kernel, stride, before, after } = axis;
    const reach = (kernel - 1) * dilationOf(window, axis) + 1;
    const isSame = window.auto.startsWith('SAME');
    const same = Math.max(0, (Math.ceil(length / stride) - 1) * stride + reach - length);
    const total = isSame ? same : window.auto === 'VALID' ? 0 : before + after;
    const front = isSame
      ? window.auto === 'SAME_UPPER'
        ? same >> 1
        : same - (same >> 1)
      : window.auto === 'VALID'
        ? 0
        : before;
    return Array.from({ length: Math.floor((length + total - reach) / stride) + 1 }, (_, i) => i * stride - front);
  });
}

/** All combinations of one element of each list, the last list fastest. */
function combinations(lists: readonly (readonly number[])[]): number[][] {
  return lists.reduce<number[][]>((all, list) => all.flatMap((head) => list.map((each) => [...head, each])), [[]]);
}

/** im2col as it is written down: [batch, channels · kernel, positions]. */
export function im2col(window: Window, { dims, data }: HostTensor): number[] {
  const [batch = 0, channels = 0, ...lengths] = dims;
  const starts = combinations(startsOf(window));
  const places = combinations(
    window.axes.map((axis) => Array.from({ length: axis.kernel }, (_, i) => i * dilationOf(window, axis))),
  );
  const numbers: number[] = [];
  for (let n = 0; n < batch; n++)
    for (let channel = 0; channel < channels; channel++)
      for (const place of places)
        for (const start of starts) {
          const at = place.map((each, axis) => each + (start[axis] ?? 0));
          const isInside = at.every((each, axis) => each >= 0 && each < (lengths[axis] ?? 0));
          const index = at.reduce((sum, each, axis) => sum * (lengths[axis] ?? 0) + each, n * channels + channel);
          numbers.push(isInside ? Number(data[index]) : 0);
        }
  return numbers;
}
