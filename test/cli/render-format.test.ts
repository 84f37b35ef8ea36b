import { describe, expect, test } from 'vitest';
import { contextOf } from '../../cli/render/context.ts';
import {
  formatAmount,
  formatBytes,
  formatChange,
  formatCosine,
  formatCount,
  formatError,
  formatMillisecondSpan,
  formatMilliseconds,
  formatPercent,
  formatRatio,
  formatSeconds,
} from '../../cli/render/format.ts';
import { renderTable } from '../../cli/render/table.ts';
import { displayWidth, layerName, printable, shorten, unbroken, wrap } from '../../cli/render/text.ts';

const ESCAPE = String.fromCharCode(27);

describe('numbers', () => {
  test.each([
    [0, '0'],
    [9408, '9,408'],
    [10_000, '10.0 k'],
    [999_499, '999 k'],
    [999_600, '1.00 M'],
    [1_716_234, '1.72 M'],
    [4.09e9, '4.09 G'],
    [1.5e13, '15.0 T'],
  ])('amount %d is %s', (value, text) => expect(formatAmount(value)).toBe(text));

  test.each([
    [999, '999 B'],
    [1000, '1.00 kB'],
    [10_900_000, '10.9 MB'],
    [2_147_483_648, '2.15 GB'],
  ])('%d bytes are %s', (value, text) => expect(formatBytes(value)).toBe(text));

  test.each([
    [0, '0.00%'],
    [0.98731, '98.73%'],
    [1, '100.00%'],
    [0.999999, '>99.99%'],
    [0.000001, '<0.01%'],
    [Number.NaN, 'n/a'],
  ])('fraction %d is %s', (value, text) => expect(formatPercent(value)).toBe(text));

  test.each([
    [100, 50, '-50.00%'],
    [100, 125, '+25.00%'],
    [100, 100, '0.00%'],
    [1e9, 1, '-99.99%'],
    [1e9, 1e9 - 1, '-0.00%'],
    [5, 0, '-100.00%'],
    [0, 5, undefined],
  ])('from %d to %d is %s', (before, after, text) => expect(formatChange(before, after)).toBe(text));

  test.each([
    [0, '0'],
    [1.8e-7, '1.8e-7'],
    [1e-4, '1e-4'],
    [0.0512, '0.051'],
    [12.34, '12'],
    [12_345, '1.2e4'],
    [Number.POSITIVE_INFINITY, 'infinite'],
    [Number.NaN, 'NaN'],
  ])('error %d is %s', (value, text) => expect(formatError(value)).toBe(text));

  test('only equality has cosine 1', () => {
    expect(formatCosine(1)).toBe('1.000000');
    expect(formatCosine(0.99999999)).toBe('>0.999999');
    expect(formatCosine(-0.5)).toBe('-0.500000');
  });

  test('times, ratios and counts', () => {
    expect(formatMilliseconds(0.01234)).toBe('0.012 ms');
    expect(formatMilliseconds(1.234)).toBe('1.23 ms');
    expect(formatMilliseconds(2345)).toBe('2.35 s');
    expect(formatMillisecondSpan(1.2, 1.31)).toBe('1.20–1.31 ms');
    expect(formatMillisecondSpan(900, 1300)).toBe('0.90–1.30 s');
    expect(formatSeconds(12.36)).toBe('12.4 s');
    expect(formatSeconds(125)).toBe('2 min 05 s');
    expect(formatRatio(3.1849)).toBe('3.18×');
    expect(formatRatio(Number.POSITIVE_INFINITY)).toBe('n/a');
    expect(formatCount(1, 'node')).toBe('1 node');
    expect(formatCount(2000, 'node')).toBe('2,000 nodes');
  });
});

describe('text', () => {
  test('is shortened in the middle', () => {
    expect(shorten('features.0.conv.weight', 22)).toBe('features.0.conv.weight');
    expect(shorten('features.0.conv.weight', 11)).toBe('featu…eight');
    expect(shorten('abc', 1)).toBe('…');
    expect(shorten('abc', 0)).toBe('');
    expect(displayWidth(shorten('特徴抽出層の重み', 9))).toBeLessThanOrEqual(9);
  });

  test('is as wide as a terminal draws it', () => {
    expect(displayWidth(`${ESCAPE}[31mred${ESCAPE}[39m`)).toBe(3);
    expect(displayWidth('重み')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
  });

  test('names the layer where an exporter made up the name of the weight', () => {
    expect(layerName('onnx::Conv_216', '/conv1/Conv')).toBe('/conv1/Conv');
    expect(layerName('1234', '/fc/Gemm')).toBe('/fc/Gemm');
    expect(layerName('conv1.weight', '/conv1/Conv')).toBe('conv1.weight');
    expect(layerName('onnx::Conv_216', undefined)).toBe('onnx::Conv_216');
  });

  test('cannot steer the terminal', () => {
    expect(printable(`a${ESCAPE}[2Jb\n\u202e`)).toBe('a\\u{1b}[2Jb\\u{a}\\u{202e}');
    expect(printable('α→重 b')).toBe('α→重 b');
  });

  test('is wrapped at spaces, and inside words only where they are too long', () => {
    expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
    expect(wrap('abcdefghij k', 4)).toEqual(['abcd', 'efgh', 'ij k']);
    expect(wrap(`x ${unbroken('a b c')}`, 5)).toEqual(['x', 'a b c']);
    expect(wrap(`${ESCAPE}[31mabcd${ESCAPE}[39m`, 2).map(displayWidth)).toEqual([2, 2]);
    expect(wrap('', 10)).toEqual(['']);
  });
});

describe('a table', () => {
  const columns = [
    { title: 'name', flexible: true },
    { title: 'first', align: 'right', optional: true },
    { title: 'second', align: 'right', optional: true },
  ] as const;
  const rows = [
    ['a'.repeat(40), '1', '22'],
    ['b', '333', '4'],
  ];
  const table = (width: number): string[] =>
    renderTable(contextOf({ colors: false, width, verbose: false }), columns, rows);

  test('aligns numbers to the right under a thin line', () => {
    expect(table(80)).toEqual([
      `  name${' '.repeat(36)}  first  second`,
      `  ${'─'.repeat(55)}`,
      `  ${'a'.repeat(40)}      1      22`,
      `  b${' '.repeat(39)}    333       4`,
    ]);
  });

  test('shortens names, then leaves out columns', () => {
    expect(table(50)[2]).toBe(`  ${'a'.repeat(16)}…${'a'.repeat(16)}      1      22`);
    const long = renderTable(
      contextOf({ colors: false, width: 40, verbose: false }),
      [...columns, { title: 'x'.repeat(12) }],
      rows,
    );
    expect(long[0]).toBe(`  name${' '.repeat(20)}  ${'x'.repeat(12)}`);
  });

  test('stays in line over many rows', () => {
    const many = Array.from({ length: 300 }, (_, index) => [`layer ${index}`, String(index), '0']);
    const lines = renderTable(contextOf({ colors: false, width: 80, verbose: false }), columns, many);
    expect(lines).toHaveLength(302);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  });
});
