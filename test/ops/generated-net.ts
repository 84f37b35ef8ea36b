import fc from 'fast-check';
import { ModelBuilder } from '../support/build.ts';
import { createRandom } from '../support/random.ts';
import { FUNCTION_LAYERS } from './generated-functions.ts';
import { INDEXED_LAYERS } from './generated-indexed.ts';
import { LAYERS as IMAGE_LAYERS } from './generated-layers.ts';
import { OLD_LAYERS } from './generated-old.ts';
import { conv, fresh, type Image, integers, type Layer, pick, reshape, type State, weight } from './generated-parts.ts';
import { SEQUENCE_LAYERS } from './generated-sequences.ts';

const NEW_LAYERS = { ...IMAGE_LAYERS, ...SEQUENCE_LAYERS, ...FUNCTION_LAYERS, ...INDEXED_LAYERS };
const LAYERS: typeof IMAGE_LAYERS = { ...NEW_LAYERS, ...OLD_LAYERS };

/** Operator sets that nets are made for, and the layers that fit them. */
export const OPSETS: readonly { readonly opset: number; readonly kinds: readonly string[] }[] = [
  ...[17, 13, 18, 21, 26].map((opset) => ({ opset, kinds: Object.keys(NEW_LAYERS) })),
  ...[7, 9].map((opset) => ({ opset, kinds: Object.keys(OLD_LAYERS) })),
];

/** A whole net as data; `buildNet` of the same problem gives the same bytes. */
export interface Problem {
  readonly seed: number;
  readonly batch: number | 'N';
  readonly opset: number;
  readonly layers: readonly Layer[];
  /** A name in HEADS. */
  readonly head: string;
  /** Whether an earlier value has a head of its own too. */
  readonly aside: boolean;
}

/** How a value becomes a graph output. */
const HEADS: Readonly<Record<string, (state: State, x: Image) => string>> = {
  conv: (s, x) => conv(s, x, 3).name,
  flatten: (s, x) => dense(s, s.b.node('Flatten', [x.name]), x.channels * x.side * x.side),
  pooled: (s, x) => dense(s, s.b.node('Flatten', [s.b.node('GlobalAveragePool', [x.name])]), x.channels),
  reshaped: (s, x) => dense(s, reshape(s, x.name, -1), x.channels * x.side * x.side),
  shapeChain: (s, x) => {
    const rows = s.b.node('Gather', [s.b.node('Shape', [x.name]), s.b.constant(fresh(s, 'i'), 'int64', [], [0])]);
    const target = s.b.node('Concat', [s.b.node('Unsqueeze', [rows, integers(s, [0])]), integers(s, [-1])], {
      axis: 0,
    });
    return dense(s, s.b.node('Reshape', [x.name, target]), x.channels * x.side * x.side);
  },
  summed: (s, x) =>
    s.b.node('ReduceL2', s.opset >= 18 ? [x.name, integers(s, [1])] : [x.name], {
      keepdims: 0,
      ...(s.opset >= 18 ? {} : { axes: [1] }),
    }),
  raw: (_, x) => x.name,
};

function dense(state: State, rows: string, features: number): string {
  return state.b.node('Gemm', [rows, weight(state, [5, features]), weight(state, [5])], { transB: 1 });
}

/** The model of a problem. */
export function buildNet(problem: Problem): Uint8Array {
  return netOf(problem).bytes();
}

/** The model of a problem, not yet written. */
export function netOf({ opset, batch, ...problem }: Problem): ModelBuilder {
  const domains = { 'com.microsoft': 1, 'ai.onnx.ml': 3 };
  const b = new ModelBuilder({ opset, domains, irVersion: opset > 20 ? 10 : 8, seed: problem.seed + 1 });
  const state: State = { b, images: [], random: createRandom(problem.seed), opset, batch, weights: 0 };
  const image = { name: b.input('image', 'float32', [batch, 3, 4, 4]), channels: 3, side: 4 };
  state.images.push(conv(state, image, 6, 3));
  for (const layer of problem.layers) {
    const made = LAYERS[layer.kind]?.(state, pick(state, layer.from), layer) ?? [];
    for (const each of Array.isArray(made) ? made : [made]) if (each.channels <= 40) state.images.push(each);
  }
  const ends = problem.aside ? [pick(state, 0), pick(state, 2)] : [pick(state, 0)];
  ends.forEach((end, i) => {
    const y = HEADS[i === 0 ? problem.head : 'pooled']?.(state, end) ?? end.name;
    b.output(b.node('Mul', [y, b.constant(`one${i}`, 'float32', [], [1])], {}, { outputs: [`y${i}`] }), 'float32');
  });
  return b;
}

const small = fc.nat({ max: 7 });

/** Any problem. Shrinks to fewer and plainer layers. */
export const problems: fc.Arbitrary<Problem> = fc.record({
  seed: fc.nat({ max: 99999 }),
  batch: fc.constantFrom<(number | 'N')[]>('N', 2),
  opset: fc.constantFrom(...OPSETS.filter(({ opset }) => opset > 9).map(({ opset }) => opset)),
  layers: fc.array(
    fc.record({
      kind: fc.constantFrom(...Object.keys(NEW_LAYERS)),
      from: fc.nat({ max: 2 }),
      with: fc.nat({ max: 3 }),
      a: small,
      b: small,
    }),
    { maxLength: 10 },
  ),
  head: fc.constantFrom(...Object.keys(HEADS)),
  aside: fc.boolean(),
});
