import { type Attributes, ModelBuilder } from '../support/build.ts';
import { apart, attentionNet, DIMENSIONS, fusedMany, MICROSOFT, project, together } from './attention-nets.ts';
import { type Case, found, testCases } from './cases.ts';

const HEADS = 4;
const KEY_HEADS = 2;
const LENGTH = 6;

interface Form {
  readonly keyHeads?: number;
  readonly heads?: number;
  /** Dimensions of a head: whole blocks of 8, and of 16 where they are turned. */
  readonly size?: number;
  readonly packed?: boolean;
  readonly attributes?: Attributes;
  /** Angles for as many pairs. */
  readonly angles?: number;
  readonly past?: boolean;
  readonly bias?: readonly number[];
  readonly sink?: 'constant' | 'input';
  readonly present?: boolean;
}

function angles(b: ModelBuilder, pairs: number, length: number): string[] {
  const table = (turn: (angle: number) => number): number[] =>
    Array.from({ length: length * pairs }, (_, i) => turn(Math.floor(i / pairs) / (1 + (i % pairs))));
  return [
    b.constant('cos', 'float32', [length, pairs], table(Math.cos)),
    b.constant('sin', 'float32', [length, pairs], table(Math.sin)),
  ];
}

function grouped(form: Form = {}): ModelBuilder {
  const { heads = HEADS, keyHeads = KEY_HEADS, size = 16, packed = false, attributes = {} } = form;
  return attentionNet(heads * size, (b, x) => {
    const [wide, narrow] = [heads * size, keyHeads * size];
    const qkv = packed
      ? [project(b, x, 'qkv', wide + 2 * narrow), '', '']
      : [project(b, x, 'q', wide), project(b, x, 'k', narrow), project(b, x, 'v', narrow)];
    // Past and present share the length where all positions are new.
    const past = form.past
      ? ['past_k', 'past_v'].map((name) => apart(b, project(b, x, name, narrow), keyHeads, size))
      : ['', ''];
    const total = LENGTH;
    const [cos = '', sin = ''] = form.angles === undefined ? [] : angles(b, form.angles, total);
    const inputs = [
      ...qkv,
      ...past,
      b.constant('last_positions', 'int32', [2], [total - 1, total - 1]),
      b.constant('total', 'int32', [], [total]),
      cos,
      sin,
      '',
      form.bias === undefined ? '' : b.weight('places', form.bias, { std: 1 }),
      form.sink === undefined
        ? ''
        : form.sink === 'input'
          ? b.input('sink', 'float32', [heads])
          : b.vector('sink', heads),
    ];
    const turned: Attributes = form.angles === undefined ? {} : { do_rotary: 1 };
    const all = { num_heads: heads, kv_num_heads: keyHeads, ...turned, ...attributes };
    const [y = '', key = '', value = ''] = fusedMany(b, 'GroupQueryAttention', inputs, 3, all);
    if (!form.present) return y;
    const caches = b.node('Add', [together(b, key, narrow), together(b, value, narrow)]);
    const read = b.node('MatMul', [caches, b.weight('read', [narrow, 3], { fanIn: narrow })]);
    b.output(read, 'float32');
    return y;
  });
}

const name = (form: Form): string => (form.packed ? 'qkv' : 'q');
const heads = (form: Form = {}): Case => found(grouped(form), `${name(form)} ${form.keyHeads ?? KEY_HEADS}`);
const dims = (count: number, form: Form = {}): Case => ({
  ...found(grouped(form), `${name(form)} ${count}`),
  options: DIMENSIONS,
});

