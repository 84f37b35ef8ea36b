import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { graphChart } from '../../../src/report/charts/graph.ts';
import { foldGraph } from '../../../src/report/charts/graph-blocks.ts';
import type { Outline } from '../../../src/report/outline.ts';
import { sampleOutline } from '../support/samples.ts';
import { readMarks, textsOf } from '../support/svg-marks.ts';

const [SAMPLE] = sampleOutline(0).nodes.filter(({ isLayer }) => isLayer);

/** Layers with these ways between them. */
function layers(count: number, edges: Outline['edges']): Outline {
  if (SAMPLE === undefined) throw new Error('The sample has a layer.');
  return { nodes: Array.from({ length: count }, (_, k) => ({ ...SAMPLE, name: `layer.${k}` })), edges };
}

describe('a graph in blocks', () => {
  it('has every node once and in order, no way back, and no more blocks than asked for', () => {
    const graphs = fc.integer({ min: 1, max: 120 }).chain((count) =>
      fc.array(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { maxLength: 300 }).map((pairs) =>
        layers(
          count,
          pairs.filter(([from, to]) => from < to),
        ),
      ),
    );
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 50 }), (outline, most) => {
        const { blocks, edges } = foldGraph(outline, most);
        expect(blocks.flat()).toEqual(outline.nodes.map((_, index) => index));
        expect(blocks.length).toBeLessThanOrEqual(most);
        const blockOf = new Map(blocks.flatMap((block, at) => block.map((index) => [index, at] as const)));
        const ways = outline.edges.map(([from, to]) => [blockOf.get(from), blockOf.get(to)] as const);
        expect(new Set(edges.map(String))).toEqual(new Set(ways.filter(([a, b]) => a !== b).map(String)));
        for (const [from, to] of edges) expect(from).toBeLessThan(to);
      }),
    );
  });

  it('ends a block where a single way leads on, whatever a table reads into', () => {
    const { nodes, edges } = sampleOutline(3);
    const table = nodes.length;
    const withTable: Outline = {
      nodes: [...nodes.slice(0, 1), ...layers(1, []).nodes, ...nodes.slice(1)],
      edges: [
        ...edges.map(([from, to]) => [from === 0 ? 0 : from + 1, to + 1] as const),
        ...Array.from({ length: table - 2 }, (_, k) => [1, k + 2] as const),
      ],
    };
    // Input; the table and the stem; three blocks of two convolutions and a sum; the classifier; output.
    expect(foldGraph(withTable, 50).blocks).toEqual([[0], [1], [2], [3, 4, 5], [6, 7, 8], [9, 10, 11], [12], [13]]);
  });

  it('is what is drawn of more than 400 nodes: how many layers, which, and what is left of their parameters', async () => {
    const chart = await graphChart(sampleOutline(200));
    const titles = textsOf(chart?.svg ?? '', 'title');
    expect(titles.length).toBeLessThanOrEqual(152);
    expect(titles[1]).toMatch(/^3 layers, from .*\n3 Conv\n.* parameters .*\n.* multiply-accumulates .*\ngroups 1, 2$/);
    const texts = textsOf(chart?.svg ?? '', 'text');
    expect(texts).toEqual(expect.arrayContaining(['4 layers', 'image', 'logits']));
    expect(chart?.summary).toContain('402 layers');
    expect(chart?.summary).toContain(`${titles.length} blocks`);
    expect(chart?.table.rows).toHaveLength(402);
  });

  it('makes one pill of many inputs', async () => {
    const { nodes, edges } = sampleOutline(140);
    const caches = Array.from({ length: 24 }, (_, k) => ({
      ...nodes[0],
      name: `past.${k}`,
    })) as (typeof nodes)[number][];
    const chart = await graphChart({
      nodes: [...caches, ...nodes],
      edges: [...caches.map((_, k) => [k, 25 + k] as const), ...edges.map(([a, b]) => [a + 24, b + 24] as const)],
    });
    expect(textsOf(chart?.svg ?? '', 'text')).toContain('25 inputs');
    expect(readMarks(chart?.svg ?? '').filter(({ tag }) => tag === 'title').length).toBeLessThanOrEqual(152);
  });
});
