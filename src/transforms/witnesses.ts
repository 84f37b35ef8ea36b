import type { Cut } from '../channels/cut.ts';
import { frontierBehind, frontierOf, horizonBefore, horizonOf } from '../channels/frontier.ts';
import type { Graph } from '../ir/graph.ts';
import { graphsIn, type Node, nodesIn, subgraphsOf } from '../ir/node.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { decidedValues } from '../normalise/data-dependence.ts';

/** Names of values that may speak for outputs which cannot speak for themselves. */
export interface Witnesses {
  /** The values that enter the end of the graph which stays as it is; see `frontierOf`. */
  readonly frontier: readonly string[];
  /** The values before the first decisions; see `horizonOf`. */
  readonly horizon: readonly string[];
  /** The outputs that hang on a decision. */
  readonly decided: readonly string[];
}

/** Nobody speaks. */
export const NO_WITNESSES: Witnesses = { frontier: [], horizon: [], decided: [] };

/** The witnesses of a cut; call it before the graph shrinks. */
export function witnessesOf(graph: Graph, cut: Cut): Witnesses {
  const decided = decidedValues(graph);
  return named(frontierOf(graph, cut), horizonOf(graph, cut, decided), graph, decided);
}

/** The witnesses of whatever was done to a graph, seen by comparing what it was with what it is. */
export function witnessesBetween(before: Graph, after: Graph): Witnesses {
  const present = new Map(
    graphsIn(after).flatMap((graph) => [...graph.values].map((value) => [value.name, value] as const)),
  );
  const nodes = new Set(nodesIn(after).map((node) => node.proto));
  const isKept = (value: Value): boolean => {
    const now = present.get(value.name);
    if (now === undefined || now.tensor !== value.tensor) return false;
    const [dims, dimsNow] = [dimsOf(value), dimsOf(now)];
    return dims?.length === dimsNow?.length && (dims ?? []).every((length, dim) => length === dimsNow?.[dim]);
  };
  const isTouched = (node: Node): boolean =>
    !nodes.has(node.proto) ||
    [...node.inputs, ...node.outputs].some((value) => value !== undefined && !isKept(value)) ||
    subgraphsOf(node).some((body) => [...body.nodes].some(isTouched));
  const decided = decidedValues(before);
  return named(
    frontierBehind(before, isTouched).filter(isKept),
    horizonBefore(before, decided).filter(isKept),
    before,
    decided,
  );
}

function named(
  frontier: readonly Value[],
  horizon: readonly Value[],
  { outputs }: Graph,
  decided: ReadonlySet<Value>,
): Witnesses {
  const names = (values: readonly Value[]): string[] => values.map(({ name }) => name);
  return {
    frontier: names(frontier),
    horizon: names(horizon),
    decided: names(outputs.filter((value) => decided.has(value))),
  };
}
