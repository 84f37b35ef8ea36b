import type { Attributes } from '../support/build.ts';
import {
  type Build,
  fresh,
  gated,
  type Image,
  imageOf,
  integers,
  like,
  next,
  ours,
  pick,
  project,
  reshape,
  type State,
  tokensOf,
  transpose,
  weight,
} from './generated-parts.ts';

const upTo = (length: number): number[] => [...Array(length).keys()];

/** [N, T, H · d] → [N, H, T, d]. */
function apart(s: State, tokens: string, heads: number, size: number): string {
  return transpose(s, s.b.node('Reshape', [tokens, integers(s, [0, 0, heads, size])]), 0, 2, 1, 3);
}

/** [N, H, T, d] → [N, T, H · d]. */
function together(s: State, heads: string, features: number): string {
  return s.b.node('Reshape', [transpose(s, heads, 0, 2, 1, 3), integers(s, [0, 0, features])]);
}

/** Tokens as an image: by themselves, or projected and added to what they were made from. */
function joined(s: State, x: Image, tokens: string, features: number, alone: boolean): Image {
  if (alone) return imageOf(s, x, tokens, features);
  const out = imageOf(s, x, project(s, tokens, features, x.channels), x.channels);
  return next(x, s.b.node('Add', [x.name, out.name]));
}

/** Adds the mean over all tokens of caches [N, H, T, d] to tokens of as many features. */
function withCaches(s: State, tokens: string, caches: readonly string[], features: number): string {
  return caches.reduce((sum, cache) => {
    const flat = transpose(s, together(s, cache, features), 0, 2, 1);
    const mean = transpose(s, s.b.node('GlobalAveragePool', [flat]), 0, 2, 1);
    return s.b.node('Add', [sum, mean]);
  }, tokens);
}

/** Numbers added to scores, for every head or for all at once, the same for all samples. */
function places(s: State, heads: number, rows: number, columns: number): string {
  return weight(s, [1, heads, rows, columns], 1);
}

/** cos and sin of as many positions and pairs. */
function angles(s: State, rows: number, pairs: number): readonly [cos: string, sin: string] {
  const table = (stem: string, turn: (angle: number) => number): string =>
    s.b.constant(
      fresh(s, stem),
      'float32',
      [rows, pairs],
      upTo(rows * pairs).map((i) => turn(Math.floor(i / pairs) / (1 + (i % pairs)))),
    );
  return [table('cos', Math.cos), table('sin', Math.sin)];
}

/** Lengths of a shape read at run time. */
function batchOf(s: State, tokens: string): string {
  return s.b.node('Gather', [s.b.node('Shape', [tokens]), integers(s, [0])]);
}

/** A number of int32 for every sample. */
function perSample(s: State, tokens: string, value: number): string {
  if (s.batch !== 'N') return s.b.constant(fresh(s, 'each'), 'int32', [s.batch], Array<number>(s.batch).fill(value));
  return s.b.node('ConstantOfShape', [batchOf(s, tokens)], {
    value: { tensor: { dtype: 'int32', dims: [1], values: [value] } },
  });
}

/** Keep the first keys of each sample; '' where the number of samples is not known. */
function keyMask(s: State, keys: number): string {
  if (s.batch === 'N') return '';
  const kept = upTo(s.batch * keys).map((i) => (i % keys <= keys / 2 ? 1 : 0));
  return s.b.constant(fresh(s, 'mask'), 'int32', [s.batch, keys], kept);
}

/** A product of tokens [N, T, inputs] in each form that the runtime's own MatMul knows. */
function fusedProduct(s: State, x: Image, outputs: number, form: number): string {
  const [opType, alpha] = [form > 3 ? 'TransposeMatMul' : 'FusedMatMul', { alpha: { float: 0.5 } }];
  const [tokens, inputs] = [tokensOf(s, x), x.channels];
  const plain = (): string => weight(s, [inputs, outputs], inputs);
  if (form % 4 === 0) return s.b.node(opType, [tokens, plain()], alpha, ours);
  if (form % 4 === 1) return s.b.node(opType, [tokens, weight(s, [outputs, inputs])], { transB: 1, ...alpha }, ours);
  const columns = reshape(s, x.name, inputs, x.side * x.side);
  if (form % 4 === 2 || form > 3 || s.batch === 'N')
    return s.b.node(opType, [columns, plain()], { transA: 1, ...alpha }, ours);
  const rows = transpose(s, tokens, 1, 0, 2);
  return s.b.node(opType, [rows, weight(s, [s.batch, inputs, outputs], inputs)], { transBatchA: 1 }, ours);
}

