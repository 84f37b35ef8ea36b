import { ModelBuilder } from '../support/build.ts';
import { type Case, found, testCases } from './cases.ts';
import { integers } from './nets.ts';

const HEADS = 4;
const DEPTH = 2;
const FEATURES = HEADS * DEPTH;

/** Moves between [N, T, E] and [N, H, T, d], in the way that an exporter writes it. */
interface Style {
  split(b: ModelBuilder, x: string, heads: number): string;
  merge(b: ModelBuilder, x: string): string;
}

const transpose = (b: ModelBuilder, x: string, ...perm: readonly number[]): string =>
  b.node('Transpose', [x], { perm });

const reshape = (b: ModelBuilder, x: string, ...shape: readonly number[]): string =>
  b.node('Reshape', [x, integers(b, shape)]);

/** One dim of a value, as a list of one: Shape, Gather, Unsqueeze. */
const dimOf = (b: ModelBuilder, x: string, dim: number): string =>
  b.node('Unsqueeze', [b.node('Gather', [b.node('Shape', [x]), integers(b, [dim], [])]), integers(b, [0])]);

/** Reshape to dims, each a number or taken from a value at run time. */
const reshapeTo = (b: ModelBuilder, x: string, ...dims: readonly (number | string)[]): string => {
  const parts = dims.map((dim) => (typeof dim === 'number' ? integers(b, [dim]) : dim));
  return b.node('Reshape', [x, b.node('Concat', parts, { axis: 0 })]);
};

/** Numbers, and 0 and -1 for what is open. */
const plain: Style = {
  split: (b, x, heads) => transpose(b, reshape(b, x, 0, 0, heads, DEPTH), 0, 2, 1, 3),
  merge: (b, x) => reshape(b, transpose(b, x, 0, 2, 1, 3), 0, 0, -1),
};

/** Batch and sequence read from the value itself, as TorchScript exports `x.view(x.size(0), x.size(1), h, d)`. */
const traced: Style = {
  split: (b, x, heads) => transpose(b, reshapeTo(b, x, dimOf(b, x, 0), dimOf(b, x, 1), heads, DEPTH), 0, 2, 1, 3),
  merge(b, x) {
    const back = transpose(b, x, 0, 2, 1, 3);
    return reshapeTo(b, back, dimOf(b, back, 0), dimOf(b, back, 1), FEATURES);
  },
};

/** As traced, with the features multiplied out of what the value has: `x.reshape(n, t, h * d)`. */
const computed: Style = {
  split: traced.split,
  merge(b, x) {
    const back = transpose(b, x, 0, 2, 1, 3);
    const features = b.node('Mul', [dimOf(b, back, 2), dimOf(b, back, 3)]);
    return reshapeTo(b, back, dimOf(b, back, 0), dimOf(b, back, 1), features);
  },
};

/** PyTorch's multi_head_attention_forward on [T, N, E]: heads folded into the batch, [T, N · H, d] → [N · H, T, d]. */
const folded = (batch: number | 'open'): Style => ({
  split(b, x, heads) {
    const parts = batch === 'open' ? [b.node('Mul', [dimOf(b, x, 1), integers(b, [heads])])] : [batch * heads];
    return transpose(b, reshapeTo(b, x, dimOf(b, x, 0), ...parts, DEPTH), 1, 0, 2);
  },
  merge(b, x) {
    const back = transpose(b, x, 1, 0, 2);
    return reshapeTo(b, back, dimOf(b, back, 0), batch === 'open' ? -1 : batch, FEATURES);
  },
});

/** softmax(q · kᵀ / √d) · v over the last two axes. */
function attend(b: ModelBuilder, q: string, k: string, v: string, rank = 4): string {
  const perm = [...Array(rank).keys()];
  const turned = transpose(b, k, ...perm.slice(0, -2), rank - 1, rank - 2);
  const scores = b.node('Div', [b.node('MatMul', [q, turned]), b.constant(`root_${q}`, 'float32', [], [Math.SQRT2])]);
  return b.node('MatMul', [b.node('Softmax', [scores], { axis: -1 }), v]);
}

