import type { Attributes, ModelBuilder, ModelOptions } from '../support/build.ts';
import { apart, attentionNet, DIMENSIONS, fused, MICROSOFT, project, together } from './attention-nets.ts';
import { type Case, found, testCases } from './cases.ts';

const HEADS = 4;
const LENGTH = 6;
const NEWEST: ModelOptions = { opset: 23, irVersion: 10 };

interface Form {
  readonly heads?: number;
  /** Dimensions of a head, and how many pairs of them are turned. */
  readonly size?: number;
  readonly pairs?: number;
  readonly apart?: boolean;
  readonly attributes?: Attributes;
  /** Where positions come from: an offset, one for every token, an input of them. */
  readonly positions?: 'offset' | 'each' | 'input';
  /** Angles of queries and of keys in one pair of constants. */
  readonly shared?: boolean;
}

const table = (turn: (angle: number) => number, rows: number, pairs: number): number[] =>
  Array.from({ length: rows * pairs }, (_, i) => turn(Math.floor(i / pairs) / (1 + (i % pairs))));

function angles(b: ModelBuilder, name: string, pairs: number, batch?: number): string[] {
  const dims = batch === undefined ? [8, pairs] : [batch, LENGTH, pairs];
  const rows = batch === undefined ? 8 : batch * LENGTH;
  return [
    b.constant(`cos_${name}`, 'float32', dims, table(Math.cos, rows, pairs)),
    b.constant(`sin_${name}`, 'float32', dims, table(Math.sin, rows, pairs)),
  ];
}

function positions(b: ModelBuilder, wish: Form['positions']): string {
  if (wish === 'input') return b.input('positions', 'int64', [2, LENGTH]);
  if (wish === 'offset') return b.constant('offset', 'int64', [1], [1]);
  return b.constant('positions', 'int64', [2, LENGTH], [0, 1, 2, 3, 4, 5, 2, 3, 4, 5, 6, 7]);
}

/** Turned queries and keys, through MultiHeadAttention or its counterpart in ONNX. */
function net(form: Form, microsoft: boolean): ModelBuilder {
  const { heads = HEADS, size = 4, pairs = size / 2, attributes = {} } = form;
  const features = heads * size;
  const middle = (b: ModelBuilder, x: string): string => {
    const ids = microsoft || form.positions !== undefined ? positions(b, form.positions) : undefined;
    const batch = ids === undefined ? 2 : undefined;
    const common = form.shared ? angles(b, 'both', pairs, batch) : undefined;
    const turn = (value: string, name: string): string => {
      const [cos = '', sin = ''] = common ?? angles(b, name, pairs, batch);
      if (microsoft) return fused(b, 'RotaryEmbedding', [value, ids ?? '', cos, sin], attributes);
      const inputs = [value, cos, sin, ...(ids === undefined ? [] : [ids])];
      return b.node('RotaryEmbedding', inputs, { ...(form.apart ? {} : { num_heads: heads }), ...attributes });
    };
    const [q = '', k = ''] = ['q', 'k'].map((name) => {
      const flat = project(b, x, name, features);
      return form.apart ? together(b, turn(apart(b, flat, heads, size), name), features) : turn(flat, name);
    });
    const v = project(b, x, 'v', features);
    return microsoft
      ? fused(b, 'MultiHeadAttention', [q, k, v], { num_heads: heads })
      : b.node('Attention', [q, k, v], { q_num_heads: heads, kv_num_heads: heads });
  };
  return attentionNet(features, middle, microsoft ? MICROSOFT : NEWEST);
}

for (const microsoft of [true, false]) {
  const name = microsoft ? "onnxruntime's RotaryEmbedding" : "ONNX's RotaryEmbedding";
  const heads = (form: Form = {}): Case => found(net(form, microsoft), 'q 4');
  const pairs = (form: Form = {}, ...groups: readonly string[]): Case => ({
    ...found(net(form, microsoft), ...groups),
    options: DIMENSIONS,
  });
  const part: Form = { size: 6, pairs: 2, attributes: { rotary_embedding_dim: 4, num_heads: HEADS } };

  testCases(`${name} passes whole heads on`, {
    plain: heads(),
    interleaved: heads({ attributes: { interleaved: 1 } }),
    'with the number of heads said': heads({ attributes: { num_heads: HEADS } }),
    'of a part of the dimensions': heads(part),
    'of heads along an axis of their own': heads({ apart: true }),
    'with positions for each token': heads({ positions: 'each' }),
    'with positions that are an input': heads({ positions: 'input' }),
    'with angles for queries and keys alike': heads({ shared: true }),
  });

  testCases(`${name} loses pairs with their angles`, {
    plain: pairs({}, 'q 2', 'v 4'),
    interleaved: pairs({ attributes: { interleaved: 1 } }, 'q 2', 'v 4'),
    'with the number of heads said': pairs({ attributes: { num_heads: HEADS } }, 'q 2', 'v 4'),
    'of a part of the dimensions': pairs(part, 'q 2', 'q 2', 'v 6'),
    'of a part of the dimensions, interleaved': pairs(
      { ...part, attributes: { ...part.attributes, interleaved: 1 } },
      'q 2',
      'q 2',
      'v 6',
    ),
    'of heads along an axis of their own': pairs({ apart: true }, 'q 2', 'v 4'),
    'with positions that are an input': pairs({ positions: 'input' }, 'q 2', 'v 4'),
    'with angles for queries and keys alike': pairs({ shared: true }, 'q 2', 'v 4'),
    'of one head': found(net({ heads: 1, size: 8 }, microsoft), 'q 4', 'v 8'),
  });
}

testCases("onnxruntime's RotaryEmbedding counts positions", {
  'from an offset': found(net({ positions: 'offset' }, true), 'q 4'),
});
