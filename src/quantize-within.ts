import { present } from './errors.ts';
import { cloneModel, type Model } from './ir/model.ts';
import type { Int8Wishes } from './options/int8-options.ts';
import { type QuantizedLayer, type QuantizeReport, type QuantizeTools, quantizeModel } from './quantize-model.ts';

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

/** What is lost by a model. */
export type DropOf = (model: Model) => Promise<number>;

/** Ends "… stays in float because …". */
const REASON = 'its outputs were furthest off, and --max-drop did not hold with it on integers';

/**
 * Quantizes a model, in place, with as few layers in float as keep to a drop: those whose outputs are furthest off go back first,
 * in sets that double until the drop holds, then halve. Tries work on clones.
 *
 * @returns the report, with the search where one was needed; where no set holds, that of all layers on integers
 */
export async function quantizeWithin(
  model: Model,
  wishes: Int8Wishes,
  exclude: readonly string[],
  tools: QuantizeTools,
  { limit, dropOf }: { readonly limit: number; readonly dropOf: DropOf },
): Promise<QuantizeReport & { readonly search: FloatSearch | null }> {
  const tries: FloatTry[] = [];
  let first: QuantizeReport | undefined;
  const attempt = async (floats: readonly string[]): Promise<boolean> => {
    const { model: clone, twinOf } = cloneModel(model);
    const origins = new Map([...model.graph.values].map((value) => [twinOf(value), value] as const));
    const lineage = tools.lineage?.seenFrom((value) => origins.get(value) ?? value);
    const report = await quantizeModel(clone, wishes, exclude, { ...tools, lineage, floats: reasonsOf(floats) });
    const drop = report.untouched === null ? await dropOf(clone) : 0;
    tries.push({ layers: floats.length, drop, met: drop <= limit });
    first ??= report;
    return drop <= limit;
  };
  const finish = async (floats: readonly string[], found: boolean): ReturnType<typeof quantizeWithin> => ({
    ...(await quantizeModel(model, wishes, exclude, { ...tools, floats: reasonsOf(floats) })),
    search: tries.length === 1 && found ? null : { limit, tries, layers: floats, found },
  });
  if (await attempt([])) return finish([], true);
  const ranked = worstFirst(present(first, 'the report of the first try').layers);
  const size = await leastSize(ranked.length, (count) => attempt(ranked.slice(0, count)));
  return size === undefined ? finish([], false) : finish(ranked.slice(0, size), true);
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

/** Nodes by how far their outputs are off, relative to how they vary; those of which that is not known come last, the smallest first. */
function worstFirst(layers: readonly QuantizedLayer[]): string[] {
  const share = ({ after, energy }: QuantizedLayer): number =>
    after === null || energy === null ? -1 : after / Math.max(energy, Number.MIN_VALUE);
  return [...layers].sort((a, b) => share(b) - share(a) || a.weights - b.weights).map(({ node }) => node);
}

function reasonsOf(nodes: readonly string[]): Map<string, string> {
  return new Map(nodes.map((node) => [node, REASON]));
}