testCases('GroupQueryAttention loses heads of keys with their groups of queries', {
  plain: heads(),
  'of q, k and v in one': heads({ packed: true }),
  'as many heads of keys as of queries': heads({ keyHeads: 4 }),
  'as many heads of keys as of queries, in one': heads({ keyHeads: 4, packed: true }),
  'with a scale of its own': heads({ attributes: { scale: { float: 0.1 } } }),
  'with scores capped': heads({ attributes: { softcap: { float: 2 } } }),
  'with a smooth softmax': heads({ attributes: { smooth_softmax: 1 } }),
  'in a window': heads({ attributes: { local_window_size: 3 } }),
  turned: heads({ angles: 8 }),
  'turned in part': heads({ size: 32, angles: 8 }),
  'turned, interleaved': heads({ angles: 8, attributes: { rotary_interleaved: 1 } }),
  'turned, in one': heads({ angles: 8, packed: true }),
  'after past keys and values': heads({ past: true }),
  'with present keys and values given out': heads({ past: true, present: true, angles: 8 }),
  'with a bias of every score': heads({ bias: [2, HEADS, LENGTH, LENGTH] }),
  'with a bias of scores for all heads': heads({ bias: [1, 1, LENGTH, LENGTH] }),
  'with a sink for every head': heads({ sink: 'constant' }),
});

testCases('GroupQueryAttention with one head of keys for all loses heads of queries', {
  plain: found(grouped({ keyHeads: 1 }), 'q 4'),
  turned: found(grouped({ keyHeads: 1, angles: 8 }), 'q 4'),
  'after past keys and values': found(grouped({ keyHeads: 1, past: true }), 'q 4'),
  'turned in part, with present keys and values given out': found(
    grouped({ keyHeads: 1, size: 32, angles: 8, present: true, past: true }),
    'q 4',
  ),
  'but not where all come in one': found(grouped({ keyHeads: 1, packed: true }), 'qkv 1'),
});

/** One new token after a prefix of four, whose keys and values are constants. */
function decoding(size: number, ids: boolean): ModelBuilder {
  const b = new ModelBuilder(MICROSOFT);
  const x = b.input('tokens', 'float32', [2, 1, 5]);
  const qkv = [
    project(b, x, 'q', HEADS * size),
    project(b, x, 'k', KEY_HEADS * size),
    project(b, x, 'v', KEY_HEADS * size),
  ];
  const inputs = [
    ...qkv,
    ...['past_k', 'past_v'].map((each) => b.weight(each, [2, KEY_HEADS, 4, size], { std: 1 })),
    b.constant('last_positions', 'int32', [2], [4, 4]),
    b.constant('total', 'int32', [1], [5]),
    ...angles(b, size / 2, 9),
    ids ? b.constant('ids', 'int64', [2, 1], [3, 4]) : '',
  ];
  const all = { num_heads: HEADS, kv_num_heads: KEY_HEADS, do_rotary: 1 };
  const [y = ''] = fusedMany(b, 'GroupQueryAttention', inputs, 3, all);
  b.output(b.node('MatMul', [y, b.weight('last', [HEADS * size, 3], { std: 0.3 })]), 'float32');
  return b;
}

testCases('GroupQueryAttention decodes', {
  'token by token': found(decoding(16, false), 'q 2'),
  'with positions of its own': found(decoding(16, true), 'q 2'),
  'with fewer dimensions': { ...found(decoding(32, false), 'q 2'), options: DIMENSIONS },
});

testCases('GroupQueryAttention loses blocks of dimensions of all heads', {
  plain: dims(4, { size: 32 }),
  'of q, k and v in one': dims(4, { size: 32, packed: true }),
  'with a scale of its own': dims(4, { size: 32, attributes: { scale: { float: 0.1 } } }),
  'with scores capped': dims(4, { size: 32, attributes: { softcap: { float: 2 } } }),
  'turned, by pairs': dims(2, { size: 32, angles: 16 }),
  'turned, by pairs side by side': dims(2, { size: 32, angles: 16, attributes: { rotary_interleaved: 1 } }),
  'turned, in one': dims(2, { size: 32, angles: 16, packed: true }),
  'after past keys and values': dims(4, { size: 32, past: true }),
  'with present keys and values given out': dims(2, { size: 32, past: true, present: true, angles: 16 }),
  'with one head of keys for all': dims(4, { size: 32, keyHeads: 1 }),
  'but heads where a part of them is turned': {
    ...found(grouped({ size: 32, angles: 8 }), 'q 2'),
    options: DIMENSIONS,
  },
  'with a sink that is an input': found(grouped({ size: 32, sink: 'input' }), 'q 4'),
});
