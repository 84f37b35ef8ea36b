import { present } from './errors.ts';
import type { Graph } from './ir/graph.ts';
import { cloneModel, type Model } from './ir/model.ts';
import { labelOf, type Node, nodesIn, readsOf } from './ir/node.ts';
import type { KeptLayers } from './kept-in-float.ts';
import type { Int8Wishes } from './options/int8-options.ts';
import { type QuantizeTools, quantizeModel } from './quantize-model.ts';
import type { QuantizedLayer, QuantizeReport } from './quantize-report.ts';

/** Layers that went back to float, and what the result lost. */
export interface FloatTry {
  readonly layers: number;
  /** Fraction of answers lost. */
  readonly drop: number;
  readonly met: boolean;
}

/** How layers were found that have to stay in float. */
export interface FloatSearch {
  readonly limit: number;
  readonly tries: readonly FloatTry[];
  /** The layers that went back, by node, the worst first. */
  readonly layers: readonly string[];
  readonly found: boolean;
}

/** What became of numbers that are integers now, and which layers had to go back to float. */
export interface Quantized extends QuantizeReport {
  /** Null where none had to, or nobody asked. */
  readonly search: FloatSearch | null;
}

/** What is lost by a model. */
export type DropOf = (model: Model) => Promise<number>;

/** Ends "… stays in float because …". */
const REASON = 'it added most to what outputs are off, and --max-drop did not hold with it on integers';

/**
 * Quantizes a model, in place, with as few layers in float as keep to a drop: those that add most to what outputs are off go back
 * first, in sets that double until the drop holds, then halve. Tries work on clones.
 *
 * @returns the report, with the search where one was needed; where no set holds, that of all layers on integers
 */
export async function quantizeWithin(
  model: Model,
  wishes: Int8Wishes,
  kept: KeptLayers,
  tools: QuantizeTools,
  { limit, dropOf }: { readonly limit: number; readonly dropOf: DropOf },
): Promise<Quantized> {
  const tries: FloatTry[] = [];
  let ranked: readonly string[] | undefined;
  const attempt = async (floats: readonly string[]): Promise<boolean> => {
    const { model: clone, twinOf } = cloneModel(model);
    const origins = new Map([...model.graph.values].map((value) => [twinOf(value), value] as const));
    const lineage = tools.lineage?.seenFrom((value) => origins.get(value) ?? value);
    const report = await quantizeModel(clone, wishes, kept, { ...tools, lineage, floats: reasonsOf(floats) });
    const drop = report.untouched === null ? await dropOf(clone) : 0;
    tries.push({ layers: floats.length, drop, met: drop <= limit });
    ranked ??= worstFirst(report.layers, clone.graph);
    return drop <= limit;
  };
  const finish = async (floats: readonly string[], found: boolean): ReturnType<typeof quantizeWithin> => ({
    ...(await quantizeModel(model, wishes, kept, { ...tools, floats: reasonsOf(floats) })),
    search: tries.length === 1 && found ? null : { limit, tries, layers: floats, found },
  });
  if (await attempt([])) return finish([], true);
  const order = present<readonly string[]>(ranked, 'the layers of the first try');
  const size = await leastSize(order.length, (count) => attempt(order.slice(0, count)));
  return size === undefined ? finish([], false) : finish(order.slice(0, size), true);
}

/** The least number from 1 to `most` that holds, where more do once one does: doubling, then halving; undefined where none does. */
async function leastSize(most: number, holds: (size: number) => Promise<boolean>): Promise<number | undefined> {
  let [low, high] = [0, 1];
  while (!(await holds(Math.min(high, most)))) {
    if (high >= most) return undefined;
    low = high;
    high *= 2;
  }
  high = Math.min(high, most);
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (await holds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/**
 * Nodes by how much further their outputs are off than those of the layers that they read, relative to how they vary: what is off
 * already is no fault of theirs. Those of which that is not known come last, the smallest first.
 */
function worstFirst(layers: readonly QuantizedLayer[], graph: Graph): string[] {
  const shares = new Map(
    layers.flatMap(({ node, after, energy }) =>
      after === null || energy === null ? [] : [[node, after / Math.max(energy, Number.MIN_VALUE)] as const],
    ),
  );
  const nodes = new Map(nodesIn(graph).map((node) => [labelOf(node), node]));
  const added = new Map(
    [...shares].map(([name, share]) => {
      const read = layersBefore(nodes.get(name), shares).map((before) => shares.get(before) ?? 0);
      return [name, Math.max(0, share - Math.max(0, ...read))] as const;
    }),
  );
  const rank = ({ node }: QuantizedLayer): number => added.get(node) ?? -1;
  return [...layers].sort((a, b) => rank(b) - rank(a) || a.weights - b.weights).map(({ node }) => node);
}

/** The nearest nodes before one, on any path, that are among some. */
function layersBefore(node: Node | undefined, among: ReadonlyMap<string, unknown>): string[] {
  const found: string[] = [];
  const seen = new Set<Node>();
  const open = node === undefined ? [] : [node];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { producer } of readsOf(next)) {
      if (producer === undefined || seen.has(producer)) continue;
      seen.add(producer);
      const label = labelOf(producer);
      if (among.has(label)) found.push(label);
      else open.push(producer);
    }
  }
  return found;
}

function reasonsOf(nodes: readonly string[]): Map<string, string> {
  return new Map(nodes.map((node) => [node, REASON]));
}
