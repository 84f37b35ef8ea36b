import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDrop } from '../../src/options/parse.ts';
import { limitOf, parseTarget, TARGET_KINDS, type Target, targetText } from '../../src/options/target.ts';
import { refusalBy } from './refusal.ts';

const messageOf = (parse: () => unknown): string => refusalBy(parse).message;

const refusal = (found: string): string => messageOf(() => parseTarget('--target', found));

describe('a target', () => {
  it.each<[string, Target]>([
    ['params=50%', { kind: 'params', limit: { fraction: 0.5 } }],
    ['macs=40%', { kind: 'macs', limit: { fraction: 0.4 } }],
    ['latency=60%', { kind: 'latency', limit: { fraction: 0.6 } }],
    ['size=100%', { kind: 'size', limit: { fraction: 1 } }],
    ['size=0.5%', { kind: 'size', limit: { fraction: 0.005 } }],
    ['params=1500000', { kind: 'params', limit: { absolute: 1_500_000 } }],
    ['params=1.5M', { kind: 'params', limit: { absolute: 1_500_000 } }],
    ['params=0.1k', { kind: 'params', limit: { absolute: 100 } }],
    ['macs=2.1M', { kind: 'macs', limit: { absolute: 2_100_000 } }],
    ['macs=4.35G', { kind: 'macs', limit: { absolute: 4_350_000_000 } }],
    ['macs=2e6', { kind: 'macs', limit: { absolute: 2_000_000 } }],
    ['latency=5ms', { kind: 'latency', limit: { absolute: 5 } }],
    ['latency=.5s', { kind: 'latency', limit: { absolute: 500 } }],
    ['latency=250us', { kind: 'latency', limit: { absolute: 0.25 } }],
    ['latency=250\u00b5s', { kind: 'latency', limit: { absolute: 0.25 } }],
    ['latency=250\u03bcs', { kind: 'latency', limit: { absolute: 0.25 } }],
    ['size=500KB', { kind: 'size', limit: { absolute: 500_000 } }],
    ['size=500KiB', { kind: 'size', limit: { absolute: 512_000 } }],
    ['size=1.2MB', { kind: 'size', limit: { absolute: 1_200_000 } }],
    ['size=1MiB', { kind: 'size', limit: { absolute: 2 ** 20 } }],
    ['size=2GiB', { kind: 'size', limit: { absolute: 2 ** 31 } }],
    ['size=1.5gb', { kind: 'size', limit: { absolute: 1_500_000_000 } }],
    ['size=500B', { kind: 'size', limit: { absolute: 500 } }],
    [' macs = 40 % ', { kind: 'macs', limit: { fraction: 0.4 } }],
    ['size=1.2 MB', { kind: 'size', limit: { absolute: 1_200_000 } }],
  ])('of %j is read', (found, target) => {
    expect(parseTarget('--target', found)).toEqual(target);
  });

  it('of every kind may be any percentage up to 100', () => {
    fc.assert(
      fc.property(fc.constantFrom(...TARGET_KINDS), fc.integer({ min: 1, max: 1000 }), (kind, tenths) => {
        const { limit } = parseTarget('--target', `${kind}=${tenths / 10}%`);
        expect('fraction' in limit ? limit.fraction : Number.NaN).toBeCloseTo(tenths / 1000, 12);
      }),
    );
  });

  it.each(['', '=', '40%', 'macs', '=40%', 'flops=40%', 'accuracy=40%', 'macs:40%'])(
    'of %j is of no kind, and all kinds are named',
    (found) => {
      expect(refusal(found)).toBe(
        `--target must be params=, macs=, latency= or size= with the most that may stay, such as "macs=40%" of the original or "size=500KB", but is ${JSON.stringify(found)}.`,
      );
    },
  );

  it.each([
    ['mac=40%', 'macs=40%'],
    ['MACs=2.1M', 'macs=2.1M'],
    ['param=1M', 'params=1M'],
    ['latancy = 5ms', 'latency=5ms'],
    ['macs=0.4', 'macs=40%'],
    ['params=.29', 'params=29%'],
    ['params=50', 'params=50%'],
    ['latency=5', 'latency=5ms'],
    ['latency=0.6', 'latency=60%'],
    ['size=500', 'size=500KB'],
    ['size=500000', 'size=500000B'],
  ])('of %j is refused, and the nearest is guessed', (found, meant) => {
    expect(refusal(found)).toMatch(/^--target must be .+; did you mean "[^"]+"\?$/);
    expect(refusal(found)).toContain(`but is ${JSON.stringify(found)}; did you mean "${meant}"?`);
  });

  it.each([
    'macs=0',
    'macs=0%',
    'macs=100.1%',
    'macs=150%',
    'macs=-5M',
    'macs=-40%',
    'macs=',
    'macs=%',
    'macs=M',
    'macs=half',
    'macs=5ms',
    'macs=5MB',
    'macs=1.2.3M',
    'macs=40%%',
    'macs=1,5M',
    'macs=1e999',
    'macs=Infinity',
    'macs=\u0664\u0660%',
    'macs=5constructor',
  ])('of %j is refused', (found) => {
    expect(refusal(found)).toBe(
      `--target must be macs= with the most that may stay: above 0% and at most 100% of the original, such as "macs=40%", or a number of multiplications such as "macs=2.1M", but is ${JSON.stringify(found)}.`,
    );
  });

  it.each([
    ['latency=5M', 'a time such as "latency=5ms"'],
    ['latency=0ms', 'a time such as "latency=5ms"'],
    ['size=5ms', 'a size such as "size=500KB"'],
    ['size=5K', 'a size such as "size=500KB"'],
    ['params=5KB', 'a number of parameters such as "params=1.5M"'],
  ])('of %j has a unit of another kind', (found, expected) => {
    expect(refusal(found)).toContain(expected);
  });

  it('need not be a string to be refused', () => {
    const wrong: { target: string } = JSON.parse('{ "target": 5 }');
    expect(refusal(wrong.target)).toMatch(/^--target must be params=.*, but is 5\.$/);
  });

  it('is a limit, in parts of the original where it is a percentage', () => {
    const limit = (found: string, original: number): number => limitOf(parseTarget('--target', found), original);
    expect(limit('macs=29%', 100)).toBe(29);
    expect(limit('macs=100%', 12_345_678_901)).toBe(12_345_678_901);
    expect(limit('size=500KB', 3)).toBe(500_000);
  });
});

