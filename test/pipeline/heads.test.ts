import { describe, expect, test } from 'vitest';
import type { PruneOptions, Report } from '../../src/index.ts';
import { integers } from '../ops/nets.ts';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { DEPTH, HEADS, languageModel, type TransformerOptions } from '../support/transformer.ts';
import { freshFolder } from './folder.ts';

const STREAM = ['words', '0.out', '0.down'];
const NO_AMOUNT = 'no amount was given for it (--structured gives one)';

/** Prunes a net with the proof, which must pass and say something. */
async function proven(net: ModelBuilder, options: PruneOptions): Promise<Report> {
  const input = freshFolder().write('m.onnx', net.bytes());
  const report = await prune(input, { align: 'none', bench: false, ...options });
  expect(report.proof).toMatchObject({ passed: true });
  expect(report.proof?.cut.every(({ informative }) => informative)).toBe(true);
  return report;
}

const pruned = (options: PruneOptions, net: TransformerOptions = {}): Promise<Report> =>
  proven(languageModel({ blocks: 1, ...net }), options);

/** `name part before → after` of each group. */
function groups({ pruning }: Report): string[] {
  return pruning.groups.map(({ name, part, before, after }) => `${name} ${part ?? 'channels'} ${before} → ${after}`);
}

function kept({ pruning }: Report): Record<string, string[]> {
  return Object.fromEntries(
    pruning.kept.map(({ reason, layers }) => [reason, layers.map(({ initializer }) => initializer)]),
  );
}

describe('a language model', { timeout: 60_000 }, () => {
  test.each(['fused', 'apart'] as const)(
    'whose norms are %s loses heads alone; feed-forward parts stay',
    async (norm) => {
      const report = await pruned({ heads: 0.5 }, { norm });
      expect(groups(report)).toEqual(['0.q heads 16 → 8']);
      const reasons = kept(report);
      expect(reasons[NO_AMOUNT]).toEqual(['0.up']);
      const [mixed = ''] = Object.keys(reasons).filter((reason) => reason.includes('--allow-approximate'));
      expect(reasons[mixed]).toEqual(STREAM);
      expect(reasons['it is the graph output "logits"']).toEqual(['scores']);
    },
  );

  test('whose norms are roots of mean squares loses the residual stream by --structured alone', async () => {
    expect(groups(await pruned({ structured: 0.5 }, { norm: 'rms' }))).toContain('words channels 16 → 8');
    const report = await pruned({ heads: 0.5 }, { norm: 'rms' });
    expect(kept(report)[NO_AMOUNT]).toEqual(['words', '0.up']);
  });

  test('loses dimensions inside heads alone: queries with keys, values by themselves', async () => {
    const report = await pruned({ headDim: 0.25 });
    expect(groups(report)).toEqual(['0.q head-dim 16 → 12', '0.v head-dim 16 → 12']);
    expect(kept(report)[NO_AMOUNT]).toEqual(['0.up']);
    // One dimension of every head.
    expect(report.pruning.groups.map(({ unit }) => unit)).toEqual([HEADS, HEADS]);
  });

  test('loses heads, and then dimensions of those that stay', async () => {
    const report = await pruned({ heads: 0.25, headDim: 0.5, structured: 0.25 });
    expect(groups(report)).toEqual([
      '0.q heads 16 → 12',
      '0.up channels 24 → 18',
      '0.q head-dim 12 → 6',
      '0.v head-dim 12 → 6',
    ]);
    expect(report.proof?.cut).toHaveLength(1);
    const sizes = report.pruning.axes.filter(({ initializer }) => initializer === '0.out');
    expect(sizes).toMatchObject([{ axis: 0, before: HEADS * DEPTH }]);
    expect(sizes[0]?.kept).toHaveLength(6);
  });

  test('keeps excluded layers whole in both passes, and everything that --only does not name', async () => {
    const both = { heads: 0.5, headDim: 0.5, structured: 0.5 };
    expect(groups(await pruned({ ...both, exclude: ['0.q'] }, { blocks: 2 }))).toEqual([
      '0.up channels 24 → 12',
      '1.q heads 16 → 8',
      '1.up channels 24 → 12',
      // Values are made by a weight of their own, which nobody excludes.
      '0.v head-dim 16 → 8',
      '1.q head-dim 8 → 4',
      '1.v head-dim 8 → 4',
    ]);
    expect(groups(await pruned({ ...both, only: ['0.*'] }, { blocks: 2 }))).toEqual([
      '0.q heads 16 → 8',
      '0.up channels 24 → 12',
      '0.q head-dim 8 → 4',
      '0.v head-dim 8 → 4',
    ]);
  });

  test('with equal biases stored once loses dimensions whatever the amount of heads', async () => {
    const net = languageModel({ blocks: 1 });
    for (const node of net.graph().node)
      node.input = (node.input ?? []).map((name) => (/\.(k|v|out|down)\.bias$/.test(name) ? '0.q.bias' : name));
    // An eighth of four heads is none, so that nothing sets the biases apart before the dimensions leave.
    const report = await proven(net, { heads: 0.1, headDim: 0.5 });
    expect(groups(report)).toEqual(['0.q heads 16 → 16', '0.q head-dim 16 → 8', '0.v head-dim 16 → 8']);
  });
});

