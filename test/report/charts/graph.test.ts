import { describe, expect, it } from 'vitest';
import { graphChart } from '../../../src/report/charts/graph.ts';
import type { Outline } from '../../../src/report/outline.ts';
import { sampleOutline } from '../support/samples.ts';
import { type Mark, readMarks, textsOf } from '../support/svg-marks.ts';

/** Boxes of the nodes, in their order: the first rect of each group that has a title. */
function boxesOf(svg: string): { x: number; y: number; width: number; height: number }[] {
  const marks = readMarks(svg);
  return marks.flatMap((mark): { x: number; y: number; width: number; height: number }[] => {
    if (mark.tag !== 'title') return [];
    const group: Mark | null = mark.parent;
    const rect = marks.find(({ tag, parent }) => tag === 'rect' && parent === group);
    const [, x, y] = /translate\(([-\d.]+),([-\d.]+)\)/.exec(group?.attributes['transform'] ?? '') ?? [];
    const size = rect?.attributes ?? {};
    return [{ x: Number(x), y: Number(y), width: Number(size['width']), height: Number(size['height']) }];
  });
}

describe('the drawing of a graph', () => {
  it('has every node with its width, group and reason', async () => {
    const outline = sampleOutline(2);
    const chart = await graphChart(outline);
    const titles = textsOf(chart?.svg ?? '', 'title');
    expect(titles).toHaveLength(outline.nodes.length);
    expect(titles[1]).toBe(
      'stem (Conv)\n[N, 64, 8, 8] → [N, 40, 8, 8]\n1.73k → 1.08k parameters (\u221238%)\n111k → 69.1k multiply-accumulates (\u221238%)\ngroup 1: stem',
    );
    expect(titles.at(-2)).toContain('kept whole because its channels are the output "logits"');
    const texts = textsOf(chart?.svg ?? '', 'text');
    expect(texts).toEqual(expect.arrayContaining(['64 → 40', '128 → 116', '+', '1', '2', '3', 'image', 'logits']));
    expect(chart?.summary).toContain('6 layers');
    expect(chart?.summary).toContain('3 groups');
    expect(chart?.summary).toContain('before → after');
    const asItWas = { nodes: outline.nodes.map((node) => ({ ...node, after: node.before })), edges: outline.edges };
    expect((await graphChart(asItWas))?.summary).not.toContain('after');
  });

  it('lets no two nodes overlap, and none leave the frame', async () => {
    const { svg = '' } = (await graphChart(sampleOutline(12))) ?? {};
    const boxes = boxesOf(svg);
    const [root] = readMarks(svg);
    for (const [k, a] of boxes.entries()) {
      expect(a.x).toBeGreaterThanOrEqual(0);
      expect(a.x + a.width).toBeLessThanOrEqual(Number(root?.attributes['width']));
      expect(a.y + a.height).toBeLessThanOrEqual(Number(root?.attributes['height']));
      for (const b of boxes.slice(k + 1)) {
        const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
        expect(apart).toBe(true);
      }
    }
  });

  it('draws every edge downwards, with a head', async () => {
    const outline = sampleOutline(4);
    const { svg = '' } = (await graphChart(outline)) ?? {};
    const [lines, heads] = readMarks(svg).filter(({ tag }) => tag === 'path');
    expect(lines?.attributes['d']?.match(/M/g)).toHaveLength(outline.edges.length);
    expect(heads?.attributes['d']?.match(/Z/g)).toHaveLength(outline.edges.length);
    const boxes = boxesOf(svg);
    for (const [from, to] of outline.edges) expect(boxes[from]?.y).toBeLessThan(boxes[to]?.y ?? Number.NaN);
  });

  it('dashes what is kept whole', async () => {
    const { svg = '' } = (await graphChart(sampleOutline(3))) ?? {};
    const dashed = readMarks(svg).filter(({ tag, attributes }) => tag === 'rect' && attributes['stroke-dasharray']);
    expect(dashed).toHaveLength(1);
  });

  it('fades a layer that left, and names a join that has no sign', async () => {
    const { nodes, edges } = sampleOutline(1);
    const changed: Outline = {
      nodes: nodes.map((node, k) =>
        k === 2 ? { ...node, after: null } : k === 4 ? { ...node, operator: 'Concat' } : node,
      ),
      edges,
    };
    const { svg = '' } = (await graphChart(changed)) ?? {};
    expect(svg.split('opacity="0.6"')).toHaveLength(2);
    expect(textsOf(svg, 'text')).toEqual(expect.arrayContaining(['128 → left', 'Concat']));
    expect(textsOf(svg, 'title')[2]).toContain('left the model');
  });

  it('draws nodes that hang on nothing, and is none without layers', async () => {
    const { nodes } = sampleOutline(1);
    expect(textsOf((await graphChart({ nodes, edges: [] }))?.svg ?? '', 'title')).toHaveLength(nodes.length);
    expect(await graphChart({ nodes: nodes.slice(0, 1), edges: [] })).toBeNull();
    expect(await graphChart({ nodes: [], edges: [] })).toBeNull();
  });
});