function project(b: ModelBuilder, x: string, name: string, features = FEATURES): string {
  return b.node('Add', [
    b.node('MatMul', [x, b.weight(name, [5, features], { fanIn: 5 })]),
    b.vector(`${name}_bias`, features),
  ]);
}

/** tokens of 5 features → attention → "last" [8, 3]. */
function net(
  dims: readonly (number | string | undefined)[],
  mixed: (b: ModelBuilder, x: string) => string,
): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', [...dims, 5]);
  b.output(b.node('MatMul', [mixed(b, x), b.weight('last', [FEATURES, 3], { fanIn: FEATURES })]), 'float32');
  return b;
}

const OPEN = { options: { symbols: { T: 6 } } };

/** A dense layer as GPT-2's Conv1D does it: rows of all samples and tokens, a Gemm, and back to the dims read at run time. */
function byRows(b: ModelBuilder, x: string, name: string, inputs: number, outputs: number, computed: boolean): string {
  const rows = b.node('Gemm', [
    reshape(b, x, -1, inputs),
    b.weight(name, [inputs, outputs], { fanIn: inputs }),
    b.vector(`${name}_bias`, outputs),
  ]);
  const width = computed ? b.node('Mul', [dimOf(b, x, 2), integers(b, [outputs / inputs])]) : outputs;
  return reshapeTo(b, rows, dimOf(b, x, 0), dimOf(b, x, 1), width);
}

testCases('dense layers on rows of all tokens', {
  'with batch and sequence read at run time': {
    ...found(
      net(['N', 'T'], (b, x) =>
        byRows(b, b.node('Relu', [byRows(b, x, 'up', 5, 20, false)]), 'down', 20, FEATURES, false),
      ),
      'up 20',
      'down 8',
    ),
    ...OPEN,
  },
  'with the width computed as well': {
    ...found(
      net(['N', 'T'], (b, x) =>
        byRows(b, b.node('Relu', [byRows(b, x, 'up', 5, 20, true)]), 'down', 20, FEATURES, false),
      ),
      'up 20',
      'down 8',
    ),
    ...OPEN,
  },
});

/** q, k and v from weights of their own. */
const separate =
  (style: Style, rank = 4) =>
  (b: ModelBuilder, x: string): string => {
    const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => style.split(b, project(b, x, name), HEADS));
    return style.merge(b, attend(b, q, k, v, rank));
  };

testCases('attention with weights for q, k and v each loses whole heads', {
  'of fixed sizes': found(net([2, 6], separate(plain)), 'q 4'),
  'with an open batch': found(net(['N', 6], separate(plain)), 'q 4'),
  'with batch and sequence open': { ...found(net(['N', 'T'], separate(plain)), 'q 4'), ...OPEN },
  'with batch and sequence read at run time': { ...found(net(['N', 'T'], separate(traced)), 'q 4'), ...OPEN },
  'with the features multiplied at run time': { ...found(net(['N', 'T'], separate(computed)), 'q 4'), ...OPEN },
  'with batch and sequence without names, read at run time': {
    ...found(net([undefined, undefined], separate(traced)), 'q 4'),
    options: { symbols: { 'tokens[1]': 6 } },
  },
  'with heads folded into a fixed batch': found(net([6, 2], separate(folded(2), 3)), 'q 4'),
  // Which head a row belongs to depends on the batch, so that the same dimensions of all heads leave.
  'but with heads folded into an open batch': {
    ...found(net(['T', 'N'], separate(folded('open'), 3)), 'q 2', 'v 2'),
    ...OPEN,
  },
});

/** One weight for q, k and v: [N, T, 3 · E]. */
const packed =
  (...parts: ((b: ModelBuilder, qkv: string) => string[])[]) =>
  (b: ModelBuilder, x: string): string => {
    const qkv = project(b, x, 'qkv', 3 * FEATURES);
    const [q = '', k = '', v = ''] = parts.flatMap((part) => part(b, qkv));
    return plain.merge(b, attend(b, q, k, v));
  };

