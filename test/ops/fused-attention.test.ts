import { describe, expect, test } from 'vitest';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type Attributes, ModelBuilder } from '../support/build.ts';
import { apart, attentionNet, DIMENSIONS, fused, fusedMany, MICROSOFT, project, together } from './attention-nets.ts';
import { type Case, found, testCases } from './cases.ts';

const HEADS = 4;
const DEPTH = 3;
const FEATURES = HEADS * DEPTH;
/** Values may have heads of another size. */
const VALUE_DEPTH = 2;
const VALUE_FEATURES = HEADS * VALUE_DEPTH;

type More = Readonly<Partial<Record<'bias' | 'mask' | 'attentionBias' | 'pastKey' | 'pastValue', string>>>;

interface Form {
  readonly valueFeatures?: number;
  readonly attributes?: Attributes;
  readonly more?: (b: ModelBuilder, x: string) => More;
}

/** MultiHeadAttention of three projections. */
function multiHead({ valueFeatures = FEATURES, attributes = {}, more = () => ({}) }: Form): ModelBuilder {
  return attentionNet(valueFeatures, (b, x) => {
    const [q, k] = ['q', 'k'].map((name) => project(b, x, name, FEATURES));
    const v = project(b, x, 'v', valueFeatures);
    const { bias = '', mask = '', attentionBias = '', pastKey = '', pastValue = '' } = more(b, x);
    const inputs = [q ?? '', k ?? '', v, bias, mask, attentionBias, pastKey, pastValue];
    return fused(b, 'MultiHeadAttention', inputs, { num_heads: HEADS, ...attributes });
  });
}

const heads = (form: Form = {}): Case => found(multiHead(form), 'q 4');
const dims = (form: Form = {}): Case => ({ ...found(multiHead(form), 'q 3', 'v 3'), options: DIMENSIONS });
const wide = { valueFeatures: VALUE_FEATURES };

const bias =
  (valueFeatures = FEATURES) =>
  (b: ModelBuilder): More => ({ bias: b.vector('bias', 2 * FEATURES + valueFeatures, { std: 0.5 }) });

/** Keep the first positions of each row. */
const mask =
  (dimensions: readonly number[], values: readonly number[]) =>
  (b: ModelBuilder): More => ({ mask: b.constant('mask', 'int32', dimensions, values) });
const padding = Array.from({ length: 12 }, (_, i) => (i % 6 < 4 ? 1 : 0));
const triangle = Array.from({ length: 72 }, (_, i) => (i % 6 <= Math.floor(i / 6) % 6 ? 1 : 0));

const attentionBias =
  (dimensions: readonly number[]) =>
  (b: ModelBuilder): More => ({ attentionBias: b.weight('places', dimensions, { std: 1 }) });

/** Past keys and values made of the same tokens. */
const past = (b: ModelBuilder, x: string): More => ({
  pastKey: apart(b, project(b, x, 'past_k', FEATURES), HEADS, DEPTH),
  pastValue: apart(b, project(b, x, 'past_v', FEATURES), HEADS, DEPTH),
});

testCases('MultiHeadAttention loses whole heads', {
  plain: heads(),
  'of values with another size': heads(wide),
  'with a scale of its own': heads({ attributes: { scale: { float: 0.3 } } }),
  'looking back only': heads({ attributes: { unidirectional: 1 } }),
  'with a bias': heads({ more: bias() }),
  'with a bias and values of another size': heads({ ...wide, more: bias(VALUE_FEATURES) }),
  'with a mask of lengths': heads({ more: mask([2], [4, 5]) }),
  'with a mask of lengths and starts': heads({ more: mask([8], [4, 5, 0, 6, 12, 0, 6, 12]) }),
  'with a mask of keys': heads({ more: mask([2, 6], padding) }),
  'with a mask of pairs': heads({ more: mask([2, 6, 6], triangle) }),
  'with a bias of every score': heads({ more: attentionBias([2, HEADS, 6, 6]) }),
  'with a bias of scores for all samples': heads({ more: attentionBias([1, HEADS, 6, 6]) }),
  'with a bias of scores for all heads': heads({ more: attentionBias([1, 1, 6, 6]) }),
  'after past keys and values': heads({ more: past }),
});

testCases('MultiHeadAttention loses dimensions of all heads', {
  plain: dims(),
  'of values with another size': { ...dims(wide), groups: ['q 3', 'v 2'] },
  'with a scale of its own': dims({ attributes: { scale: { float: 0.3 } } }),
  'looking back only': dims({ attributes: { unidirectional: 1 } }),
  'with a bias': dims({ more: bias() }),
  'with a bias and values of another size': {
    ...dims({ ...wide, more: bias(VALUE_FEATURES) }),
    groups: ['q 3', 'v 2'],
  },
  'with a mask of keys': dims({ more: mask([2, 6], padding) }),
  'with a bias of every score': dims({ more: attentionBias([2, HEADS, 6, 6]) }),
  'after past keys and values': { ...dims({ more: past }), groups: ['q 3'] },
});

