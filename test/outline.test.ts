import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { prune } from '../src/index.ts';
import type { Graph } from '../src/ir/graph.ts';
import { importModel } from '../src/ir/model.ts';
import { decodeModel } from '../src/onnx/codec.ts';
import { outlineAfter, outlineBefore } from '../src/outline.ts';
import type { Outline } from '../src/report/outline.ts';
import { RuntimeChild } from '../src/runtime/index.ts';
import { imageNet } from './ops/nets.ts';
import { fixture, freshFolder } from './pipeline/folder.ts';
import { branching, looping } from './support/bodies.ts';
import { ModelBuilder } from './support/build.ts';
import { normalised } from './support/model-parts.ts';
import { languageModel } from './support/transformer.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const NOTHING = { groups: [], kept: [] };

async function graphOf(bytes: Uint8Array): Promise<Graph> {
  return (await normalised(bytes, child)).graph;
}

function draw(graph: Graph): Outline | null {
  return outlineAfter(outlineBefore(graph), null, NOTHING);
}

/** `FROM → TO` by name of each edge. */
function edgesOf(outline: Outline | null): string[] {
  return (outline?.edges ?? []).map(([from, to]) => `${outline?.nodes[from]?.name} → ${outline?.nodes[to]?.name}`);
}

function conv(b: ModelBuilder, x: string, name: string, [outputs, inputs]: readonly [number, number]): string {
  return b.node('Conv', [x, b.weight(`${name}.w`, [outputs, inputs, 1, 1])], {}, { name });
}

function parametersOf(outline: Outline | null, when: 'before' | 'after'): number {
  return (outline?.nodes ?? []).reduce((sum, node) => sum + (node[when]?.parameters ?? 0), 0);
}

describe('a drawing', { timeout: 120_000 }, () => {
  test('shows what a skip connection, a gate and a Concat join, and nothing in between', async () => {
    const net = imageNet(
      (b, x) => {
        const first = b.node('Relu', [x]);
        const added = b.node('Add', [conv(b, first, 'inner', [8, 8]), first], {}, { name: 'add' });
        const pooled = conv(b, b.node('GlobalAveragePool', [added]), 'squeeze', [8, 8]);
        const gated = b.node('Mul', [added, b.node('Sigmoid', [pooled])], {}, { name: 'gate' });
        const side = conv(b, gated, 'side', [4, 8]);
        const swish = b.node('Mul', [side, b.node('Sigmoid', [side])], {}, { name: 'swish' });
        return b.node('Concat', [swish, gated], { axis: 1 }, { name: 'concat' });
      },
      { read: 12 },
    );
    const outline = draw(await graphOf(net.bytes()));
    const [first, last] = (outline?.nodes ?? []).filter(({ name }) => name.startsWith('Conv')).map(({ name }) => name);
    expect(edgesOf(outline).sort()).toEqual(
      [
        `image → ${first}`,
        `${first} → inner`,
        'inner → add',
        `${first} → add`,
        'add → squeeze',
        'add → gate',
        'squeeze → gate',
        'gate → side',
        'side → concat',
        'gate → concat',
        `concat → ${last}`,
        `${last} → ${outline?.nodes.at(-1)?.name}`,
      ].sort(),
    );
    const joins = outline?.nodes.filter(({ isLayer }) => !isLayer).map(({ operator }) => operator);
    expect(joins).toEqual(['Input', 'Add', 'Mul', 'Concat', 'Output']);
    expect(outline?.nodes.find(({ name }) => name === 'inner')?.before).toEqual({
      parameters: 64,
      nonZeros: 64,
      macs: 64 * 36,
      dims: ['N', 8, 6, 6],
    });
  });

  test('takes a node for its body, and counts what is inside', async () => {
    // What decides between the branches compares with one number.
    for (const [net, scalars] of [
      [branching(), 1],
      [looping(), 0],
    ] as const) {
      const bytes = net.bytes();
      const graph = await graphOf(bytes);
      const report = await prune(freshFolder().write('m.onnx', bytes), {
        structured: 0.5,
        align: 'none',
        dryRun: true,
        verify: false,
        bench: false,
      });
      expect(draw(graph)?.nodes.map(({ name }) => name)).toEqual(report.outline?.nodes.map(({ name }) => name));
      expect(parametersOf(report.outline, 'before')).toBe(report.size.before.parameters - scalars);
      expect(parametersOf(report.outline, 'after')).toBe(report.size.after.parameters - scalars);
    }
  });

  test.each(['cifar-resnet20', 'densenet-mini', 'mobilenetv3-mini', 'shared-mini', 'unet-mini', 'yolo-c2f-mini'])(
    'of %s has edges exactly where no other drawn node lies between',
    async (name) => {
      const graph = await graphOf(readFileSync(fixture(`${name}.onnx`)));
      expectFaithful(graph, draw(graph));
    },
  );

  test('of a transformer shows its attention', async () => {
    const graph = await graphOf(languageModel({ blocks: 1 }).bytes());
    const outline = draw(graph);
    expectFaithful(graph, outline);
    expect(outline?.nodes.filter(({ operator }) => operator === 'MatMul').length).toBeGreaterThan(2);
  });

  test('has as many parameters and channels after a run as the result', async () => {
    for (const int8 of [undefined, 'weights', 'dynamic'] as const) {
      const report = await prune(fixture('cifar-resnet20.onnx'), {
        structured: 0.5,
        dryRun: true,
        verify: false,
        bench: false,
        ...(int8 && { int8 }),
      });
      const { outline, size, pruning } = report;
      expect(parametersOf(outline, 'before')).toBe(size.before.parameters);
      expect(parametersOf(outline, 'after')).toBe(size.after.parameters);
      expect(outline?.nodes.reduce((sum, { after }) => sum + (after?.macs ?? 0), 0)).toBe(size.after.macs);
      for (const group of pruning.groups) {
        const node = outline?.nodes.find(({ name }) => name === group.producers[0]);
        expect([node?.group, node?.kept]).toEqual([group.name, null]);
        expect([node?.before.dims[1], node?.after?.dims[1]]).toEqual([group.before, group.after]);
      }
      const joined = outline?.nodes.filter(({ operator }) => operator === 'Add') ?? [];
      expect(joined.length).toBeGreaterThan(0);
      for (const { group } of joined) expect(pruning.groups.map((each) => each.name)).toContain(group);
      expect(outline?.nodes.some(({ kept }) => kept !== null)).toBe(true);
    }
  });

  test('is of no use for ten thousand layers, and long chains in between are no trouble', async () => {
    const chain = (layers: number, between: number): ModelBuilder => {
      const b = new ModelBuilder();
      let x = b.input('x', 'float32', ['N', 4]);
      const weight = b.weight('w', [4, 4]);
      for (let i = 0; i < layers; i++) x = b.node('MatMul', [x, weight], {}, { name: `m${i}`, outputs: [`p${i}`] });
      for (let i = 0; i < between; i++) x = b.node('Relu', [x], {}, { name: `n${i}`, outputs: [`r${i}`] });
      b.output(x, 'float32', ['N', 4]);
      return b;
    };
    const imported = (b: ModelBuilder): Graph => importModel(decodeModel(b.bytes())).graph;
    expect(outlineBefore(imported(chain(9_999, 0)))).toBeNull();
    expect(outlineBefore(imported(chain(600, 0)))?.nodes).toHaveLength(602);
    expect(draw(imported(chain(2, 20_000)))?.edges).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
    ]);
  });
});

