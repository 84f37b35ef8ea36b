import type { Outline, OutlineNode } from '../outline.ts';
import type { Chart } from './chart.ts';
import { blockMarkup, blockShape } from './graph-block.ts';
import { foldGraph } from './graph-blocks.ts';
import { type Layout, layOut, type Spot } from './graph-layout.ts';
import { nodeMarkup, shapeOf, widthText } from './graph-node.ts';
import { roundCoordinates, svgElement } from './svg.ts';

const ARROW = 5;
/** Nodes beyond which a drawing of each would be of no use to anybody. */
const MOST_NODES = 400;
/** Blocks that take their place. */
const MOST_BLOCKS = 150;

/**
 * The graph of layers, and of the places where ways meet, from top to bottom: widths before → after, groups of channels by number and
 * colour, a bar for what is left of a layer's width; layers that are kept whole are dashed. Of more than 400 nodes those that follow
 * one another are drawn as blocks, with what is left of their parameters.
 * @returns null where the outline has no layers
 */
export async function graphChart(outline: Outline): Promise<Chart | null> {
  const { nodes, edges } = outline;
  const layers = nodes.filter(({ isLayer }) => isLayer);
  if (layers.length === 0) return null;
  const groups = numberGroups(outline);
  const groupOf = (group: string | null): number => (group === null ? 0 : (groups.get(group) ?? 0));
  const entered = new Set(edges.map(([, to]) => to));
  const left = new Set(edges.map(([from]) => from));
  const isFolded = nodes.length > MOST_NODES;
  const drawing = isFolded ? foldGraph(outline, MOST_BLOCKS) : { blocks: nodes.map((_, index) => [index]), edges };
  const blocks = drawing.blocks.map((indices) => {
    const some = indices.flatMap((index) => nodes[index] ?? []);
    const [node, other] = some;
    const isEnd = indices.some((index) => !entered.has(index) || !left.has(index));
    if (node === undefined || other !== undefined) return { shape: blockShape(some), some };
    return { shape: shapeOf(node, isEnd), node };
  });
  const layout = await layOut(
    drawing.edges,
    blocks.map(({ shape }) => shape),
  );
  const drawn = blocks.map(({ shape, node, some }, index) => {
    const at = layout.nodes[index];
    if (at === undefined) return '';
    return node === undefined
      ? blockMarkup(some, shape, at, groupOf)
      : nodeMarkup(node, shape, at, groupOf(node.group));
  });
  const title = isFolded ? 'The graph, block by block' : 'The graph, layer by layer';
  const summary = summaryOf(layers, groups.size, isFolded ? blocks.length : null);
  const { width, height } = layout;
  return {
    title,
    summary,
    svg: svgElement(
      { width, height, label: `${title}. ${summary}` },
      roundCoordinates(`${edgeMarkup(layout)}${drawn.join('')}`),
    ),
    table: {
      columns: ['layer', 'operator', 'group', 'width', 'kept whole because'],
      words: ['operator', 'group', 'kept whole because'],
      rows: layers.map((layer) => [
        layer.name,
        layer.operator,
        layer.group === null ? '' : `${groupOf(layer.group)}: ${layer.group}`,
        widthText(layer),
        layer.kept ?? '',
      ]),
    },
  };
}

/** @param blocks how many are drawn; null where each layer is */
function summaryOf(layers: readonly OutlineNode[], groups: number, blocks: number | null): string {
  const kept = layers.filter((layer) => layer.kept !== null).length;
  const whole =
    kept === 0
      ? ''
      : `; ${kept === 1 ? '1 layer is' : `${kept} layers are`} kept whole${blocks === null ? ' (dashed)' : ''}`;
  const together =
    groups === 0
      ? ''
      : `, in ${groups === 1 ? '1 group' : `${groups} groups`} of channels that leave together (numbered)`;
  const isChanged = layers.some(({ before, after }) => String(before.dims) !== String(after?.dims));
  const shown =
    blocks === null
      ? `, with the width of each${isChanged ? ' before → after' : ''}`
      : `; those that follow one another are drawn as ${blocks} blocks, with what is left of the parameters of each`;
  return `How ${layers.length === 1 ? '1 layer hangs' : `${layers.length} layers hang`} together${together}${shown}${whole}.`;
}

/** Numbers of groups, from 1 in the order in which they come. */
function numberGroups({ nodes }: Outline): Map<string, number> {
  const numbers = new Map<string, number>();
  for (const { group } of nodes) {
    if (group !== null && !numbers.has(group)) numbers.set(group, numbers.size + 1);
  }
  return numbers;
}

/** All edges as one path, and all their heads as another: heads as markers would need ids, which could clash in a page. */
function edgeMarkup({ edges }: Layout): string {
  const lines = edges.map(smoothPath).join('');
  const heads = edges.map(arrowHead).join('');
  return `<path d="${lines}" fill="none" stroke="var(--muted)" stroke-width="1.3"/><path d="${heads}" fill="var(--muted)"/>`;
}

/** A path that runs through the middles of a polyline's legs and rounds its corners. */
function smoothPath(points: readonly Spot[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (first === undefined || last === undefined) return '';
  let path = `M${first.x},${first.y}`;
  for (const [k, corner] of rest.entries()) {
    const next = rest[k + 1] ?? last;
    path += `Q${corner.x},${corner.y} ${(corner.x + next.x) / 2},${(corner.y + next.y) / 2}`;
  }
  return `${path}L${last.x},${last.y}`;
}

function arrowHead(points: readonly Spot[]): string {
  const tip = points.at(-1);
  const from = points.at(-2);
  if (tip === undefined || from === undefined) return '';
  const length = Math.hypot(tip.x - from.x, tip.y - from.y) || 1;
  const dx = ((tip.x - from.x) / length) * ARROW;
  const dy = ((tip.y - from.y) / length) * ARROW;
  const foot = { x: tip.x - dx * 1.6, y: tip.y - dy * 1.6 };
  return `M${tip.x},${tip.y}L${foot.x - dy * 0.8},${foot.y + dx * 0.8}L${foot.x + dy * 0.8},${foot.y - dx * 0.8}Z`;
}