/** [N, T, 3, H, d] → [3, N, H, T, d] → each by Gather, as timm's ViT. */
const gathered = (b: ModelBuilder, qkv: string): string[] => {
  const apart = transpose(b, reshape(b, qkv, 0, 0, 3, HEADS, DEPTH), 2, 0, 3, 1, 4);
  return [0, 1, 2].map((i) => b.node('Gather', [apart, integers(b, [i], [])]));
};

/** Split of the features, then heads of each. */
const splitApart = (b: ModelBuilder, qkv: string): string[] =>
  b
    .nodes('Split', [qkv, integers(b, [FEATURES, FEATURES, FEATURES])], 3, { axis: 2 })
    .map((each) => plain.split(b, each, HEADS));

/** Heads first, [N, T, H, 3 · d], then Split of what each head has, as Swin-like and NeoX-like models. */
const splitWithin = (b: ModelBuilder, qkv: string): string[] => {
  const heads = transpose(b, reshape(b, qkv, 0, 0, HEADS, 3 * DEPTH), 0, 2, 1, 3);
  return b.nodes('Split', [heads, integers(b, [DEPTH, DEPTH, DEPTH])], 3, { axis: 3 });
};

/** [N, T, 3, H, d] cut into slices of length 1. */
const sliced = (b: ModelBuilder, qkv: string): string[] => {
  const apart = reshape(b, qkv, 0, 0, 3, HEADS, DEPTH);
  return [0, 1, 2].map((i) => {
    const one = b.node('Slice', [apart, integers(b, [i]), integers(b, [i + 1]), integers(b, [2])]);
    return transpose(b, b.node('Squeeze', [one, integers(b, [2])]), 0, 2, 1, 3);
  });
};

testCases('attention with one weight for q, k and v loses whole heads', {
  'taken apart by Gather': found(net(['N', 6], packed(gathered)), 'qkv 4'),
  'taken apart by Gather, the sequence open': { ...found(net(['N', 'T'], packed(gathered)), 'qkv 4'), ...OPEN },
  'taken apart by Split': found(net(['N', 6], packed(splitApart)), 'qkv 4'),
  'taken apart by Split within each head': found(net(['N', 6], packed(splitWithin)), 'qkv 4'),
  'taken apart by Slice': found(net(['N', 6], packed(sliced)), 'qkv 4'),
});

const GROUPS = 2;
const COPIES = HEADS / GROUPS;

/** Fewer heads of keys and values than of queries: each is repeated for its group of queries. */
const grouped =
  (repeat: (b: ModelBuilder, x: string) => string) =>
  (b: ModelBuilder, x: string): string => {
    const q = plain.split(b, project(b, x, 'q'), HEADS);
    const [k = '', v = ''] = ['k', 'v'].map((name) =>
      repeat(b, plain.split(b, project(b, x, name, GROUPS * DEPTH), GROUPS)),
    );
    return plain.merge(b, attend(b, q, k, v));
  };

/** torch's repeat_kv: [N, G, T, d] → [N, G, 1, T, d] → [N, G, c, T, d] → [N, G · c, T, d]. */
const byExpand = (b: ModelBuilder, x: string): string => {
  const apart = b.node('Unsqueeze', [x, integers(b, [2])]);
  const copies = b.node('Expand', [apart, integers(b, [1, 1, COPIES, 1, 1])]);
  return reshape(b, copies, 0, HEADS, -1, DEPTH);
};

/** As byExpand, to a shape that names every length but the batch. */
const byFullExpand = (b: ModelBuilder, x: string): string => {
  const apart = b.node('Unsqueeze', [x, integers(b, [2])]);
  const target = b.node('Concat', [dimOf(b, x, 0), integers(b, [GROUPS, COPIES, 6, DEPTH])], { axis: 0 });
  return reshape(b, b.node('Expand', [apart, target]), 0, HEADS, 6, DEPTH);
};

