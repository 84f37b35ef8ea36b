import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import type { ChannelMap } from '../../src/channels/group.ts';
import type { Graph } from '../../src/ir/graph.ts';
import { importModel } from '../../src/ir/model.ts';
import { loadModel } from '../../src/load.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { type LayerRule, type Selection, selectGroups } from '../../src/transforms/select-groups.ts';
import { integers } from '../ops/nets.ts';
import { fixture } from '../pipeline/folder.ts';
import { ModelBuilder } from '../support/build.ts';
import { languageModel } from '../support/transformer.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

interface Read {
  readonly graph: Graph;
  readonly map: ChannelMap;
}

async function read(b: ModelBuilder): Promise<Read> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, createEngine(child));
  return { graph: model.graph, map: buildChannelMap(model.graph, ruleOf) };
}

const NOTHING: Selection = {
  amounts: { heads: undefined, 'head-dim': undefined, channels: undefined },
  criterion: 'l2',
  exclude: [],
  only: [],
  layers: [],
};

/** The amount that each group loses, or why it stays. */
function select({ graph, map }: Read, wishes: Partial<Selection>): Record<string, number | string> {
  return Object.fromEntries(
    selectGroups(map, graph, { ...NOTHING, ...wishes }).map((each) => [
      each.group.name,
      each.keptBy ?? each.amount.fraction,
    ]),
  );
}

/** Features [N, 16] whose halves are read apart. */
function halvesApart(): ModelBuilder {
  const b = new ModelBuilder();
  const hidden = b.node('MatMul', [b.input('z', 'float32', ['N', 4]), b.weight('wide', [4, 16])]);
  const [left = '', right = ''] = b.nodes('Split', [hidden, integers(b, [8, 8])], 2, { axis: 1 });
  const sum = [left, right].map((half, i) => b.node('MatMul', [half, b.weight(`read${i}`, [8, 3])]));
  b.output(b.node('Add', sum), 'float32', ['N', 3]);
  return b;
}

describe('an entry for every group', { timeout: 60_000 }, () => {
  const files = ['', 'structural/'].flatMap((folder) =>
    readdirSync(fixture(folder)).flatMap((name) =>
      name.endsWith('.onnx') && !name.includes('.pruned.') ? [`${folder}${name}`] : [],
    ),
  );

  test.each(files)('of %s speaks of that group alone', async (name) => {
    const { model } = await loadModel(fixture(name), createEngine(child));
    const map = buildChannelMap(model.graph, ruleOf);
    for (const { name: wanted } of map.groups) {
      const layers = [{ match: [wanted], amount: 0.5 }];
      const chosen = selectGroups(map, model.graph, { ...NOTHING, layers }).filter((each) => each.keptBy === undefined);
      expect(chosen.map(({ group }) => group.name)).toEqual([wanted]);
    }
  });
});

describe('groups of one weight', () => {
  test('go by the first index that each has, and by the weight together', async () => {
    const net = await read(halvesApart());
    const nobody = 'no amount was given for it (--structured gives one)';
    const halves = select(net, { layers: [{ match: ['wide'], amount: 0.5 }] });
    expect(halves).toMatchObject({ 'wide[0…]': 0.5, 'wide[8…]': 0.5 });
    const one = select(net, { layers: [{ match: ['wide[8…]'], amount: 0.5 }] });
    expect(one).toMatchObject({ 'wide[0…]': nobody, 'wide[8…]': 0.5 });
  });

  test('along several of its axes say which', async () => {
    const b = new ModelBuilder();
    // One channel of sound, which can leave as well as the channels that are made of it.
    const sound = b.node('Unsqueeze', [b.input('sound', 'float32', ['N', 9]), integers(b, [1])]);
    const made = b.node('Relu', [b.node('Conv', [sound, b.weight('filters', [8, 1, 3])])]);
    b.output(b.node('Conv', [made, b.weight('last', [2, 8, 1])]), 'float32');
    const net = await read(b);
    expect(net.map.groups.map(({ name, count }) => [name, count])).toEqual([
      ['filters[:, 0…]', 1],
      ['filters[0…]', 8],
    ]);
    expect(select(net, { layers: [{ match: ['filters[0…]'], amount: 0.5 }] })).toMatchObject({ 'filters[0…]': 0.5 });
  });
});

describe('entries of a recipe', () => {
  test('are read one over the other, each for what it says', async () => {
    const net = await read(languageModel({ blocks: 1 }));
    const layers: LayerRule[] = [
      { match: ['0.*'], amount: 0.5, exclude: true },
      { match: ['0.up'], criterion: 'l1', amount: 0.25 },
      { match: ['0.up/MatMul'], exclude: false },
    ];
    expect(select(net, { layers })).toEqual({ '0.q': 'the recipe excludes it', '0.up': 0.25 });
    const [, up] = selectGroups(net.map, net.graph, { ...NOTHING, layers });
    expect(up).toMatchObject({ criterion: 'l1', amount: { fraction: 0.25, each: true } });
  });

  test('do not take back what --exclude and --only say', async () => {
    const net = await read(languageModel({ blocks: 1 }));
    const layers: LayerRule[] = [{ match: ['*'], amount: 0.5, exclude: false }];
    expect(select(net, { layers, exclude: ['0.up'] })).toMatchObject({ '0.up': '--exclude "0.up"' });
    expect(select(net, { layers, only: ['0.up'] })).toEqual({ '0.q': 'no --only pattern matches it', '0.up': 0.5 });
  });

  test('match by any of the weights and nodes that make the channels, and by none that read them', async () => {
    const net = await read(languageModel({ blocks: 1 }));
    for (const match of ['0.q', '0.k', '0.v', '0.k/MatMul'])
      expect(select(net, { layers: [{ match: [match], amount: 0.25 }] })).toMatchObject({ '0.q': 0.25 });
    expect(select(net, { layers: [{ match: ['0.out'], amount: 0.25 }] })).not.toMatchObject({ '0.q': 0.25 });
  });

  test('may match nothing in a second pass only', async () => {
    const net = await read(halvesApart());
    const layers: LayerRule[] = [{ match: ['wide[4…]'], amount: 0.5 }];
    expect(() => select(net, { layers })).toThrow('The recipe’s "match" "wide[4…]" matches no node');
    expect(Object.values(select(net, { layers, again: true }))).not.toContain(0.5);
  });
});
