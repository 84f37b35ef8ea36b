import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyReport } from '../../src/report/json.ts';
import { code } from '../../src/report/markdown/text.ts';
import { renderMarkdown } from '../../src/report/markdown.ts';
import type { Report } from '../../src/report/report.ts';
import type { SensitivityReport, SweepReport } from '../../src/report/study.ts';
import { compared, comparison, inspected, pruned } from './support/models.ts';
import { failedPoint, point, sensitivity, sweep } from './support/studies.ts';

/** What GitHub takes in a comment. */
const GITHUB = 65_536;

/** Text without code: spans, and elements that hold entities alone. */
function withoutCode(text: string): string {
  return text.replace(/`[^`|\\]+`/g, '.').replace(/<code>[^<>@`|[\]*_~\\]+<\/code>/g, '.');
}

/** Lines outside of fenced blocks. */
function outside(markdown: string): string[] {
  const lines: string[] = [];
  let fence = '';
  for (const line of markdown.split('\n')) {
    const [run = ''] = /^`{3,}/.exec(line) ?? [];
    if (fence === '' && run !== '') fence = run;
    else if (fence !== '') fence = line === fence ? '' : fence;
    else lines.push(line);
  }
  expect(fence).toBe('');
  return lines;
}

/** Makes sure that nothing but our own markup is markup. */
function expectTame(markdown: string): void {
  expect(markdown.length).toBeLessThan(GITHUB);
  let cells = 0;
  let open = 0;
  for (const line of outside(markdown)) {
    const plain = withoutCode(line);
    if (line === '<details>') open++;
    if (line === '</details>') open--;
    expect(open === 0 || open === 1).toBe(true);
    const tags = plain.replace(/<code>[@#]<\/code>/g, '.').replace(/^<\/?details>$|^<summary>|<\/summary>$/g, '');
    expect(tags).not.toMatch(/[<>@~[\]\\](?!\|)/);
    expect(tags).not.toMatch(/(?<!&)#\d/);
    expect(tags).not.toMatch(/https?:\/\//);
    expect(plain).not.toContain('`');
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(line).not.toMatch(/[\u0000-\u001f\u007f\u202e\u2028]/);
    const found = line.startsWith('| ') ? line.split('|').length : 0;
    if (found > 0 && cells > 0) expect(found).toBe(cells);
    cells = found;
  }
  expect(open).toBe(0);
}

/** A report of every kind in which everything that comes from a model is called so. */
function named(name: string): AnyReport[] {
  const [group] = pruned.pruning.groups;
  const node = pruned.outline?.nodes[0];
  if (group === undefined || node === undefined) throw new Error('the sample has neither');
  const prune: Report = {
    ...pruned,
    input: { ...pruned.input, path: name },
    command: ['onnx-prune', name],
    pruning: {
      ...pruned.pruning,
      groups: [{ ...group, name, criterion: name }],
      kept: [{ reason: name, layers: [{ node: name, initializer: name, channels: 1, of: 1 }] }],
    },
    fidelity: {
      on: 'random inputs',
      samples: 1,
      outputs: [comparison(name, { problem: name })],
      accuracy: null,
      regression: null,
      uncompared: [{ name, reason: name }],
    },
    gates: pruned.gates.map((gate) => ({ ...gate, of: name })),
    outline: { nodes: [{ ...node, name, operator: name }], edges: [] },
    unknownOperators: { [name]: 1 },
    notes: [name],
  };
  const swept: SweepReport = {
    ...sweep,
    input: { path: name },
    series: sweep.series.map((series) => ({ ...series, name, points: [...series.points, failedPoint(0.9, name)] })),
    notes: [name],
  };
  const studied: SensitivityReport = {
    ...sensitivity,
    input: { path: name },
    rows: sensitivity.rows.map((row) => ({ ...row, name, nodes: [name], points: [failedPoint(0.25, name)] })),
  };
  const inspection = {
    ...inspected,
    layers: inspected.layers.map((layer) => ({ ...layer, node: name, operator: name, output: [name] })),
    groups: inspected.groups.map((each) => ({ ...each, name })),
  };
  const comparisonOf = {
    ...compared,
    a: { ...compared.a, path: name },
    sizes: [{ batch: 1, dims: { [name]: 2 }, relativeL2: null, cosine: null, problem: name, fits: false }],
  };
  return [prune, swept, studied, inspection, comparisonOf];
}

const HOSTILE = [
  'a|b\\|c\\\\|d',
  '`x` ``y``` `',
  '</summary></details><img src=x onerror=alert(1)>',
  '@octocat closes #12 and org/repo#3',
  'line\nbreak\r\n| a | b |\n```\n# head',
  '**bold** _it_ ~~no~~ [a](http://x.y) ![i](u) https://evil.example www.evil.example',
  '##1 #@1',
  '- item',
  '1. item',
  '&lt;b&gt; &#64;octocat $x$',
  '',
  ' ',
  'x'.repeat(5000),
  '\u202egnp.exe \u2028 \u001b[31m',
];