/** Scores of heads by the runtime's own MatMul, keys in each layout that it takes. */
function fusedScores(s: State, q: string, k: string, form: number): string {
  const alpha = { alpha: { float: 0.5 } };
  if (form % 3 === 0) return s.b.node('FusedMatMul', [q, k], { transB: 1, ...alpha }, ours);
  if (form % 3 === 1) return s.b.node('FusedMatMul', [q, transpose(s, k, 3, 0, 1, 2)], { transBatchB: 1 }, ours);
  const attributes = { transBatchB: 1, transB: 1, ...alpha };
  return s.b.node('FusedMatMul', [q, transpose(s, k, 2, 0, 1, 3)], attributes, ours);
}

/** MultiHeadAttention, in the runtime's domain, of queries of `x` and keys of another image. */
const multiHead: Build = (s, x, layer) => {
  const { a, b } = layer;
  const memory = b > 3 ? pick(s, layer.with) : x;
  const hasPast = a % 3 === 2;
  const [heads, depth] = [1 + (a % 4), 1 + (b % 3)];
  const valueDepth = a > 3 && !hasPast ? 2 : depth;
  const [tokens, others, keys] = [tokensOf(s, x), tokensOf(s, memory), memory.side * memory.side];
  const [features, valueFeatures] = [heads * depth, heads * valueDepth];
  const made = (count: number): string => project(s, others, memory.channels, count);
  const total = hasPast ? 2 * keys : keys;
  const past = hasPast ? [0, 1].map(() => apart(s, made(features), heads, depth)) : ['', ''];
  const inputs = [
    project(s, tokens, x.channels, features),
    made(features),
    made(valueFeatures),
    b % 2 === 0 ? '' : weight(s, [2 * features + valueFeatures]),
    b % 4 === 2 && !hasPast ? keyMask(s, keys) : '',
    b % 4 === 0 ? places(s, a % 2 === 0 ? heads : 1, x.side * x.side, total) : '',
    ...past,
  ];
  const causal: Attributes = b === 3 ? { unidirectional: 1 } : {};
  const attributes = { num_heads: heads, ...(b === 1 ? { scale: { float: 0.3 } } : {}), ...causal };
  if (!hasPast) {
    const y = s.b.node('MultiHeadAttention', inputs.slice(0, 6), attributes, ours);
    return joined(s, x, y, valueFeatures, a % 2 === 1);
  }
  const [y = '', ...caches] = s.b.nodes('MultiHeadAttention', inputs, 3, attributes, ours);
  return joined(s, x, withCaches(s, y, caches, features), features, a % 2 === 1);
};

/** Attention that projects by itself. */
const selfAttention: Build = (s, x, { a, b }) => {
  const [heads, depth] = [1 + (a % 4), 1 + (b % 3)];
  const hasPast = b % 4 === 3;
  const valueDepth = a > 3 && !hasPast ? 2 : depth;
  const [features, valueFeatures, length] = [heads * depth, heads * valueDepth, x.side * x.side];
  const [tokens, total] = [tokensOf(s, x), 2 * features + valueFeatures];
  const past = (): string => {
    const both = [0, 1].map(() => apart(s, project(s, tokens, x.channels, features), heads, depth));
    const rows = both.map((each) => s.b.node('Unsqueeze', [each, integers(s, [0])]));
    return s.b.node('Concat', rows, { axis: 0 });
  };
  const inputs = [
    tokens,
    weight(s, [x.channels, total], x.channels),
    weight(s, [total]),
    b % 4 === 1 ? keyMask(s, length) : '',
    hasPast ? past() : '',
    b % 4 === 2 ? places(s, a % 2 === 0 ? heads : 1, length, length) : '',
  ];
  const sizes: Attributes = a > 3 ? { qkv_hidden_sizes: { ints: [features, features, valueFeatures] } } : {};
  const attributes = { num_heads: heads, ...sizes, ...(b === 4 ? { unidirectional: 1 } : {}) };
  if (!hasPast) return joined(s, x, s.b.node('Attention', inputs, attributes, ours), valueFeatures, a % 2 === 1);
  const [y = '', present = ''] = s.b.nodes('Attention', inputs, 2, attributes, ours);
  const caches = [0, 1].map((i) => s.b.node('Gather', [present, s.b.constant(fresh(s, 'i'), 'int64', [], [i])]));
  return joined(s, x, withCaches(s, y, caches, features), features, a % 2 === 1);
};