/** Copy after copy of all of them. */
const byTile = (b: ModelBuilder, x: string): string => b.node('Tile', [x, integers(b, [1, COPIES, 1, 1])]);
const byConcat = (b: ModelBuilder, x: string): string => b.node('Concat', Array<string>(COPIES).fill(x), { axis: 1 });

/** The same with batch and sequence read at run time. */
const byOpenExpand = (b: ModelBuilder, x: string): string => {
  const [n, t] = [dimOf(b, x, 0), dimOf(b, x, 2)];
  const copies = HEADS / GROUPS;
  const target = b.node('Concat', [n, integers(b, [GROUPS, copies]), t, integers(b, [DEPTH])], { axis: 0 });
  const stretched = b.node('Expand', [b.node('Unsqueeze', [x, integers(b, [2])]), target]);
  return reshapeTo(b, stretched, n, HEADS, t, DEPTH);
};

testCases('grouped-query attention loses whole groups of heads', {
  'repeated by Expand': found(net(['N', 6], grouped(byExpand)), 'q 2'),
  'repeated by Expand to a shape made at run time': found(net(['N', 6], grouped(byFullExpand)), 'q 2'),
  'repeated by Expand, batch and sequence open': { ...found(net(['N', 'T'], grouped(byOpenExpand)), 'q 2'), ...OPEN },
  'repeated by Tile': found(net(['N', 6], grouped(byTile)), 'q 2'),
  'repeated by Concat': found(net(['N', 6], grouped(byConcat)), 'q 2'),
});

/** x · cos + rotate_half(x) · sin, over the last axis. */
function rotated(b: ModelBuilder, x: string, name: string): string {
  const half = DEPTH / 2;
  const part = (from: number, to: number): string =>
    b.node('Slice', [x, integers(b, [from]), integers(b, [to]), integers(b, [3])]);
  const turned = b.node('Concat', [b.node('Neg', [part(half, 2 ** 31)]), part(0, half)], { axis: -1 });
  const table = (kind: string): string => b.weight(`${name}_${kind}`, [1, 1, 6, DEPTH], { std: 0.7 });
  return b.node('Add', [b.node('Mul', [x, table('cos')]), b.node('Mul', [turned, table('sin')])]);
}

const withRotation = (b: ModelBuilder, x: string): string => {
  const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => plain.split(b, project(b, x, name), HEADS));
  return plain.merge(b, attend(b, rotated(b, q, 'q'), rotated(b, k, 'k'), v));
};

/** A whole block: attention, residual, feed-forward of 10, residual; the features of the residual are the input's. */
function block(): Case {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['N', 6, 5]);
  const attended = b.node('MatMul', [separate(plain)(b, x), b.weight('out', [FEATURES, 5], { fanIn: FEATURES })]);
  const sum = b.node('Add', [x, attended]);
  const norm = b.node('LayerNormalization', [sum, b.vector('scale', 5, { mean: 1 }), b.vector('shift', 5)]);
  const wide = b.node('Relu', [b.node('MatMul', [norm, b.weight('up', [5, 10], { fanIn: 5 })])]);
  b.output(b.node('Add', [sum, b.node('MatMul', [wide, b.weight('down', [10, 5], { fanIn: 10 })])]), 'float32');
  return found(b, 'q 4', 'up 10');
}

testCases('attention in its surroundings loses whole heads', {
  'with rotary positions': found(net(['N', 6], withRotation), 'q 4'),
  'in a transformer block': block(),
  'with a learned position of each head': found(
    net(['N', 6], (b, x) => {
      const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => plain.split(b, project(b, x, name), HEADS));
      const scores = b.node('MatMul', [q, transpose(b, k, 0, 1, 3, 2)]);
      const placed = b.node('Add', [scores, b.weight('places', [1, HEADS, 6, 6])]);
      return plain.merge(b, b.node('MatMul', [b.node('Softmax', [placed], { axis: -1 }), v]));
    }),
    'q 4',
  ),
});