/** Past keys and values and all three outputs: the attended values, and keys and values of past and present. */
const withPresent = (b: ModelBuilder, x: string): string => {
  const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => project(b, x, name, FEATURES));
  const { pastKey = '', pastValue = '' } = past(b, x);
  const inputs = [q, k, v, '', '', '', pastKey, pastValue];
  const [y = '', key = '', value = ''] = fusedMany(b, 'MultiHeadAttention', inputs, 3, { num_heads: HEADS });
  const caches = b.node('Add', [together(b, key, FEATURES), together(b, value, FEATURES)]);
  return b.node('Concat', [y, caches], { axis: 1 });
};

/** Past keys and values are constants, of a fixed prefix; `length` says how much of them counts, or '' for all. */
const afterConstants =
  (length: '' | 'length') =>
  (b: ModelBuilder, x: string): string => {
    const qkv = ['q', 'k', 'v'].map((name) => project(b, x, name, FEATURES));
    const past = ['past_k', 'past_v'].map((name) => b.weight(name, [2, HEADS, 8, DEPTH], { std: 1 }));
    const inputs = [...qkv, '', '', '', ...past, ...(length === '' ? [] : [b.constant(length, 'int32', [1], [2])])];
    return fusedMany(b, 'MultiHeadAttention', inputs, 3, { num_heads: HEADS })[0] ?? '';
  };

/** Keys and values come apart already, as a cache of an encoder's has them. */
const crossed = (b: ModelBuilder, x: string): string => {
  const q = project(b, x, 'q', FEATURES);
  const [k = '', v = ''] = ['k', 'v'].map((name) => apart(b, project(b, x, name, FEATURES), HEADS, DEPTH));
  return fused(b, 'MultiHeadAttention', [q, k, v], { num_heads: HEADS });
};

testCases('MultiHeadAttention in further forms', {
  'after keys and values that are constants, heads': found(attentionNet(FEATURES, afterConstants('')), 'q 4'),
  'after keys and values that are constants, dimensions': {
    ...found(attentionNet(FEATURES, afterConstants('')), 'q 3'),
    options: DIMENSIONS,
  },
  'but not with memory that past and present share': {
    net: attentionNet(FEATURES, afterConstants('length')),
    groups: [],
    refusals: { q: /MultiHeadAttention shares the memory of past and present keys/ },
  },
  'gives present keys and values out, heads': found(attentionNet(FEATURES, withPresent), 'q 4'),
  'gives present keys and values out, dimensions': {
    ...found(attentionNet(FEATURES, withPresent), 'q 3'),
    options: DIMENSIONS,
  },
  'of keys and values apart, heads': found(attentionNet(FEATURES, crossed), 'q 4'),
  'of keys and values apart, dimensions': {
    ...found(attentionNet(FEATURES, crossed), 'q 3'),
    options: DIMENSIONS,
  },
  'gives the scores of every head out, which stay': found(
    attentionNet(FEATURES, (b, x) => {
      const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => project(b, x, name, FEATURES));
      const options = { domain: 'com.microsoft', outputs: ['attended', '', '', 'scores'] };
      b.nodes('MultiHeadAttention', [q, k, v], 4, { num_heads: HEADS }, options);
      b.output('scores', 'float32', [2, HEADS, 6, 6]);
      return 'attended';
    }),
    'q 3',
    'v 3',
  ),
  'of one head loses its dimensions': {
    ...found(
      attentionNet(4, (b, x) => {
        const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => project(b, x, name, 4));
        return fused(b, 'MultiHeadAttention', [q, k, v], { num_heads: 1 });
      }),
      'q 4',
      'v 4',
    ),
  },
  'with a bias of scores that is an input loses dimensions': {
    ...found(
      multiHead({
        more: (b) => ({ attentionBias: b.input('places', 'float32', [1, HEADS, 6, 6]) }),
      }),
      'q 3',
      'v 3',
    ),
  },
});

interface SelfForm {
  readonly valueFeatures?: number;
  readonly attributes?: Attributes;
  readonly more?: (b: ModelBuilder, x: string) => More & { readonly past?: string };
}

/** com.microsoft's Attention, which projects by itself. */
function self({ valueFeatures = FEATURES, attributes = {}, more = () => ({}) }: SelfForm): Case {
  const net = attentionNet(valueFeatures, (b, x) => {
    const total = 2 * FEATURES + valueFeatures;
    const inner = project(b, x, 'before', 7);
    const weight = b.weight('qkv', [7, total], { fanIn: 7 });
    const { bias: given = '', mask: masked = '', attentionBias: added = '', past: before = '' } = more(b, inner);
    const inputs = [inner, weight, given === '' ? b.vector('bias', total, { std: 0.5 }) : given, masked, before, added];
    if (before === '') return fused(b, 'Attention', inputs, { num_heads: HEADS, ...attributes });
    const [y = '', present = ''] = fusedMany(b, 'Attention', inputs, 2, { num_heads: HEADS, ...attributes });
    const [keys = '', values = ''] = b.nodes('Split', [present], 2, { axis: 0 });
    const [k, v] = [keys, values].map((each, i) => {
      const flat = b.node('Squeeze', [each, b.constant(`present_axes_${i}`, 'int64', [1], [0])]);
      return together(b, flat, FEATURES);
    });
    return b.node('Concat', [y, b.node('Add', [k ?? '', v ?? ''])], { axis: 1 });
  });
  return found(net, 'before 7', 'qkv 4');
}