const groupQuery: Build = (s, x, { a, b }) => {
  const turned = b % 2 === 1;
  const [keyHeads, copies, size] = [1 + (a % 2), 1 + ((a >> 1) % 2), (turned ? 16 : 8) * (1 + ((b >> 1) % 2))];
  const [heads, length, tokens] = [keyHeads * copies, x.side * x.side, tokensOf(s, x)];
  const [wide, narrow] = [heads * size, keyHeads * size];
  const made = (features: number): string => project(s, tokens, x.channels, features);
  const hasPast = a > 5;
  const inputs = [
    ...(a > 3 ? [made(wide), made(narrow), made(narrow)] : [made(wide + 2 * narrow), '', '']),
    ...(hasPast ? [0, 1].map(() => apart(s, made(narrow), keyHeads, size)) : ['', '']),
    perSample(s, tokens, length - 1),
    s.b.constant(fresh(s, 'total'), 'int32', [], [length]),
    ...(turned ? angles(s, length, b > 5 ? 8 : size / 2) : ['', '']),
    '',
    b === 4 ? places(s, heads, length, length) : '',
    b === 2 ? weight(s, [heads]) : '',
  ];
  const attributes: Attributes = {
    num_heads: heads,
    kv_num_heads: keyHeads,
    ...(turned ? { do_rotary: 1, rotary_interleaved: a % 3 === 1 ? 1 : 0 } : {}),
    ...(b === 0 ? { scale: { float: 0.2 }, softcap: { float: 2 } } : {}),
    ...(b === 1 ? { local_window_size: 3 } : {}),
  };
  const [y = '', key = '', value = ''] = s.b.nodes('GroupQueryAttention', inputs, 3, attributes, ours);
  const image = joined(s, x, y, wide, false);
  if (!hasPast) return image;
  const cached = s.b.node('Add', [together(s, key, narrow), together(s, value, narrow)]);
  return next(x, s.b.node('Add', [image.name, joined(s, x, cached, narrow, false).name]));
};

/** ONNX's own Attention, of rank three or four. */
const onnxAttention: Build = (s, x, layer) => {
  if (s.opset < 23) return x;
  const { a, b } = layer;
  const [keyHeads, copies, depth] = [1 + (a % 2), 1 + ((a >> 1) % 2), 1 + (b % 3)];
  const [heads, valueDepth, split] = [keyHeads * copies, b > 3 ? 2 : depth, a > 3];
  const memory = b % 4 === 1 ? pick(s, layer.with) : x;
  const [length, keys] = [x.side * x.side, memory.side * memory.side];
  const [tokens, others] = [tokensOf(s, x), tokensOf(s, memory)];
  const made = (from: string, inputs: number, count: number, size: number, isApart: boolean): string => {
    const flat = project(s, from, inputs, count * size);
    return isApart ? apart(s, flat, count, size) : flat;
  };
  const hasPast = b % 4 === 2;
  const past = [depth, valueDepth].map((size) => () => made(others, memory.channels, keyHeads, size, true));
  const inputs = [
    made(tokens, x.channels, heads, depth, split),
    made(others, memory.channels, keyHeads, depth, split),
    made(others, memory.channels, keyHeads, valueDepth, split),
    b % 4 === 3 ? weight(s, [a % 2 === 0 ? heads : 1, length, keys], 1) : '',
    ...(hasPast ? past.map((each) => each()) : []),
  ];
  const attributes: Attributes = {
    ...(split ? {} : { q_num_heads: heads, kv_num_heads: keyHeads }),
    ...(b === 4 ? { is_causal: 1 } : {}),
    ...(b === 0 ? { softcap: { float: 2 }, scale: { float: 0.4 } } : {}),
  };
  const features = heads * valueDepth;
  const [y = '', ...caches] = s.b.nodes('Attention', inputs, hasPast ? 3 : 1, attributes);
  const image = joined(s, x, split ? together(s, y, features) : y, features, b % 2 === 1);
  if (!hasPast) return image;
  const means = caches.map((cache, i) => {
    const count = keyHeads * (i === 0 ? depth : valueDepth);
    const flat = transpose(s, together(s, cache, count), 0, 2, 1);
    const mean = s.b.node('MatMul', [
      transpose(s, s.b.node('GlobalAveragePool', [flat]), 0, 2, 1),
      weight(s, [count, image.channels], count),
    ]);
    return reshape(s, mean, image.channels, 1, 1);
  });
  return means.reduce((sum, mean) => next(sum, s.b.node('Add', [sum.name, mean])), image);
};

