import type { CalibrationStages } from './calibrate/stages.ts';
import { checkGraph } from './ir/check.ts';
import { cloneModel, type Model } from './ir/model.ts';
import { labelOf, type Node, nodesIn, nodesInOrder } from './ir/node.ts';
import { lengthOf } from './ir/value.ts';
import { type KeptLayers, keptInFloat } from './kept-in-float.ts';
import { removeDeadCode } from './normalise/dead-code.ts';
import { ruleOf } from './ops/rules.ts';
import type { Int8Wishes } from './options/int8-options.ts';
import { dynamicSites } from './quantize/dynamic.ts';
import { type EqualizedSite, equalizeWeights, smoothActivations, smoothingAxes } from './quantize/equalize/equalize.ts';
import { foldAffine } from './quantize/fold-affine.ts';
import { foldFactors } from './quantize/fold-factors.ts';
import { type IntegerKind, integerKinds } from './quantize/kinds.ts';
import { measurePeaks } from './quantize/measure.ts';
import type { RoundingTools } from './quantize/round-layers.ts';
import type { RoundingOptions } from './quantize/round-rows.ts';
import { roundSites, type SiteGrid } from './quantize/round-sites.ts';
import type { RoundingNote } from './quantize/round-unseen.ts';
import type { RoundedSites } from './quantize/sites.ts';
import { placeIntegers } from './quantize/static/place.ts';
import { INT8, quantizeStatic } from './quantize/static/quantize-static.ts';
import { weightOnlySites } from './quantize/weight-only.ts';
import type { QuantizedLayer, QuantizeReport } from './quantize-report.ts';
import { quantizedNodes, untouched } from './ready-for-integers.ts';
import type { Activations } from './recover/activations.ts';
import { Lineage } from './recover/lineage.ts';
import { addsBytesExactly } from './runtime/index.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Name of the step in failures. */
const NAME = 'quantize';

/** What quantizing needs. */
export interface QuantizeTools {
  readonly clock: Stopwatch;
  readonly stages: (() => Promise<CalibrationStages>) | undefined;
  /** How the model came to be what it is, where channels left it; its outputs are the target. */
  readonly lineage: Lineage | undefined;
  /** Nodes that stay in float, by label, besides those that the options name, and why. */
  readonly floats?: ReadonlyMap<string, string> | undefined;
}

/** The largest range of a channel over the median from which on one scale for all channels costs the others steps. */
const UNEVEN = 4;
/** Weights that are stored alone: few bits need a scale for few of them. */
const BLOCKS = {
  4: { format: { bits: 4, size: 32 }, grid: { least: -8, most: 7, block: 32 } },
  8: { format: { bits: 8, size: 128 }, grid: { ...INT8, block: 128 } },
} as const;

/**
 * Makes a model run on integers, in place: what calibration data and operators allow of what was asked for.
 *
 * @param model one that `readyForIntegers` gave
 * @param kept layers that stay in float besides those that the wishes name
 * @throws OnnxPruneError `bad-data` where values become NaN or infinite on the data, `bad-option` for patterns that match nothing
 */
export async function quantizeModel(
  model: Model,
  wishes: Int8Wishes,
  kept: KeptLayers,
  tools: QuantizeTools,
): Promise<QuantizeReport> {
  const { graph } = model;
  const quantized = quantizedNodes(graph);
  const portable = wishes.portable ?? !addsBytesExactly();
  if (quantized.length > 0) return untouched(wishes, portable, quantized);
  const isKept = keptInFloat(wishes.float, kept, nodesIn(graph));
  foldFactors(graph, ruleOf);
  const folded = foldAffine(graph, ruleOf);
  removeDeadCode(graph);
  const whyFloat = (node: Node): string | undefined => isKept(node) ?? tools.floats?.get(labelOf(node));
  const run = new Quantization(model, wishes, { ...tools, whyFloat, portable });
  const { layers, floats, activations, equalized, samples } = await run.execute();
  removeDeadCode(graph);
  checkGraph(graph, NAME);
  return {
    asked: wishes.mode,
    untouched: null,
    layers,
    floats,
    activations,
    equalized,
    samples,
    portable,
    overflowing: run.overflowing,
    folded,
  };
}

interface QuantizationTools extends QuantizeTools {
  readonly whyFloat: (node: Node) => string | undefined;
  readonly portable: boolean;
}

type Quantized = Pick<QuantizeReport, 'layers' | 'floats' | 'activations' | 'equalized' | 'samples'>;

/** One model on its way to integers. */
class Quantization {
  readonly #model: Model;
  readonly #wishes: Int8Wishes;
  readonly #tools: QuantizationTools;
  readonly #layers: QuantizedLayer[] = [];
  readonly #floats = new Map<Node, string>();
  /** Layers of which some sums may overflow without int8 instructions. */
  overflowing = 0;

  constructor(model: Model, wishes: Int8Wishes, tools: QuantizationTools) {
    this.#model = model;
    this.#wishes = wishes;
    this.#tools = tools;
  }

