import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../../src/report/html/page.ts';
import type { AnyReport } from '../../../src/report/json.ts';
import type { Report } from '../../../src/report/report.ts';
import { quantization } from '../../cli/support/int8-reports.ts';
import { redundant, typical } from '../../cli/support/weight-reports.ts';
import { HOSTILE, hostile } from '../support/hostile.ts';
import { compared, inspected, pruned } from '../support/models.ts';
import { sensitivity, sweep } from '../support/studies.ts';

const REPORTS: readonly (readonly [string, AnyReport])[] = [
  ['prune', pruned],
  ['inspect', inspected],
  ['compare', compared],
  ['sweep', sweep],
  ['sensitivity', sensitivity],
];

async function documentOf(report: AnyReport): Promise<ReturnType<typeof parseHTML>['document']> {
  return parseHTML(await renderHtml(report)).document;
}

function textOf(element: { readonly textContent: string | null } | null): string {
  return element?.textContent?.replace(/\s+/g, ' ').trim() ?? '';
}

describe.each(REPORTS)('The page of %s', (_, report) => {
  it('has a language, landmarks, a way past the contents, and one headline', async () => {
    const document = await documentOf(report);
    expect(document.documentElement.getAttribute('lang')).toBe('en');
    for (const landmark of ['header', 'nav', 'main', 'footer'])
      expect(document.querySelectorAll(landmark)).toHaveLength(1);
    expect(document.querySelector('.skip')?.getAttribute('href')).toBe('#content');
    expect(document.querySelectorAll('h1')).toHaveLength(1);
    expect(textOf(document.querySelector('title'))).not.toBe('');
  });

  it('names nothing outside of itself', async () => {
    const text = await renderHtml(report);
    const { document } = parseHTML(text);
    const policy = document.querySelector('meta[http-equiv]')?.getAttribute('content');
    expect(policy).toContain("default-src 'none'");
    const links = [...document.querySelectorAll('[href],[src]')].map(
      (element) => element.getAttribute('href') ?? element.getAttribute('src') ?? '',
    );
    expect(links.filter((link) => !link.startsWith('#') && !link.startsWith('data:'))).toEqual([]);
    expect(text).not.toMatch(/url\(|@import/);
  });

  it('has every id once, and its contents lead to sections', async () => {
    const document = await documentOf(report);
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const targets = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href')?.slice(1) ?? '');
    expect(targets.length).toBeGreaterThan(2);
    expect(targets.filter((target) => document.getElementById(target)?.localName !== 'section')).toEqual([]);
  });

  it('has captions and scopes in tables, and words beside drawings', async () => {
    const document = await documentOf(report);
    const tables = [...document.querySelectorAll('table')];
    expect(tables.length).toBeGreaterThan(0);
    for (const table of tables) {
      expect(textOf(table.querySelector('caption'))).not.toBe('');
      expect(
        [...table.querySelectorAll('th')].filter((cell) => !/^(?:row|col)$/.test(cell.getAttribute('scope') ?? '')),
      ).toEqual([]);
      expect([...table.querySelectorAll('thead th')].filter((cell) => textOf(cell) === '')).toEqual([]);
      const widths = [...table.querySelectorAll('tr')].map((row) => row.children.length);
      expect(new Set(widths).size).toBe(1);
    }
    for (const figure of document.querySelectorAll('figure')) {
      expect(textOf(figure.querySelector('figcaption'))).not.toBe('');
      expect(figure.querySelector('svg')?.getAttribute('role')).toBe('img');
      expect(figure.querySelector('svg')?.getAttribute('aria-label') ?? '').not.toBe('');
      expect(figure.querySelectorAll('details table')).toHaveLength(1);
    }
  });

  it('says nothing that is no number', async () => {
    expect(textOf((await documentOf(report)).querySelector('main'))).not.toMatch(
      /\b(?:NaN|undefined|null|Infinity|\[object)/,
    );
  });
});

it('The page of a comparison speaks of A and B, and of their accuracy at the top', async () => {
  const document = await documentOf({ ...compared, fidelity: pruned.fidelity ?? compared.fidelity });
  expect(textOf(document.querySelector('.lead'))).toContain(
    'the accuracy of B is 96.20% where that of A is 97.00% (-0.80 points)',
  );
  expect([...document.querySelectorAll('#outputs table')].map(textOf).join()).toMatch(/Figure ?A ?B ?Change/);
});

describe('The page of a pruning run', () => {
  it('shows its sections in the order in which they are asked about', async () => {
    const titles = [...(await documentOf(pruned)).querySelectorAll('main h2')].map(textOf);
    const order = [
      'In numbers',
      'Gates',
      'The model',
      'Layers',
      'Channels',
      'Not pruned',
      'Proof',
      'Fidelity',
      'Latency',
      'Notes',
      'How it was made',
    ];
    expect(titles.filter((title) => order.includes(title))).toEqual(order);
  });

  it('shows figures before and after, gates with margins, and the command quoted for a shell', async () => {
    const document = await documentOf(pruned);
    const tiles = [...document.querySelectorAll('.tile')].map(textOf);
    expect(tiles.find((tile) => tile.startsWith('Accuracy'))).toContain('97.00% → 96.20%');
    const gates = textOf(document.querySelector('#gates table'));
    expect(gates).toMatch(/--max-drop.*passed by 0\.20 points.*1\.00 points.*0\.80 points/);
    expect(document.getElementById('command')?.textContent).toBe(
      "onnx-prune 'my model.onnx' --structured 50% --only '*conv*'",
    );
  });

  it('says at the top when the proof or a gate failed', async () => {
    const proof = pruned.proof && { ...pruned.proof, passed: false };
    expect(textOf((await documentOf({ ...pruned, proof })).querySelector('.lead'))).toContain('The proof failed');
    const gates = pruned.gates.map((gate) => ({ ...gate, passed: false, margin: -1 }));
    expect(textOf((await documentOf({ ...pruned, gates })).querySelector('.lead'))).toMatch(
      /does not keep to its gates.*2 of 2 gates failed/,
    );
  });

  it('says at the top which gates failed and that nothing was written, and calls a dry run one', async () => {
    const [drop, speed] = pruned.gates;
    if (drop === undefined || speed === undefined) throw new Error('The sample report has two gates.');
    const failed = { ...pruned, output: null, gates: [{ ...drop, passed: false, margin: -1 }, speed] };
    const document = await documentOf(failed);
    expect(textOf(document.querySelector('.lead'))).toMatch(
      /Nothing was written\..*1 of 2 gates failed \(--max-drop\)/,
    );
    expect(textOf(document.querySelector('h1'))).toContain('nothing written');
    expect(textOf(document.querySelector('#numbers'))).toContain('not written, since the run failed');
    const dry = await documentOf({ ...pruned, output: null, options: { dryRun: true } });
    expect(textOf(dry.querySelector('.lead'))).not.toContain('Nothing was written');
    expect(textOf(dry.querySelector('h1'))).toContain('dry run');
  });

  it('says at the top that nothing was removed, nothing was to be proven, or accuracy was not measured', async () => {
    const lead = async (more: Partial<Report>): Promise<string> =>
      textOf((await documentOf({ ...pruned, ...more })).querySelector('.lead'));
    const pruning = { ...pruned.pruning, removedChannels: 0 };
    const size = { before: pruned.size.before, after: pruned.size.before };
    expect(
      await lead({ pruning, size, weights: null, lossless: null, storage: { ...pruned.storage, half: null } }),
    ).toContain('Nothing was removed');
    expect(await lead({})).not.toContain('Nothing was removed');
    const proof = pruned.proof && { ...pruned.proof, cut: [], frontier: [], cleaned: [] };
    expect(await lead({ proof })).toContain('nothing to prove');
    expect(await lead({ fidelity: null })).toContain('accuracy not measured');
    const fidelity = pruned.fidelity && { ...pruned.fidelity, on: 'random inputs' as const, accuracy: null };
    expect(await lead({ fidelity })).toContain('accuracy not measured: no test data');
    expect(await lead({})).not.toContain('not measured');
  });

  it('stays small with names of 10 kB, of which it shows both ends', async () => {
    const long = (node: number): string => `first${node}${'x'.repeat(10_000)}last${node}`;
    const [group] = pruned.pruning.groups;
    const nodes = Array.from({ length: 300 }, (_, k) => ({
      ...(pruned.outline?.nodes[0] ?? expect.fail('The sample has a layer.')),
      name: long(k),
      group: long(k),
    }));
    const groups = group === undefined ? [] : nodes.map(({ name }) => ({ ...group, name, producers: [name] }));
    const text = await renderHtml({
      ...pruned,
      outline: { nodes, edges: nodes.slice(1).map((_, k) => [k, k + 1] as const) },
      pruning: { ...pruned.pruning, groups },
    });
    expect(text.length).toBeLessThan(2e6);
    expect(text).toMatch(/first7x+…x+last7\b/);
  });

  it('says that a change of time means nothing where that is so', async () => {
    const latency = compared.latency;
    expect(textOf((await documentOf({ ...pruned, latency })).querySelector('.lead'))).toContain(
      'did not change significantly',
    );
  });

  it('shows what quantizing, recovering, sparsity and the lossless step came to', async () => {
    const document = await documentOf({
      ...pruned,
      quantization,
      weights: typical,
      lossless: redundant,
      recovery,
      goal,
    });
    const textIn = (id: string): string => textOf(document.querySelector(id));
    expect(textIn('#quantization')).toMatch(
      /stem\.weight.*0\.25%.*GPTQ.*stays in float32.*because --float "tail" says so: tail/,
    );
    expect(textIn('#quantization')).toContain('All of it runs on integers');
    expect(textIn('#recovery')).toMatch(/conv25\.00%1\.23%/);
    for (const { initializer } of typical.layers) expect(textIn('#weights')).toContain(initializer);
    expect(textIn('#lossless')).toContain(
      redundant.groups.find(({ removed }) => removed.length > 0)?.name ?? 'a group',
    );
    expect(textIn('#goal')).toMatch(/missed File size: 1\.60 MB.*more than 1\.50 MB.*25%.*40% \(taken\)/);
    expect(textIn('.lead')).toContain('The goal was missed');
  });

  it('says why a model was not quantized, and that nobody looked where nothing was proven', async () => {
    const untouched = { ...quantization, untouched: 'it has no layer that could run on integers' };
    const document = await documentOf({ ...pruned, quantization: untouched, proof: null, outline: null });
    expect(textOf(document.querySelector('#quantization'))).toContain('Left as it is: it has no layer');
    expect(textOf(document.querySelector('#proof'))).toContain('Not checked (--no-verify)');
    expect(textOf(document.querySelector('#layers'))).toContain('too many to be shown one by one');
    expect(textOf(document.querySelector('.lead'))).toContain('not proven');
  });

  it('is under 2 MB for a model of 400 layers and 500 groups, and says what it leaves out', async () => {
    const text = await renderHtml(largeRun());
    expect(text.length).toBeLessThan(2e6);
    const { document } = parseHTML(text);
    expect(textOf(document.querySelector('#groups'))).toContain('The first 250 of 500 groups are shown; the other 250');
    expect(document.querySelectorAll('#groups tbody tr')).toHaveLength(250);
  });
});

const recovery: Report['recovery'] = {
  kind: 'bias',
  samples: 64,
  rounds: 1,
  layers: [
    {
      node: 'conv',
      initializer: 'conv.weight',
      before: 0.25,
      after: 0.0123,
      energy: 1,
      ridge: null,
      extra: 0,
      by: 'patches',
      reason: null,
    },
  ],
};

const goal: Report['goal'] = {
  target: { kind: 'size', limit: 1.5e6, original: 4e6, reached: 1.6e6, met: false },
  drop: null,
  sought: {
    of: 'channels',
    by: 'target',
    amount: 0.4,
    found: true,
    tries: [
      { amount: 0.25, reached: 2.5e6, met: false },
      { amount: 0.4, reached: 1.6e6, met: false },
    ],
  },
};

/** A run on a deep chain of layers with long names. */
function largeRun(): Report {
  const [group] = pruned.pruning.groups;
  const [node] = pruned.outline?.nodes ?? [];
  if (group === undefined || node === undefined) throw new Error('The sample report has a group and a node.');
  const layer = (index: number): string =>
    `/backbone/stages.${index % 7}/blocks.${index}/attention/projection/MatMul_${index}`;
  const groups = Array.from({ length: 500 }, (_, index) => ({
    ...group,
    name: layer(index),
    producers: [layer(index)],
  }));
  const nodes = Array.from({ length: 400 }, (_, index) => ({ ...node, name: layer(index), group: layer(index) }));
  const edges = nodes.slice(1).map((_, index) => [index, index + 1] as const);
  return { ...pruned, pruning: { ...pruned.pruning, groups }, outline: { nodes, edges } };
}

describe.each([
  ['prune', pruned, hostile(pruned)],
  ['inspect', inspected, hostile(inspected)],
  ['compare', compared, hostile(compared)],
  ['sweep', sweep, hostile(sweep)],
  ['sensitivity', sensitivity, hostile(sensitivity)],
] as const)('Hostile names in the page of %s', (_, plain, spoilt) => {
  it('make no elements and no attributes', async () => {
    const kinds = async (report: AnyReport): Promise<Set<string>> => {
      const elements = [...(await documentOf(report)).querySelectorAll('*')];
      return new Set(
        elements.flatMap((element) => [element.localName, ...[...element.attributes].map(({ name }) => `@${name}`)]),
      );
    };
    const usual = await kinds(plain);
    const SEEN_ELSEWHERE = new Set(['pre', 'code', 'details', 'summary', 'strong', 'br', 'h3']);
    expect([...(await kinds(spoilt))].filter((kind) => !usual.has(kind) && !SEEN_ELSEWHERE.has(kind))).toEqual([]);
  });

  it('are shown as they are', async () => {
    const document = await documentOf(spoilt);
    const text = document.querySelector('main')?.textContent ?? '';
    expect(HOSTILE.slice(0, 3).filter((name) => text.includes(name))).not.toEqual([]);
    expect(document.querySelectorAll('script')).toHaveLength(1);
    expect(document.querySelectorAll('img,iframe')).toHaveLength(0);
  });
});