/** Queries and keys turned before attention, in one domain or the other. */
const rotary: Build = (s, x, { a, b }) => {
  const own = b % 2 === 0;
  if (!own && s.opset < 23) return x;
  const [heads, size, isApart] = [1 + (a % 3), a > 3 ? 4 : 6, b > 3];
  const isPart = b % 4 > 1 && size === 6;
  const pairs = isPart ? 2 : size / 2;
  const [features, length, tokens] = [heads * size, x.side * x.side, tokensOf(s, x)];
  const shared = a % 2 === 0 ? angles(s, length, pairs) : undefined;
  const ids = (): string => {
    if (own) return integers(s, [0]);
    const row = s.b.constant(fresh(s, 'ids'), 'int64', [1, length], upTo(length));
    const shape = s.b.node('Concat', [batchOf(s, tokens), integers(s, [length])], { axis: 0 });
    return s.b.node('Expand', [row, shape]);
  };
  const attributes: Attributes = {
    ...(isPart ? { rotary_embedding_dim: 2 * pairs } : {}),
    ...(isPart || (!own && !isApart) ? { num_heads: heads } : {}),
    ...(b === 4 || b === 1 ? { interleaved: 1 } : {}),
  };
  const turn = (value: string): string => {
    const [cos, sin] = shared ?? angles(s, length, pairs);
    const given = isApart ? apart(s, value, heads, size) : value;
    const out = own
      ? s.b.node('RotaryEmbedding', [given, ids(), cos, sin], attributes, ours)
      : s.b.node('RotaryEmbedding', [given, cos, sin, ids()], attributes);
    return isApart ? together(s, out, features) : out;
  };
  const [q = '', k = ''] = [0, 1].map(() => turn(project(s, tokens, x.channels, features)));
  const v = project(s, tokens, x.channels, features);
  const y =
    own || a % 2 === 0
      ? s.b.node('MultiHeadAttention', [q, k, v], { num_heads: heads }, ours)
      : s.b.node('Attention', [q, k, v], { q_num_heads: heads, kv_num_heads: heads });
  return joined(s, x, y, features, a % 2 === 1);
};

