import type { ModelBuilder } from '../support/build.ts';
import { attentionNet, fused, MICROSOFT, project } from './attention-nets.ts';
import { type Case, found, testCases } from './cases.ts';
import { tokenNet } from './nets.ts';

interface Form {
  readonly bits?: 2 | 4 | 8;
  readonly block?: number;
  readonly list?: boolean;
  readonly zeroPoints?: 'packed' | 'floats';
  readonly bias?: boolean;
  readonly groups?: boolean;
  readonly accuracy?: number;
}

/** Bytes that look random. */
const bytes = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => ((i + seed) * 2654435761) % 251);

/** x [..., k] → [..., n] through weights of a few bits each. */
function quantized(b: ModelBuilder, x: string, name: string, k: number, n: number, form: Form = {}): string {
  const { bits = 4, block = 16, list = false } = form;
  const blocks = Math.ceil(k / block);
  const blob = (block * bits) / 8;
  const packedRow = Math.ceil((blocks * bits) / 8);
  const zero = (): string => {
    if (form.zeroPoints === 'floats') return b.weight(`${name}_zero`, [n, blocks], { std: 1, mean: 7 });
    const dims = list ? [n * packedRow] : [n, packedRow];
    return form.zeroPoints === 'packed' ? b.constant(`${name}_zero`, 'uint8', dims, bytes(n * packedRow, 3)) : '';
  };
  const inputs = [
    x,
    b.constant(`${name}_bytes`, 'uint8', [n, blocks, blob], bytes(n * blocks * blob, 7)),
    b.weight(`${name}`, list ? [n * blocks] : [n, blocks], { std: 0.02, mean: 0.05 }),
    zero(),
    form.groups
      ? b.constant(
          `${name}_groups`,
          'int32',
          [k],
          Array.from({ length: k }, (_, i) => Math.floor(i / block)),
        )
      : '',
    form.bias ? b.vector(`${name}_bias`, n) : '',
  ];
  const accuracy = form.accuracy === undefined ? {} : { accuracy_level: form.accuracy };
  return fused(b, 'MatMulNBits', inputs, { K: k, N: n, bits, block_size: block, ...accuracy });
}

/** tokens → MatMul "first" of 64 → Relu → "second" of 8 → MatMul "last". */
function behind(form: Form = {}, channels = 64): ModelBuilder {
  const middle = (b: ModelBuilder, x: string): string => quantized(b, b.node('Relu', [x]), 'second', channels, 8, form);
  return tokenNet(middle, { ...MICROSOFT, channels, read: 8 });
}

const both = (form: Form = {}): Case => found(behind(form), `first ${64 / (form.block ?? 16)}`, 'second 8');
const rowsOnly = (reason: RegExp, form: Form, channels = 64): Case => ({
  ...found(behind(form, channels), 'second 8'),
  refusals: { first: reason },
});

testCases('MatMulNBits loses rows, and blocks of what it sums over', {
  plain: both(),
  'in blocks of 32': both({ block: 32 }),
  'of 8 bits': both({ bits: 8 }),
  'of 2 bits': both({ bits: 2 }),
  'with a bias': both({ bias: true }),
  'with packed zero points': both({ zeroPoints: 'packed' }),
  'with packed zero points of 8 bits': both({ zeroPoints: 'packed', bits: 8 }),
  'with packed zero points of 2 bits': both({ zeroPoints: 'packed', bits: 2 }),
  'with zero points of its own type': both({ zeroPoints: 'floats' }),
  'with data rounded to int8': both({ accuracy: 4 }),
});

testCases('MatMulNBits loses rows only', {
  'with scales in one list': rowsOnly(/has the scales of all blocks in one list/, { list: true }),
  'with scales and zero points in one list': rowsOnly(/in one list/, { list: true, zeroPoints: 'packed' }),
  'with a last block that is not full': rowsOnly(/the last of which is not full/, {}, 56),
  'in an order of its own': rowsOnly(/in an order of its own/, { groups: true }),
});

testCases('MatMulNBits among other operators', {
  'one after another': found(
    tokenNet(
      (b, x) => {
        const up = quantized(b, b.node('Relu', [x]), 'up', 32, 64);
        return quantized(b, b.node('Relu', [up]), 'down', 64, 8, { zeroPoints: 'packed' });
      },
      { ...MICROSOFT, channels: 32, read: 8 },
    ),
    'first 2',
    'up 4',
    'down 8',
  ),
  'around heads of whole blocks': found(
    attentionNet(8, (b, x) => {
      const wide = project(b, x, 'wide', 32);
      const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => quantized(b, wide, name, 32, 64));
      const y = fused(b, 'MultiHeadAttention', [q, k, v], { num_heads: 4 });
      return quantized(b, y, 'out', 64, 8);
    }),
    'wide 2',
    'q 4',
    'out 8',
  ),
});
