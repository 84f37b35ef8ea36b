import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { mixedNet } from '../support/weight-nets.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';

const amount = 'must be at least 0% and below 100% (such as "50%" or 0.5), but is';
const pattern = '--pattern must be N:M, of every M weights N that stay, such as "2:4"';
const bounds = 'with N at least 1, N below M, and M at most 1024';
const half = ['--unstructured', '50%'];
const by = (formula: string): string[] => [...half, '--criterion', formula];

const LINES: readonly (readonly [args: readonly string[], sentence: string])[] = [
  [['--unstructured', '50'], `--unstructured ${amount} "50"; did you mean "50%"?`],
  [['--unstructured', '120%'], `--unstructured ${amount} "120%".`],
  [['--unstructured', '100%'], `--unstructured ${amount} "100%".`],
  [['--unstructured', '-1'], `--unstructured ${amount} "-1".`],
  [[...half, '--pattern', '2:4'], '--unstructured and --pattern each say which weights become zero; give one of them.'],
  [
    [...half, '--threshold', '0.1'],
    '--unstructured and --threshold each say which weights become zero; give one of them.',
  ],
  [['--threshold', '0'], '--threshold must be a number above 0 (such as 0.01), but is "0".'],
  [['--threshold', '5%'], '--threshold must be a number above 0 (such as 0.01), but is "5%".'],
  [['--pattern', '4:2'], `${pattern}, ${bounds}, but is "4:2".`],
  [['--pattern', '2:2'], `${pattern}, ${bounds}, but is "2:2".`],
  [['--pattern', '0:4'], `${pattern}, ${bounds}, but is "0:4".`],
  [['--pattern', '1:2000'], `${pattern}, ${bounds}, but is "1:2000".`],
  [['--pattern', 'abc'], `${pattern}, but is "abc".`],
  [
    ['--pattern', '3:7'],
    'The pattern 3:7 fits no weight of the model: weight "conv.weight" of node "conv", for one, stays whole because its summed axis has length 4, which is not a multiple of 7; give another pattern, or an amount.',
  ],
  [
    ['--structured', '50%', '--scope', 'lamp'],
    '--scope lamp shares out the amount of --unstructured, which was not given.',
  ],
  [
    ['--pattern', '2:4', '--scope', 'lamp'],
    '--scope lamp shares out an amount, but --pattern holds for every tensor alike',
  ],
  [[...half, '--scope', 'lmp'], '--scope must be one of uniform, global, lamp, but is "lmp" (did you mean "lamp"?).'],
  [[...half, '--scope', 'lamp', '--criterion', 'random'], '--scope lamp ranks weights by magnitude, not by "random";'],
  [
    [...half, '--steps', '5'],
    '--steps belongs to a schedule; add --schedule polynomial or --schedule constant, or let channels leave in that many rounds, with --structured and --calibration.',
  ],
  [[...half, '--initial', '5%'], '--initial belongs to a schedule; add --schedule'],
  [
    ['--pattern', '2:4', '--schedule', 'polynomial'],
    '--schedule leads to the amount of --unstructured in steps, and that was not given.',
  ],
  [[...half, '--schedule', 'cubic'], '--schedule must be one of constant, polynomial, but is "cubic".'],
  [[...half, '--schedule', 'constant', '--steps', '0'], '--steps must be a whole number from 1 to 1000, but is "0".'],
  [
    [...half, '--schedule', 'polynomial', '--initial', '60%'],
    '--initial must be at least 0% and at most 50% (such as "50%" or 0.5), but is "60%".',
  ],
  [
    ['--structured', '50%', '--criterion', 'magnitude'],
    '--criterion magnitude cannot rank channels, and --unstructured, which it is for, was not given; channels are ranked by reconstruction, fan-out,',
  ],
  [
    [...half, '--criterion', 'l1'],
    '--criterion l1 cannot rank weights, and --structured, which it is for, was not given; weights are ranked by magnitude, random, or a formula such as "abs(w) * row_norm".',
  ],
  [
    ['--lossless', '--criterion', 'l1'],
    '--criterion l1 ranks what leaves, and nothing says how much should: give --structured or --unstructured, or leave it out.',
  ],
  [[...half, '--criterion', 'magnitud'], 'but is "magnitud" (did you mean "magnitude"?).'],
  [by('abs(w) * row_nrm'), 'Formula "abs(w) * row_nrm" reads row_nrm, which is unknown (did you mean row_norm?);'],
  [by('sqr(w)'), 'Formula "sqr(w)" calls sqr, which is unknown (did you mean sqrt?);'],
  [by('w = 3'), 'Formula "w = 3" assigns with = (to compare, write ==);'],
  [by('w.constructor'), 'Formula "w.constructor" reads a property or an index;'],
  [by('abs(w'), 'Formula "abs(w" cannot be read'],
  [by(' '), 'The formula is empty; give one such as "abs(w)".'],
  [by('log(w)'), 'Formula "log(w)" gives NaN for element'],
  [by('1 / (w - w)'), 'Formula "1 / (w - w)" gives Infinity for element'],
  [
    by('abs(w) * mean_square_in'),
    'reads mean_square_in, which is measured on data: give some with --calibration FILE, or leave mean_square_in out of it.',
  ],
  [[...by('abs(w) * mean_in'), '--calibration', 'gone.npz'], 'gone.npz does not exist'],
  [
    [...half, '--samples', '5'],
    '--samples belongs to --calibration, which was not given; give it data, or leave --samples out.',
  ],
  [[...half, '--batch', '5'], '--batch belongs to --calibration, which was not given; give it data,'],
  [
    [...half, '--samples', '0', '--calibration', 'x.npz'],
    '--samples must be a whole number of at least 1, but is "0".',
  ],
  [
    [...half, '--batch', 'all', '--calibration', 'x.npz'],
    '--batch must be a whole number of at least 1, but is "all".',
  ],
  [[...half, '--exclude', 'nope*'], '--exclude "nope*" matches no node and no initializer of the model;'],
  [[...half, '--include', 'nope*'], '--include "nope*" matches no node and no initializer of the model;'],
  [['--structured', '20%', ...half, '--include', 'nope*'], '--include "nope*" matches no node and no initializer'],
  [[...half, '--gzip', '-o', 'x.onnx'], '--gzip compresses the result, so -o "x.onnx" must end in .gz: "x.onnx.gz".'],
  [['--no-lossless'], 'Say how much to remove, with --structured, --unstructured, '],
  [['--unstructued', '50%'], `Unknown option '--unstructued' (did you mean --unstructured?)`],
];

