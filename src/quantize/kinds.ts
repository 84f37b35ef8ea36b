import type { Graph } from '../ir/graph.ts';
import { type Node, nodesIn } from '../ir/node.ts';
import type { OpRule } from '../ops/rule.ts';

/** How a node comes to run on integers. */
export type IntegerKind = 'static' | 'dynamic' | 'weights';

/** The same, or why a node stays in float. */
export type NodeKind = IntegerKind | { readonly float: string };

/** What decides. */
export interface KindContext {
  readonly mode: IntegerKind | 'auto';
  /** Whether there are data to take ranges from. */
  readonly calibrated: boolean;
  /** Nodes that can round their data as they come. */
  readonly dynamic: ReadonlySet<Node>;
}

/** Part of the multiplications from which on layers that need ranges in advance set the tone. */
const MAJORITY = 0.5;
const NO_DATA = 'ranges of what it reads come from data, and none were given (--calibration)';
const IN_BODY = 'it stands in the body of a branch or a loop, where nothing is quantized';

/**
 * Decides how each layer runs on integers. A layer that can round its data as they come needs no calibration, and is as fast; but
 * between layers that cannot (convolutions), of which integers come already, it is faster to go on with those. So where most
 * multiplications are in layers that need ranges in advance, all have them. What is in bodies stays in float.
 *
 * @returns by node that multiplies: the kind, or why it stays in float
 */
export function integerKinds(
  graph: Graph,
  ruleOf: (node: Node) => OpRule,
  { mode, calibrated, dynamic }: KindContext,
): Map<Node, NodeKind> {
  const layers = [...graph.nodes].filter((node) => ruleOf(node).layer?.(node) !== undefined || dynamic.has(node));
  const macs = (nodes: readonly Node[]): number =>
    nodes.reduce((sum, node) => sum + (ruleOf(node).macs?.(node) ?? 0), 0);
  const rest = layers.filter((node) => !dynamic.has(node));
  const isStatic = calibrated && macs(rest) >= MAJORITY * macs(layers);
  const kindOf = (node: Node): NodeKind => {
    if (mode !== 'auto') return mode;
    if (dynamic.has(node) && (!isStatic || ruleOf(node).integers === undefined)) return 'dynamic';
    return calibrated ? 'static' : { float: NO_DATA };
  };
  const inside = nodesIn(graph).filter((node) => node.graph !== graph && multiplies(node, ruleOf(node)));
  return new Map([
    ...layers.map((node) => [node, kindOf(node)] as const),
    ...inside.map((node) => [node, { float: IN_BODY }] as const),
  ]);
}

function multiplies(node: Node, { layer, products }: OpRule): boolean {
  return layer?.(node) !== undefined || products !== undefined;
}