/** Edges go forward, each once, and between two drawn nodes exactly where a way leads through nodes that are not drawn. */
function expectFaithful(graph: Graph, outline: Outline | null): void {
  expect(outline).not.toBeNull();
  const edges = outline?.edges ?? [];
  expect(new Set(edges.map(String)).size).toBe(edges.length);
  for (const [from, to] of edges) expect(from).toBeLessThan(to);
  const sorted = graph.sorted();
  const drawn = new Set(outline?.nodes.map(({ name }) => name));
  const nameOf = (node: (typeof sorted)[number]): string =>
    node.name !== '' ? node.name : `${node.opType}(${node.outputs[0]?.name ?? ''})`;
  // The other way round than the code: from each drawn node backwards through those that are not.
  const expected = new Set<string>();
  const walk = (value: (typeof graph.inputs)[number], to: string): void => {
    const { producer } = value;
    if (producer === undefined) {
      if (value.tensor === undefined) expected.add(`${value.name} → ${to}`);
    } else if (drawn.has(nameOf(producer))) expected.add(`${nameOf(producer)} → ${to}`);
    else if (producer.opType !== 'Shape') for (const input of producer.inputs) if (input !== undefined) walk(input, to);
  };
  for (const node of sorted)
    if (drawn.has(nameOf(node))) for (const input of node.inputs) if (input !== undefined) walk(input, nameOf(node));
  for (const output of graph.outputs) walk(output, output.name);
  expect(new Set(edgesOf(outline))).toEqual(expected);
  const layers = sorted.filter((node) => node.inputs.some((input) => (input?.tensor?.dims.length ?? 0) >= 2));
  for (const node of layers) {
    if (node.inputs.every((input) => input?.tensor === undefined || !input.tensor.type.startsWith('float'))) continue;
    expect(outline?.nodes.filter(({ name, operator }) => name === nameOf(node) && operator !== 'Output')).toHaveLength(
      1,
    );
  }
}