describe('all groups ranked together', { timeout: 60_000 }, () => {
  test('share what --structured gives; heads with an amount of their own stand aside', async () => {
    const report = await pruned({ structured: 0.5, heads: 0.25, scope: 'global' }, { blocks: 2 });
    const removed = (part: 'heads' | null): number =>
      report.pruning.groups
        .filter((group) => group.part === part)
        .reduce((sum, { before, after, unit }) => sum + (before - after) / unit, 0);
    expect(report.pruning.groups.filter(({ part }) => part === 'heads').map(({ after }) => after)).toEqual([12, 12]);
    expect(removed(null)).toBe(24);
  });

  test('count heads as units among the others where they have none', async () => {
    const report = await pruned({ structured: 0.5, scope: 'global' }, { blocks: 2 });
    const units = report.pruning.groups.reduce((sum, { before, after, unit }) => sum + (before - after) / unit, 0);
    expect(units).toBe((2 * HEADS + 2 * 24) / 2);
  });
});

/** Heads folded into an open batch, [T, N · H, d], so that nothing but the dimensions inside them can leave. */
function foldedHeads(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('tokens', 'float32', ['T', 'N', 5]);
  const dimOf = (value: string, dim: number): string =>
    b.node('Unsqueeze', [b.node('Gather', [b.node('Shape', [value]), integers(b, [dim], [])]), integers(b, [0])]);
  const apart = (value: string): string => {
    const rows = b.node('Mul', [dimOf(value, 1), integers(b, [4])]);
    const shape = b.node('Concat', [dimOf(value, 0), rows, integers(b, [2])], { axis: 0 });
    return b.node('Transpose', [b.node('Reshape', [value, shape])], { perm: [1, 0, 2] });
  };
  const [q = '', k = '', v = ''] = ['q', 'k', 'v'].map((name) => apart(b.node('MatMul', [x, b.weight(name, [5, 8])])));
  const scores = b.node('MatMul', [q, b.node('Transpose', [k], { perm: [0, 2, 1] })]);
  const mixed = b.node('MatMul', [b.node('Softmax', [scores], { axis: -1 }), v]);
  const back = b.node('Transpose', [mixed], { perm: [1, 0, 2] });
  const shape = b.node('Concat', [dimOf(back, 0), integers(b, [-1, 8])], { axis: 0 });
  b.output(b.node('MatMul', [b.node('Reshape', [back, shape]), b.weight('last', [8, 3])]), 'float32');
  return b;
}

describe('attention that can lose dimensions but no heads', { timeout: 60_000 }, () => {
  test('loses them in the second pass, and no reason says that nobody asked for it', async () => {
    const report = await proven(foldedHeads(), { heads: 0.5, headDim: 0.5 });
    expect(groups(report)).toEqual(['q head-dim 8 → 4', 'v head-dim 8 → 4']);
    expect(Object.keys(kept(report)).join()).not.toContain('no amount');
  });

  test('says which option gives an amount where heads alone are asked for', async () => {
    const report = await proven(foldedHeads(), { heads: 0.5 });
    expect(kept(report)['no amount was given for it (--head-dim gives one)']).toEqual(['q', 'v']);
    expect(report.notes).toContainEqual(expect.stringMatching(/^Nothing was removed/));
  });
});

/** Features [N, 16] whose halves are read apart: two groups of one weight, named by their first index. */
function halvesApart(): ModelBuilder {
  const b = new ModelBuilder();
  const wide = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), b.weight('wide', [4, 16])]);
  const halves = b.nodes('Split', [b.node('Tanh', [wide]), integers(b, [8, 8])], 2, { axis: 1 });
  b.output(
    b.node(
      'Add',
      halves.map((half, i) => b.node('MatMul', [half, b.weight(`read${i}`, [8, 3])])),
    ),
    'float32',
  );
  return b;
}

test('a recipe may name groups that the first pass cuts in front of the second', { timeout: 60_000 }, async () => {
  const layers = ['wide[0…]', 'wide[8…]'].map((match) => ({ match, amount: 0.5 }));
  const report = await proven(halvesApart(), { layers, heads: 0.5, headDim: 0.5 });
  expect(groups(report)).toEqual(['wide[0…] channels 8 → 4', 'wide[8…] channels 8 → 4']);
});

describe('the note of approximate nodes', { timeout: 60_000 }, () => {
  const notes = async (blocks: number): Promise<readonly string[]> =>
    (await pruned({ structured: 0.5, allowApproximate: true }, { blocks })).notes;

  test('counts them, and names three at most', async () => {
    expect(await notes(0)).toEqual([
      '1 node takes statistics over channels of which some left (final/Norm); the proof takes them over those that stay, so it says nothing of what that does to accuracy.',
    ]);
    expect(await notes(2)).toEqual([
      expect.stringMatching(/^5 nodes take statistics .* \(0\.before\/Norm, 0\.between\/Norm, 1\.before\/Norm, …\);/),
    ]);
  });
});