/** Fused layers over the pixels of an image as a sequence. */
export const ATTENTION_LAYERS: Readonly<Record<string, Build>> = {
  multiHead,
  selfAttention,
  groupQuery,
  onnxAttention,
  rotary,
  fusedMatMul: (s, x, { a, b }) => imageOf(s, x, fusedProduct(s, x, 2 + a, b), 2 + a),
  fusedHeads: (s, x, { a, b }) => {
    const [heads, depth, tokens] = [1 + (a % 3), 1 + (b % 3), tokensOf(s, x)];
    const [q = '', k = '', v = ''] = [0, 1, 2].map(() =>
      apart(s, project(s, tokens, x.channels, heads * depth), heads, depth),
    );
    const scores = s.b.node('Softmax', [fusedScores(s, q, k, a)], { axis: -1 });
    const mixed = together(s, s.b.node('FusedMatMul', [scores, v], {}, ours), heads * depth);
    return joined(s, x, mixed, heads * depth, b % 2 === 1);
  },
  fusedGemm: (s, x, { a, b }) => {
    const features = s.b.node('Flatten', [s.b.node('GlobalAveragePool', [x.name])]);
    const hidden = 2 + a;
    const first = [features, weight(s, [x.channels, hidden], x.channels), weight(s, [hidden])];
    const up = s.b.node('FusedGemm', first, { activation: 'Relu' }, ours);
    const second = [up, weight(s, [x.channels, hidden]), ...(b % 2 === 0 ? [] : [weight(s, [x.channels])])];
    const activation = { activation: 'LeakyRelu', activation_alpha: { float: 0.1 }, transB: 1 };
    return gated(s, x, reshape(s, s.b.node('FusedGemm', second, activation, ours), x.channels, 1, 1));
  },
  matMulNBits: (s, x, { a, b }) => {
    const [bits, blocks, rows] = [[4, 8, 2][a % 3] ?? 4, 1 + (b % 3), 2 + a];
    const [k, size] = [16 * blocks, 16];
    const bytes = (count: number): number[] => upTo(count).map(() => s.random.below(256));
    const packed = Math.ceil((blocks * bits) / 8);
    // Of 8 bits, onnxruntime takes packed zero points only.
    const zeros = [
      () => '',
      () => s.b.constant(fresh(s, 'zeros'), 'uint8', [rows, packed], bytes(rows * packed)),
      () => s.b.weight(fresh(s, 'zeros'), [rows, blocks], { std: 1, mean: 7 }),
    ];
    const blob = (size * bits) / 8;
    const inputs = [
      s.b.node('Tanh', [project(s, tokensOf(s, x), x.channels, k)]),
      s.b.constant(fresh(s, 'bytes'), 'uint8', [rows, blocks, blob], bytes(rows * blocks * blob)),
      s.b.weight(fresh(s, 'scales'), [rows, blocks], { std: 0.01, mean: 0.5 / 2 ** bits }),
      zeros[b % (bits === 8 ? 2 : 3)]?.() ?? '',
      '',
      b > 4 ? weight(s, [rows]) : '',
    ];
    const attributes = { K: k, N: rows, bits, block_size: size };
    return imageOf(s, x, s.b.node('MatMulNBits', inputs, attributes, ours), rows);
  },
  simplifiedNorm: (s, x) => {
    const inputs = [tokensOf(s, x), weight(s, [x.channels])];
    return imageOf(s, x, s.b.node('SimplifiedLayerNormalization', inputs), x.channels);
  },
  skipNorm: (s, x, layer) => {
    const simple = layer.b % 2 === 1;
    const others = tokensOf(s, like(s, pick(s, layer.with), x));
    const vector = (): string => weight(s, [x.channels]);
    const inputs = [tokensOf(s, x), others, vector()];
    if (!simple) inputs.push(vector());
    if (layer.a % 2 === 1) inputs.push(vector());
    const opType = simple ? 'SkipSimplifiedLayerNormalization' : 'SkipLayerNormalization';
    if (layer.a < 4) return imageOf(s, x, s.b.node(opType, inputs, { epsilon: { float: 0.1 } }, ours), x.channels);
    const [y, sum] = [fresh(s, 'normed'), fresh(s, 'sum')];
    s.b.nodes(opType, inputs, 4, {}, { ...ours, outputs: [y, '', '', sum] });
    return imageOf(s, x, s.b.node('Add', [y, sum]), x.channels);
  },
  embedNorm: (s, x, { a, b }) => {
    // Which channel of the input is largest is the word of a pixel; no cut touches the input.
    const { channels: words, side } = s.input;
    const largest = s.b.node('ArgMax', [s.input.name], { axis: 1, keepdims: 0 });
    const ids = s.b.node('Cast', [reshape(s, largest, side * side)], { to: 6 });
    const hidden = b % 2 === 0 && x.side === side ? x.channels : 4 + (a % 4);
    const inputs = [
      ids,
      a % 2 === 0 ? '' : ids,
      weight(s, [words, hidden], 1),
      weight(s, [side * side, hidden], 1),
      a % 2 === 0 ? '' : weight(s, [words, hidden], 1),
      weight(s, [hidden]),
      weight(s, [hidden]),
    ];
    const [y = ''] = s.b.nodes('EmbedLayerNormalization', inputs, 2, {}, ours);
    const embedded = imageOf(s, s.input, y, hidden);
    return embedded.channels === x.channels && embedded.side === x.side
      ? next(x, s.b.node('Add', [x.name, embedded.name]))
      : embedded;
  },
};
