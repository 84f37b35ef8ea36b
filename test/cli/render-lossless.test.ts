import { describe, expect, test } from 'vitest';
import { contextOf, type RenderOptions } from '../../cli/render/context.ts';
import { renderRedundant, renderStorage } from '../../cli/render/lossless.ts';
import type { Report } from '../../src/report/report.ts';
import type { RemoveRedundantReport } from '../../src/transforms/remove-redundant.ts';
import { ESCAPE, expectFits } from './support/fits.ts';
import { redundant, report, storage } from './support/weight-reports.ts';

const plain: RenderOptions = { colors: false, width: 100, verbose: false };

const text = (lines: readonly string[]): string => lines.join('\n');
const storageText = (found: Report['storage'], options = plain): string =>
  text(renderStorage(contextOf(options), { ...report, storage: found }));

const shown = (found: RemoveRedundantReport | null, options = plain): string =>
  text(renderRedundant(contextOf(options), found, 'Without a trace'));

describe('what left without a trace', () => {
  test('is counted by reason, layer by layer', () => {
    expect(shown(redundant)).toMatch(/first\.weight +1,200 → 1,196 +1 zero, 2 duplicate, 1 unread/);
    expect(shown(redundant)).not.toMatch(/wide\.weight +64 → 64/);
  });

  test('is told channel by channel to those who want to see everything', () => {
    const groups = redundant.groups.slice(0, 1).map((group) => ({
      ...group,
      name: 'first.weight',
      removed: [
        { index: 1, reason: 'zero' },
        { index: 9, reason: 'duplicate', of: 2, multiple: 1 },
        { index: 11, reason: 'duplicate', of: 2, multiple: 1.7000000476 },
        { index: 30, reason: 'duplicate', of: 4, multiple: 0.5, in: 'second.weight' },
      ] as const,
    }));
    const every = 'first.weight: 1 zero; 9 = 2; 11 = 1.7 × 2; 30 = 0.5 × 4 of second.weight';
    expect(shown({ ...redundant, groups }, { ...plain, verbose: true })).toContain(every);
    expect(shown({ ...redundant, groups })).not.toContain(every);
  });

  test('comes with outputs, nodes, and channels that stay for speed', () => {
    expect(shown(redundant)).toMatch(/3 more channels could leave wide\.weight, .*--align none removes them/);
    expect(shown(redundant)).toContain('outputs that nobody reads: last cell of lstm');
    expect(shown(redundant)).toContain('1 node that nothing depended on');
  });

  test('is nothing where nothing did', () => {
    expect(shown(null)).toBe('');
    const none = { ...redundant, removedChannels: 0, groups: [], outputs: [], deadNodes: 0 };
    expect(shown(none)).toBe('');
  });
});

describe('how a result is stored', () => {
  test('is said where it is not as usual', () => {
    const shown = storageText(storage);
    expect(shown).toContain('144 B less');
    expect(shown).toContain('3 tensors stored as float16, which is 862 kB less');
    expect(shown).toMatch(/rounding takes at most 2\.4e-4 of a tensor's\s+norm/);
    expect(shown).toContain('still float32: huge (it has numbers beyond float16)');
    expect(shown).toContain('sparse initializers');
    expect(shown).toContain('onnxruntime needs it unpacked');
  });

  test('is not worth a word otherwise', () => {
    expect(storageText({ storedTwice: { tensors: 0, bytes: 0 }, half: null, sparseTensors: null, gzip: false })).toBe(
      '',
    );
  });
});

describe('both sections', () => {
  const hostile = `${ESCAPE}[2J\u202eblocks.0.a.very.long.name.of.a.weight\n`;
  const render = (options: RenderOptions): string => {
    const groups = redundant.groups.map((group) => ({ ...group, name: `${group.name}${hostile}` }));
    const left = { ...redundant, groups, outputs: [hostile] };
    const half = storage.half && { ...storage.half, kept: [{ initializer: hostile, reason: 'it is small' }] };
    return [shown(redundant, options), shown(left, options), storageText({ ...storage, half }, options)].join('\n');
  };

  test.each([40, 60, 80, 100])('fit %d columns, and colours change no text', (width) => {
    expectFits(render, width);
  });

  test('show no control characters of names', () => {
    expect(render(plain).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });
});