describe('a wrong wish about weights', { timeout: 30_000 }, () => {
  it.each(LINES)('%j gets one sentence: %s', async (args, sentence) => {
    const desk = new Desk();
    desk.write('m.onnx', mixedNet().bytes());
    const { code, stdout, stderr } = await desk.hosted('m.onnx', ...args, '--no-bench', '--no-verify');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
    expect(stderr).toMatch(/^onnx-prune: .*\n$/);
    expect(desk.files).toEqual(['m.onnx']);
    expect(desk.leftovers).toEqual([]);
  });
});

describe('weights that are not finite', { timeout: 30_000 }, () => {
  it.each([
    ['NaN', Number.NaN, ['--unstructured', '50%']],
    ['infinite', Number.NEGATIVE_INFINITY, ['--unstructured', '50%', '--scope', 'global']],
    ['NaN', Number.NaN, ['--unstructured', '50%', '--scope', 'lamp']],
    ['NaN', Number.NaN, ['--pattern', '2:4']],
    ['infinite', Number.POSITIVE_INFINITY, ['--threshold', '0.1']],
    ['NaN', Number.NaN, ['--unstructured', '50%', '--criterion', 'random']],
  ])('are named with the way out: %s, %d, %j', async (_, number, args) => {
    const desk = new Desk();
    desk.write('m.onnx', withElement('gemm.weight', 5, number));
    const { code, stdout, stderr } = await desk.hosted('m.onnx', ...args, '--no-bench', '--no-verify');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^onnx-prune: (m\.onnx: )?Weight "gemm\.weight" holds 1 NaN or infinite number, .*--exclude "gemm\.weight"\.\n$/,
    );
    expect(desk.files).toEqual(['m.onnx']);
    const without = await desk.hosted('m.onnx', ...args, '--no-bench', '--no-verify', '--exclude', 'gemm.weight');
    expect(without.code).toBe(0);
  });
});

/** `mixedNet` with one element of a weight replaced. */
function withElement(name: string, index: number, number: number): Uint8Array {
  const b = mixedNet();
  const raw = b.graph().initializer.find((each) => each.name === name)?.rawData;
  if (!(raw instanceof Uint8Array)) throw new Error('the weight is stored otherwise');
  new DataView(raw.buffer, raw.byteOffset).setFloat32(4 * index, number, true);
  return b.bytes();
}

describe('a compressed file', { timeout: 30_000 }, () => {
  const whole = (): Uint8Array => gzipSync(smallNet().bytes());

  it.each<[string, () => Uint8Array, RegExp]>([
    [
      'cut off',
      () => whole().subarray(0, 900),
      /bad\.onnx\.gz is compressed with gzip, but truncated; .*copy it again\.\n$/,
    ],
    [
      'with a flipped bit',
      () => flipped(whole()),
      /bad\.onnx\.gz is compressed with gzip, but damaged .*copy it again\.\n$/,
    ],
    ['of text', () => gzipSync('hello\n'), /bad\.onnx\.gz, once unpacked, is not an ONNX model: /],
    ['of a compressed model', () => gzipSync(whole()), /bad\.onnx\.gz, once unpacked, is /],
    ['of nothing', () => gzipSync(''), /bad\.onnx\.gz.* is empty/],
  ])('%s is refused by every command in one sentence', async (_, content, sentence) => {
    const desk = new Desk();
    desk.write('bad.onnx.gz', content());
    for (const args of [
      ['bad.onnx.gz', '--lossless'],
      ['inspect', 'bad.onnx.gz'],
      ['compare', 'bad.onnx.gz', 'bad.onnx.gz'],
    ]) {
      const { code, stdout, stderr } = await desk.hosted(...args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(sentence);
      expect(stderr).toMatch(/^onnx-prune: .*\n$/);
    }
    expect(desk.files).toEqual(['bad.onnx.gz']);
    expect(desk.leftovers).toEqual([]);
  });

  function flipped(bytes: Uint8Array): Uint8Array {
    const at = bytes.length >> 1;
    return bytes.map((byte, i) => (i === at ? byte ^ 0x10 : byte));
  }
});

describe('external data', { timeout: 30_000 }, () => {
  it.each([
    [['--gzip'], /--gzip/],
    [['-o', 'x.onnx.gz'], /x\.onnx\.gz/],
  ])('are not compressed, and the sentence says so: %j', async (args, wish) => {
    const desk = new Desk();
    const { model, data } = smallNet().externalBytes('m.data');
    desk.write('m.onnx', model);
    desk.write('m.data', data);
    const { code, stdout, stderr } = await desk.hosted('m.onnx', '--unstructured', '50%', ...args, '--no-bench');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: m\.onnx keeps its weights in m\.data, .*\n$/);
    expect(stderr).toMatch(wish);
    expect(desk.files).toEqual(['m.data', 'm.onnx']);
  });
});
