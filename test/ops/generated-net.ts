import fc from 'fast-check';
import { ModelBuilder } from '../support/build.ts';
import { createRandom } from '../support/random.ts';
import { ATTENTION_LAYERS } from './generated-attention.ts';
import { BODY_LAYERS } from './generated-bodies.ts';
import { FUNCTION_LAYERS } from './generated-functions.ts';
import { INDEXED_LAYERS } from './generated-indexed.ts';
import { LAYERS as IMAGE_LAYERS } from './generated-layers.ts';
import { OLD_LAYERS } from './generated-old.ts';
import { conv, fresh, type Image, integers, type Layer, pick, reshape, type State, weight } from './generated-parts.ts';
import { QUANTIZED_LAYERS } from './generated-quantized.ts';
import { SEQUENCE_LAYERS } from './generated-sequences.ts';

const PLAIN_LAYERS = {
  ...IMAGE_LAYERS,
  ...SEQUENCE_LAYERS,
  ...FUNCTION_LAYERS,
  ...INDEXED_LAYERS,
  ...ATTENTION_LAYERS,
  ...QUANTIZED_LAYERS,
};
const NEW_LAYERS = { ...PLAIN_LAYERS, ...BODY_LAYERS };
const LAYERS: typeof IMAGE_LAYERS = { ...NEW_LAYERS, ...OLD_LAYERS };

/** Operator sets that nets are made for, and the layers that fit them. */
export const OPSETS: readonly { readonly opset: number; readonly kinds: readonly string[] }[] = [
  ...[17, 13, 18, 21, 26].map((opset) => ({ opset, kinds: Object.keys(NEW_LAYERS) })),
  ...[7, 9].map((opset) => ({ opset, kinds: Object.keys(OLD_LAYERS) })),
];

type Quantized = Pick<State, 'narrow' | 'weights'>;

/**
 * Types of integers that the runtime multiplies: int8 with int8 only. From opset 21 on, its optimizer (1.30) moves int8
 * behind a Reshape with zero points of uint8, and then refuses the model: the first are for those.
 */
const QUANTIZED: readonly [Quantized, ...Quantized[]] = [
  { narrow: 'uint8', weights: { type: 'int8', perChannel: true } },
  { narrow: 'int8', weights: { type: 'int8', perChannel: true } },
  { narrow: 'uint8', weights: { type: 'uint8', perChannel: false } },
  { narrow: 'uint8', weights: { type: 'int8', perChannel: false } },
  { narrow: 'uint8', weights: { type: 'uint8', perChannel: true } },
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

function add(state: State, layer: Layer): void {
  const made = LAYERS[layer.kind]?.(state, pick(state, layer.from), layer) ?? [];
  for (const each of Array.isArray(made) ? made : [made]) if (each.channels <= 40) state.images.push(each);
}

/** The model of a problem, not yet written. */
export function netOf({ opset, batch, ...problem }: Problem): ModelBuilder {
  const domains = { 'com.microsoft': 1, 'ai.onnx.ml': 3 };
  const b = new ModelBuilder({ opset, domains, irVersion: opset > 20 ? 10 : 8, seed: problem.seed + 1 });
  const input = { name: b.input('image', 'float32', [batch, 3, 4, 4]), channels: 3, side: 4 };
  const state: State = {
    b,
    input,
    images: [],
    integers: [],
    random: createRandom(problem.seed),
    opset,
    batch,
    ...((opset < 21 ? QUANTIZED[problem.seed % QUANTIZED.length] : undefined) ?? QUANTIZED[0]),
    names: { count: 0 },
    add,
  };
  state.images.push(conv(state, input, 6, 3));
  for (const layer of problem.layers) add(state, layer);
  const ends = problem.aside ? [pick(state, 0), pick(state, 2)] : [pick(state, 0)];
  ends.forEach((end, i) => {
    const y = HEADS[i === 0 ? problem.head : 'pooled']?.(state, end) ?? end.name;
    b.output(b.node('Mul', [y, b.constant(`one${i}`, 'float32', [], [1])], {}, { outputs: [`y${i}`] }), 'float32');
  });
  return b;
}

const small = fc.nat({ max: 7 });

const layersOf = (kinds: Readonly<Record<string, unknown>>) => ({
  kind: fc.constantFrom(...Object.keys(kinds)),
  from: fc.nat({ max: 2 }),
  with: fc.nat({ max: 3 }),
  a: small,
  b: small,
});

const plain: fc.Arbitrary<Layer> = fc.record(layersOf(PLAIN_LAYERS));

/** A layer that holds other layers, one of which may hold some too. */
const bodies = (inner: fc.Arbitrary<Layer>): fc.Arbitrary<Layer> =>
  fc.record({ ...layersOf(BODY_LAYERS), inner: fc.array(inner, { maxLength: 3 }) });

const nested = fc.oneof({ arbitrary: plain, weight: 9 }, { arbitrary: bodies(plain), weight: 1 });
const layers = fc.oneof({ arbitrary: plain, weight: 15 }, { arbitrary: bodies(nested), weight: 1 });

/** Any problem. Shrinks to fewer and plainer layers. */
export const problems: fc.Arbitrary<Problem> = fc.record({
  seed: fc.nat({ max: 99999 }),
  batch: fc.constantFrom<(number | 'N')[]>('N', 2),
  opset: fc.constantFrom(...OPSETS.filter(({ opset }) => opset > 9).map(({ opset }) => opset)),
  layers: fc.array(layers, { maxLength: 10 }),
  head: fc.constantFrom(...Object.keys(HEADS)),
  aside: fc.boolean(),
});
