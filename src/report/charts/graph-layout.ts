import type { Outline } from '../outline.ts';

/** A place in the drawing, in pixels. */
export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Width and height of a node, in pixels. */
export interface Box {
  readonly width: number;
  readonly height: number;
}

/** Where all nodes and edges of a drawing come to be. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Centres, in the order of the boxes. */
  readonly nodes: readonly Spot[];
  /** Corners of each edge from the border of one node to that of the other, in the order of the edges. */
  readonly edges: readonly (readonly Spot[])[];
}

const MARGIN = 12;

/**
 * Lays a graph out in ranks from top to bottom with few crossings, after Gansner, Koutsofios, North and Vo, "A technique for
 * drawing directed graphs" (IEEE TSE 1993), by the dagre library.
 */
export async function layOut(edges: Outline['edges'], boxes: readonly Box[]): Promise<Layout> {
  const { graphlib, layout } = await import('@dagrejs/dagre');
  const graph = new graphlib.Graph();
  // The tight tree is as good to look at as the network simplex and needs less time.
  graph.setGraph({
    rankdir: 'TB',
    ranker: 'tight-tree',
    nodesep: 26,
    edgesep: 18,
    ranksep: 26,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  for (const [index, box] of boxes.entries()) graph.setNode(String(index), { ...box });
  for (const [from, to] of edges) graph.setEdge(String(from), String(to), {});
  layout(graph);
  const nodes = boxes.map((_, index): Spot => spotOf(graph.node(String(index))));
  const lines = edges.map(([from, to]): readonly Spot[] => {
    const points: readonly unknown[] = graph.edge(String(from), String(to))?.points ?? [];
    return points.map(spotOf);
  });
  const { width, height } = sizeOf(graph.graph());
  return { width, height, nodes, edges: lines };
}

function spotOf(value: unknown): Spot {
  return { x: numberIn(value, 'x'), y: numberIn(value, 'y') };
}

function sizeOf(value: unknown): Box {
  return { width: Math.ceil(numberIn(value, 'width')), height: Math.ceil(numberIn(value, 'height')) };
}

function numberIn(value: unknown, key: 'x' | 'y' | 'width' | 'height'): number {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  return typeof found === 'number' ? found : 0;
}