/** Keys and values end to end along a new first axis: [2, N, H, T, d]. */
const pastOfBoth = (b: ModelBuilder, x: string): { past: string } => {
  const both = ['past_k', 'past_v'].map((name) => {
    const value = apart(b, project(b, x, name, FEATURES, 7), HEADS, DEPTH);
    return b.node('Unsqueeze', [value, b.constant(`${name}_axes`, 'int64', [1], [0])]);
  });
  return { past: b.node('Concat', both, { axis: 0 }) };
};

testCases('Attention that projects by itself loses whole heads and features of its input', {
  plain: self({}),
  'looking back only': self({ attributes: { unidirectional: 1 } }),
  'with a scale of its own': self({ attributes: { scale: { float: 0.3 } } }),
  'of sizes that are said': self({ attributes: { qkv_hidden_sizes: { ints: [FEATURES, FEATURES, FEATURES] } } }),
  'of values with another size': self({
    ...wide,
    attributes: { qkv_hidden_sizes: { ints: [FEATURES, FEATURES, VALUE_FEATURES] } },
  }),
  'with a mask of lengths': self({ more: mask([2], [4, 5]) }),
  'with a mask of lengths and both starts': self({ more: mask([8], [4, 5, 0, 6, 12, 0, 6, 12]) }),
  'with a mask of ends and starts': self({ more: mask([4], [4, 5, 0, 1]) }),
  'with a mask of keys': self({ more: mask([2, 6], padding) }),
  'with a mask of pairs': self({ more: mask([2, 6, 6], triangle) }),
  'with a bias of every score': self({ more: attentionBias([2, HEADS, 6, 6]) }),
  'with a bias of scores for all heads': self({ more: attentionBias([1, 1, 6, 6]) }),
  'and no dimensions inside heads': { ...self({}), options: DIMENSIONS },
  'and no dimensions inside heads, after past keys and values': {
    ...self({ more: pastOfBoth }),
    groups: ['before 7', 'past_k 4'],
    options: DIMENSIONS,
  },
  'after past keys and values': { ...self({ more: pastOfBoth }), groups: ['before 7', 'past_k 4'] },
});

/** Why the first input of a node stays, by its rule alone: forms that onnxruntime has no CPU kernel for. */
function reasonOf(build: (b: ModelBuilder) => void): string | undefined {
  const b = new ModelBuilder(MICROSOFT);
  build(b);
  const { graph } = importModel(decodeModel(b.bytes()));
  const [node] = graph.nodes;
  const coupling = node && ruleOf(node).couple(node);
  return coupling?.pins.find((pin) => pin.axis.value === node?.inputs[0])?.reason;
}

const tokens = (b: ModelBuilder, name: string, ...dims: readonly number[]): string =>
  b.input(name, 'float32', [2, 6, ...dims]);

describe('what onnxruntime has no CPU kernel for is pinned with that reason', () => {
  test('MultiHeadAttention of packed queries, keys and values', () => {
    const reason = reasonOf((b) =>
      fused(b, 'MultiHeadAttention', [tokens(b, 'qkv', HEADS, 3, DEPTH)], { num_heads: HEADS }),
    );
    expect(reason).toMatch(/packed, which onnxruntime does not run on a CPU/);
  });

  test('MultiHeadAttention of packed keys and values', () => {
    const reason = reasonOf((b) => {
      const inputs = [tokens(b, 'q', FEATURES), tokens(b, 'kv', HEADS, 2, DEPTH)];
      fused(b, 'MultiHeadAttention', inputs, { num_heads: HEADS });
    });
    expect(reason).toMatch(/packed, which onnxruntime does not run on a CPU/);
  });

  test('Attention that turns queries and keys', () => {
    const reason = reasonOf((b) => {
      const y = fused(b, 'Attention', [tokens(b, 'x', 5), b.weight('w', [5, 36])], { num_heads: HEADS, do_rotary: 1 });
      b.output(y, 'float32', [2, 6, FEATURES]);
    });
    expect(reason).toMatch(/turns queries and keys, which onnxruntime does not run on a CPU/);
  });

  test('Attention of sizes that do not add up', () => {
    const reason = reasonOf((b) => {
      const sizes = { qkv_hidden_sizes: { ints: [12, 12, 8] } };
      const y = fused(b, 'Attention', [tokens(b, 'x', 5), b.weight('w', [5, 36])], { num_heads: HEADS, ...sizes });
      b.output(y, 'float32', [2, 6, FEATURES]);
    });
    expect(reason).toMatch(/the sizes at Attention are unknown/);
  });
});
