import type { Attributes, ModelBuilder, ModelOptions } from '../support/build.ts';
import { apart, attentionNet, DIMENSIONS, project, together } from './attention-nets.ts';
import { type Case, found, testCases } from './cases.ts';

const HEADS = 4;
const DEPTH = 3;
const NEWEST: ModelOptions = { opset: 23, irVersion: 10 };

interface Form {
  readonly keyHeads?: number;
  readonly valueDepth?: number;
  /** Tensors of rank four, heads along an axis of their own. */
  readonly apart?: boolean;
  readonly attributes?: Attributes;
  readonly mask?: (b: ModelBuilder) => string;
  readonly past?: boolean;
  readonly present?: boolean;
  readonly options?: ModelOptions;
}

function net(form: Form): ModelBuilder {
  const { keyHeads = HEADS, valueDepth = DEPTH, attributes = {}, options = NEWEST } = form;
  return attentionNet(
    HEADS * valueDepth,
    (b, x) => {
      const made = (name: string, heads: number, size: number, split: boolean): string => {
        const flat = project(b, x, name, heads * size);
        return split ? apart(b, flat, heads, size) : flat;
      };
      const split = form.apart ?? false;
      const inputs = [
        made('q', HEADS, DEPTH, split),
        made('k', keyHeads, DEPTH, split),
        made('v', keyHeads, valueDepth, split),
        form.mask?.(b) ?? '',
        ...(form.past ? [made('past_k', keyHeads, DEPTH, true), made('past_v', keyHeads, valueDepth, true)] : []),
      ];
      const counts: Attributes = split ? {} : { q_num_heads: HEADS, kv_num_heads: keyHeads };
      const [y = '', key = '', value = ''] = b.nodes('Attention', inputs, form.present ? 3 : 1, {
        ...counts,
        ...attributes,
      });
      if (form.present) {
        for (const [cache, size] of [
          [key, DEPTH],
          [value, valueDepth],
        ] as const) {
          const flat = together(b, cache, keyHeads * size);
          b.output(b.node('MatMul', [flat, b.weight(`read_${cache}`, [keyHeads * size, 2], { std: 0.5 })]), 'float32');
        }
      }
      return split ? together(b, y, HEADS * valueDepth) : y;
    },
    options,
  );
}

const heads = (form: Form = {}, count = HEADS): Case => found(net(form), `q ${count}`);
const dims = (form: Form = {}): Case => ({
  ...found(net(form), `q ${DEPTH}`, `v ${form.valueDepth ?? DEPTH}`),
  options: DIMENSIONS,
});

const mask =
  (dimensions: readonly number[]) =>
  (b: ModelBuilder): string =>
    b.weight('places', dimensions, { std: 1 });
const triangle = (b: ModelBuilder): string =>
  b.constant(
    'may',
    'bool',
    [6, 6],
    Array.from({ length: 36 }, (_, i) => (i % 6 <= Math.floor(i / 6) ? 1 : 0)),
  );

for (const rank of [3, 4] as const) {
  const form = { apart: rank === 4 };
  testCases(`Attention of rank ${rank} loses whole heads`, {
    plain: heads(form),
    'of values with another size': heads({ ...form, valueDepth: 2 }),
    'with a scale of its own': heads({ ...form, attributes: { scale: { float: 0.3 } } }),
    'looking back only': heads({ ...form, attributes: { is_causal: 1 } }),
    'with scores capped': heads({ ...form, attributes: { softcap: { float: 2 } } }),
    'with a mask of pairs': heads({ ...form, mask: triangle }),
    'with a mask for every head': heads({ ...form, mask: mask([HEADS, 6, 6]) }),
    'with a mask of every score': heads({ ...form, mask: mask([2, HEADS, 6, 6]) }),
    'with a mask for all heads': heads({ ...form, mask: mask([2, 1, 6, 6]) }),
    'fewer heads of keys': heads({ ...form, keyHeads: 2 }, 2),
    'one head of keys for all': heads({ ...form, keyHeads: 1 }, 4),
    'after past keys and values': heads({ ...form, past: true, present: true }),
    'after past keys and values, fewer heads of keys': heads({ ...form, past: true, present: true, keyHeads: 2 }, 2),
  });

  testCases(`Attention of rank ${rank} loses dimensions of all heads`, {
    plain: dims(form),
    'of values with another size': dims({ ...form, valueDepth: 2 }),
    'with a scale of its own': dims({ ...form, attributes: { scale: { float: 0.3 } } }),
    'looking back only': dims({ ...form, attributes: { is_causal: 1 } }),
    'with scores capped': dims({ ...form, attributes: { softcap: { float: 2 } } }),
    'with a mask of every score': dims({ ...form, mask: mask([2, HEADS, 6, 6]) }),
    'fewer heads of keys': dims({ ...form, keyHeads: 2 }),
    'one head of keys for all': dims({ ...form, keyHeads: 1 }),
    'after past keys and values': dims({ ...form, past: true, present: true }),
  });
}

testCases('Attention in further forms', {
  'with lengths of keys, in opset 24': found(
    attentionNet(
      HEADS * DEPTH,
      (b, x) => {
        const qkv = ['q', 'k', 'v'].map((name) => project(b, x, name, HEADS * DEPTH));
        const inputs = [...qkv, '', '', '', b.constant('lengths', 'int64', [2], [4, 5])];
        return b.node('Attention', inputs, { q_num_heads: HEADS, kv_num_heads: HEADS });
      },
      { opset: 24, irVersion: 11 },
    ),
    'q 4',
  ),
  'of opset 24': heads({ options: { opset: 24, irVersion: 11 } }),
  'gives the scores of every head out, which stay': found(
    attentionNet(
      HEADS * DEPTH,
      (b, x) => {
        const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => project(b, x, name, HEADS * DEPTH));
        const outputs = ['attended', '', '', 'scores'];
        b.nodes('Attention', [q, k, v], 4, { q_num_heads: HEADS, kv_num_heads: HEADS }, { outputs });
        b.output('scores', 'float32', [2, HEADS, 6, 6]);
        return 'attended';
      },
      NEWEST,
    ),
    'q 3',
    'v 3',
  ),
});