describe('a drop', () => {
  it.each([
    ['1%', 0.01],
    ['0.01', 0.01],
    [0.01, 0.01],
    [' 0.5 % ', 0.005],
    ['0', 0],
    ['0%', 0],
    [0, 0],
    ['99%', 0.99],
    ['1e-3', 0.001],
  ])('of %j is %d', (found, drop) => expect(parseDrop('--max-drop', found)).toBe(drop));

  it.each(['', ' ', '%', '-1%', -0.01, '100%', 100, 'one', 'NaN', 'Infinity', '1%%', '0,5%'])(
    'of %j is refused',
    (found) => {
      expect(messageOf(() => parseDrop('--max-drop', found))).toBe(
        `--max-drop must be percentage points of accuracy, at least 0% and below 100% (such as "1%" or 0.01), but is ${JSON.stringify(found)}.`,
      );
    },
  );

  it.each([
    ['1', '1%'],
    [1, '1%'],
    ['2.5', '2.5%'],
  ])('of %j lacks its percent sign', (found, meant) => {
    expect(messageOf(() => parseDrop('--max-drop', found))).toContain(`; did you mean "${meant}"?`);
  });
});

describe('a target as text', () => {
  it.each(['params=50%', 'macs=0.5%', 'params=1500000', 'latency=0.25ms', 'size=1258291.2B', 'macs=29%'])(
    'is one that means the same: %s',
    (text) => {
      expect(targetText(parseTarget('--target', text))).toBe(text);
    },
  );
});
