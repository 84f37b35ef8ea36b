import fc from 'fast-check';
import { present } from '../../src/errors.ts';
import { extractModel } from '../../src/ir/extract.ts';
import { exportModel, type Model } from '../../src/ir/model.ts';
import type { Node } from '../../src/ir/node.ts';
import type { Value } from '../../src/ir/value.ts';
import { float32ToFloat16 } from '../../src/numeric/float16.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type HostTensor, type RuntimeChild, run } from '../../src/runtime/index.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';
import { normals } from '../support/random.ts';
import { numbersOf } from './calibrated.ts';

/** A model of one layer, and its one input. */
export interface OneLayer {
  readonly bytes: Uint8Array;
  readonly x: HostTensor;
}

/** Numbers of a tensor of these dims. */
function product(dims: readonly number[]): number {
  return dims.reduce((size, each) => size * each, 1);
}

/** One node that reads x, which is of these dims. */
export function oneLayer(
  dims: readonly number[],
  node: (b: ModelBuilder, x: string) => string,
  seed = 1,
  options: ModelOptions = {},
): OneLayer {
  const b = new ModelBuilder({ seed, ...options });
  const type = b.elementType;
  b.output(node(b, b.input('x', type, dims)), type);
  return { bytes: b.bytes(), x: randomTensor(type, dims, seed + 1) };
}

/** Random numbers in float32 or float16. */
export function randomTensor(type: ElementType, dims: readonly number[], seed: number): HostTensor {
  const data = normals(product(dims), seed);
  return type === 'float16' ? { type, dims, data: float32ToFloat16(data) } : { type: 'float32', dims, data };
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

/** The slices of a tensor along an axis, each with the other axes in their order. */
export function slices(tensor: HostTensor, axis: number): number[][] {
  const { dims } = tensor;
  const inner = product(dims.slice(axis + 1));
  const length = dims[axis] ?? 0;
  const numbers = [...numbersOf(tensor)];
  return Array.from({ length }, (_, index) => numbers.filter((_, at) => Math.floor(at / inner) % length === index));
}

/** The one node of a model whose rule makes a layer of it. */
export function layerNode(model: Model): Node {
  return present(
    [...model.graph.nodes].find((node) => ruleOf(node).layer?.(node) !== undefined),
    'a layer',
  );
}

/** What a layer's rows read, as its rule lays it out. */
export async function laidOut(
  child: RuntimeChild,
  model: Model,
  node: Node,
  data: Value,
  x: HostTensor,
): Promise<HostTensor> {
  const part = extractModel(model, new Set(), [data]);
  const twin = part.twinOf(data);
  const { patches } = ruleOf(node);
  const made = patches === undefined ? twin : present(patches(node, twin, part.model.graph), 'patches');
  if (made === twin) return x;
  part.model.graph.addOutput(made);
  const outputs = await run(child, encodeModel(exportModel(part.model)), { x });
  return present(outputs[made.name], 'the patches');
}