  async execute(): Promise<Quantized> {
    const { graph } = this.#model;
    const { stages, whyFloat, lineage } = this.#tools;
    const calibrated = stages !== undefined;
    const activations = await stages?.();
    const isFloat = [...this.#kinds(calibrated).values()].every((kind) => typeof kind === 'object');
    const equalized = isFloat ? [] : await this.#equalize(activations);
    if (activations !== undefined) this.#reserveBiases();
    const isScaled = equalized.some(({ scaled }) => scaled > 0);
    const rounding = activations && {
      activations,
      // Taken before anything is rounded. What the model was before has its channels at other scales.
      lineage: (isScaled ? undefined : lineage) ?? new Lineage(cloneModel(this.#model).model),
    };
    const kinds = this.#kinds(calibrated);
    const order = new Map(nodesInOrder(graph).map((node, place) => [labelOf(node), place]));
    const ranged = rounding && (await this.#static(kinds, rounding));
    await this.#sites({ kind: 'dynamic', bits: 8, grid: INT8 }, kinds, dynamicSites(graph, ruleOf), rounding);
    const { bits } = this.#wishes;
    const { format, grid } = BLOCKS[bits];
    await this.#sites({ kind: 'weights', bits, grid }, kinds, weightOnlySites(graph, ruleOf, format), rounding);
    for (const [node, kind] of kinds)
      if (typeof kind === 'object') this.#floats.set(node, whyFloat(node) ?? kind.float);
    const place = ({ node }: { readonly node: string }): number => order.get(node) ?? order.size;
    return {
      layers: this.#layers.sort((a, b) => place(a) - place(b)),
      floats: [...this.#floats]
        .map(([node, reason]) => ({ node: labelOf(node), operator: node.opType, reason }))
        .sort((a, b) => place(a) - place(b)),
      activations: ranged ?? null,
      equalized: equalized.filter(({ scaled }) => scaled > 0),
      samples: activations?.samples ?? 0,
    };
  }

  #kinds(calibrated: boolean): Kinds {
    const { graph } = this.#model;
    const dynamic = new Set(dynamicSites(graph, ruleOf).sites.map(({ node }) => node));
    return integerKinds(graph, ruleOf, { mode: this.#wishes.mode, calibrated, dynamic });
  }

  /** Scales channels so that their ranges are alike: by what they hold where data are given, else by the weights that make them. */
  async #equalize(activations: Activations | undefined): Promise<readonly EqualizedSite[]> {
    const { equalize, mode } = this.#wishes;
    const { graph } = this.#model;
    if (equalize === false || mode === 'weights') return [];
    const options = { least: equalize === true ? 1 : UNEVEN };
    if (activations === undefined) return equalizeWeights(graph, ruleOf, options).sites;
    const axes = smoothingAxes(graph, ruleOf);
    if (axes.length === 0) return [];
    const peaks = await this.#tools.clock.time('measure ranges', (onProgress) =>
      measurePeaks(this.#model, axes, activations, { onProgress }),
    );
    return smoothActivations(graph, ruleOf, peaks, options).sites;
  }

  /** Gives layers biases that rounding on data may move, before anybody takes note of nodes: some have to be made anew for one. */
  #reserveBiases(): void {
    const { graph } = this.#model;
    for (const node of graph.sorted()) {
      const rule = ruleOf(node);
      const layer = rule.layer?.(node);
      const channels = layer && lengthOf(layer.out);
      if (channels === undefined || this.#tools.whyFloat(node) !== undefined || !(rule.takesBias?.(node) ?? false))
        continue;
      rule.addBias?.(node, new Float64Array(channels), graph);
    }
  }

  async #static(kinds: Kinds, tools: RoundingTools): Promise<QuantizeReport['activations'] | undefined> {
    const { clock, whyFloat } = this.#tools;
    const { graph } = this.#model;
    const placement = placeIntegers(graph, ruleOf, (node) => {
      const kind = kinds.get(node);
      return whyFloat(node) ?? (kind === undefined || kind === 'static' ? undefined : OTHERWISE);
    });
    for (const [node, kind] of kinds) {
      if (kind !== 'static' || placement.nodes.has(node)) continue;
      const reason =
        placement.floats.get(node) ?? `the runtime has no kernel for ${node.opType} with ranges in advance`;
      this.#floats.set(node, whyFloat(node) ?? reason);
    }
    if (placement.values.length === 0) return undefined;
    const { ranges } = this.#wishes;
    const { layers, activations, quantizers } = await clock.time('quantize', (onProgress) =>
      quantizeStatic(this.#model, placement, ruleOf, { ...this.#options, ranges }, { ...tools, onProgress }),
    );
    this.#note(layers, 'static', 8);
    return { values: activations, scales: quantizers, ranges };
  }

  async #sites(
    { kind, bits, grid }: { readonly kind: IntegerKind; readonly bits: 4 | 8; readonly grid: SiteGrid },
    kinds: Kinds,
    { sites, kept }: RoundedSites,
    tools: RoundingTools | undefined,
  ): Promise<void> {
    const { clock, whyFloat } = this.#tools;
    const isAsked = (node: Node): boolean => kinds.get(node) === kind;
    for (const { node, reason } of kept) if (isAsked(node)) this.#floats.set(node, reason);
    const chosen = sites.filter(({ node }) => {
      if (!isAsked(node)) return false;
      const reason = whyFloat(node);
      if (reason !== undefined) this.#floats.set(node, reason);
      return reason === undefined;
    });
    if (chosen.length === 0) return;
    const rounded = await clock.time('quantize', (onProgress) =>
      roundSites(this.#model, chosen, grid, ruleOf, this.#options, tools && { ...tools, onProgress }),
    );
    this.#note(rounded, kind, bits);
  }

  get #options(): RoundingOptions {
    return { method: this.#wishes.rounding, portable: this.#tools.portable };
  }

  #note(rounded: readonly RoundingNote[], how: IntegerKind, bits: 4 | 8): void {
    for (const { node, weight, weights, overflows, after, energy, method } of rounded) {
      this.#layers.push({
        node,
        initializer: weight.name,
        how,
        bits,
        weights,
        after,
        energy,
        rounding: method,
      });
      if (how !== 'weights' && overflows) this.overflowing++;
    }
  }
}

type Kinds = ReturnType<typeof integerKinds>;

/** Of a node that somebody else sees to; nobody reads it. */
const OTHERWISE = 'it runs on integers otherwise';