describe('renderMarkdown', () => {
  it.each(HOSTILE)('does not take the name %j for markup', (name) => {
    for (const report of named(name)) expectTame(renderMarkdown(report));
  });

  it('does not take any name for markup', () => {
    const name = fc.string({ unit: fc.constantFrom(...'|\\`<>@#1*_[]()!~&;\n\r\t -ab:/.$"', 'https://', 'www.') });
    fc.assert(
      fc.property(name, (each) => {
        for (const report of named(each)) expectTame(renderMarkdown(report));
      }),
      { numRuns: 60 },
    );
  });

  it('puts the verdict of a run first, then before and after, then gates', () => {
    const [first = '', ...more] = renderMarkdown(pruned).split('\n');
    expect(first).toBe(
      '✅ **file -60.00%, 2.00× as fast, accuracy 96.20% (-0.80 points)**: `m.onnx` → `m.pruned.onnx`',
    );
    const text = more.join('\n');
    expect(text).toContain('| latency (1 thread) | 1.00 ms | 0.50 ms | 2.00× as fast |');
    expect(text).toContain('| accuracy | 97.00% | 96.20% | -0.80 points |');
    expect(text).toContain('| ✅ | `--max-drop` | 1.00 points | 0.80 points | passed by 0.20 points |');
    expect(text).toContain("onnx-prune 'my model.onnx' --structured 50% --only '*conv*'");
    expect(text.indexOf('| accuracy')).toBeLessThan(text.indexOf('--max-drop'));
    expect(text.indexOf('--max-drop')).toBeLessThan(text.indexOf('<details>'));
  });

  it('says what failed, and that a change of speed means nothing', () => {
    const gates = pruned.gates.map((gate) => ({ ...gate, passed: false }));
    expect(renderMarkdown({ ...pruned, gates })).toMatch(/^❌ \*\*`--max-drop` failed, `--min-speedup` failed\*\*/);
    const { proof } = pruned;
    if (proof === null) throw new Error('the sample has a proof');
    const broken = renderMarkdown({ ...pruned, output: null, proof: { ...proof, passed: false } });
    expect(broken).toMatch(/^❌ \*\*the proof failed\*\*/);
    expect(broken).toContain('does **not** compute');
    const second = renderMarkdown(compared);
    expect(second).toMatch(/^❌ \*\*`--min-cosine` failed\*\*/);
    expect(second).toContain('no significant change (1.01×)');
    expect(renderMarkdown({ ...pruned, proof: null })).toContain('not checked (`--no-verify`)');
  });

  it('says that nothing was pruned', () => {
    const { before } = pruned.size;
    const nothing: Report = {
      ...pruned,
      size: { before, after: before },
      lossless: null,
      pruning: { ...pruned.pruning, removedChannels: 0, groups: [] },
      weights: null,
      storage: { storedTwice: { tensors: 0, bytes: 0 }, half: null, sparseTensors: null, gzip: false },
    };
    expect(renderMarkdown(nothing)).toMatch(/^⚠️ \*\*nothing was pruned\*\*/);
  });

  it('keeps to what GitHub takes, and says what is cut', () => {
    const long = (index: number): string => `${'a very long name of a layer/'.repeat(8)}${index}`;
    const count = 3000;
    const rows = Array.from({ length: count }, (_, index) => ({
      name: long(index),
      nodes: [long(index)],
      size: 64,
      unit: 1,
      part: null,
      bears: 0,
      points: [point(0.25, 0.9), failedPoint(0.5, `${long(index)} | failed <b>`), point(0.75, 0.5)],
    }));
    const [group] = pruned.pruning.groups;
    if (group === undefined) throw new Error('the sample has a group');
    const many: Report = {
      ...pruned,
      pruning: {
        ...pruned.pruning,
        groups: rows.map(({ name }) => ({ ...group, name })),
        kept: rows.map(({ name }) => ({
          reason: name,
          layers: rows.map((row) => ({ node: row.name, initializer: row.name, channels: 1, of: 1 })).slice(0, 20),
        })),
      },
      notes: rows.map(({ name }) => name),
    };
    const series = rows
      .slice(0, 400)
      .map(({ name, points }) => ({ of: 'channels', choices: {}, name, points }) as const);
    for (const report of [many, { ...sensitivity, rows }, { ...sweep, series }]) {
      const text = renderMarkdown(report);
      expectTame(text);
      expect(text).toMatch(/… and [\d,]+ more|Left out, since a comment has no room/);
    }
    expect(renderMarkdown(many)).toContain(`… and ${count - 60} more groups`);
  });

  it('answers a sweep in words and marks failed points', () => {
    const text = renderMarkdown(sweep);
    expect(text).toContain('- ✅ **channels, l2**: 40% of channels can leave for at most 1 point of accuracy');
    expect(text).toContain('❌ The run took longer than 10 s; raise --timeout.');
    expect(text).toContain('no significant change (1.01×, 0.99× to 1.04×)');
  });

  it('shows what a layer loses, bold where that is too much', () => {
    const text = renderMarkdown(sensitivity);
    expect(text).toContain('| `stem.weight` | 16 | **nothing** | **2.00** | **27.00** | ❌ |');
    expect(text).toContain('| `layer1.conv1.weight` | 64 | 50% | 0.00 | 0.50 | **7.00** |');
    expect(text).toContain('"match":"layer1.conv1.weight"');
  });
});

describe('code', () => {
  it('shows names as they are', () => {
    expect(code('layer1.0/conv_1*@x')).toBe('`layer1.0/conv_1*@x`');
    expect(code('a|b\\c`d e1')).toBe('<code>a&#124;b&#92;c&#96;d e1</code>');
    expect(code('')).toBe('(no name)');
    expect(code('x'.repeat(500))).toHaveLength(121);
  });
});
