import type { RuleLookup } from '../../channels/couplings.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Axis, Value } from '../../ir/value.ts';
import { raisePeaks, type ScaledConstant, scaleConstant } from './scaled-constant.ts';
import { type EqualizableSite, equalizableSites } from './sites.ts';

/** What became of the channels of one value. */
export interface EqualizedSite {
  readonly value: string;
  readonly channels: number;
  /** Channels whose factor is another number than one. */
  readonly scaled: number;
  /** The largest range of a channel over the median, before and after; 1 where no channel has any. */
  readonly before: number;
  readonly after: number;
}

/** What equalisation did to a model. */
export interface EqualizeReport {
  readonly sites: readonly EqualizedSite[];
}

/** Which values are seen to. */
export interface EqualizeOptions {
  /** Those whose largest range is more than so many times the median; all of them if left out. */
  readonly least?: number;
}

/** How ranges of channels are weighed against those of the weights that read them. */
export interface SmoothingOptions extends EqualizeOptions {
  /** 0 leaves everything to the weights that read, 1 makes all channels alike; 0.5 if left out, as in the paper. */
  readonly alpha?: number;
}

/** Sweeps over chained layers, whose ranges depend on one another; most nets need two or three. */
const SWEEPS = 5;

/**
 * Powers of two that a factor may lie from that of the channel in the middle: 2⁷ is what lies between the middle of the range of
 * eight bits and one step. A channel that is smaller still is nearly dead, and its factor would be its noise.
 */
const FARTHEST = 7;

/**
 * Makes the channels of activations alike by the weights alone: s = √(r₁ · r₂) / r₂ for ranges r₁ of the weights that make a
 * channel and r₂ of those that read it. Rewrites the constants of the graph.
 *
 * Factors are powers of two, by which float32 multiplies without rounding, so that what the network computes stays the same to
 * the last bit, unless a number falls below the smallest normal one.
 * Source: Nagel et al., "Data-Free Quantization Through Weight Equalization and Bias Correction", ICCV 2019, section 4.1.
 */
export function equalizeWeights(graph: Graph, ruleOf: RuleLookup, { least = 0 }: EqualizeOptions = {}): EqualizeReport {
  const rangesOf: Ranges = (site) => peaksOf(site.makers, site.channels);
  return equalize(equalizableSites(graph, ruleOf), rangesOf, { alpha: 0.5, least });
}

/**
 * Makes the channels of activations alike by what they hold: s = max|X|^α / max|W|^(1 − α) per channel, W being the weights that
 * read it. Rewrites the constants of the graph, by powers of two as `equalizeWeights` does. Values without peaks are left alone.
 * @param peaks the largest magnitude at each position along the axes that `smoothingAxes` names, by their values
 * Source: Xiao et al., "SmoothQuant: Accurate and Efficient Post-Training Quantization for Large Language Models", ICML 2023.
 */
export function smoothActivations(
  graph: Graph,
  ruleOf: RuleLookup,
  peaks: ReadonlyMap<Value, Float64Array>,
  { alpha = 0.5, least = 0 }: SmoothingOptions = {},
): EqualizeReport {
  const rangesOf: Ranges = (site, exponents) => peaksAt(site, peaks, exponents);
  return equalize(equalizableSites(graph, ruleOf), rangesOf, { alpha, least });
}

/** The axes whose peaks `smoothActivations` needs. */
export function smoothingAxes(graph: Graph, ruleOf: RuleLookup): readonly Axis[] {
  return equalizableSites(graph, ruleOf).flatMap(({ read }) => read.map(({ axis }) => axis));
}

/** The range of each channel of a site, given the powers of two that it was divided by so far; undefined where not known. */
type Ranges = (site: EqualizableSite, exponents: Int32Array) => Float64Array | undefined;

function equalize(
  sites: readonly EqualizableSite[],
  rangesOf: Ranges,
  { alpha, least }: Required<SmoothingOptions>,
): EqualizeReport {
  const entries = sites.flatMap((site) => {
    const exponents = new Int32Array(site.channels);
    const ranges = rangesOf(site, exponents);
    const before = ranges && spreadOf(ranges);
    return before === undefined || before < least ? [] : [{ site, exponents, before }];
  });
  for (let sweep = 0, changed = true; changed && sweep < SWEEPS; sweep++) {
    changed = false;
    for (const { site, exponents } of entries) {
      const ranges = rangesOf(site, exponents) ?? new Float64Array(site.channels);
      const steps = stepsOf(ranges, peaksOf(site.readers, site.channels), alpha, exponents);
      if (steps.every((step) => step === 0)) continue;
      steps.forEach((step, channel) => {
        exponents[channel] = (exponents[channel] as number) + step;
      });
      changed = true;
      const [down, up] = [powersOf(steps, -1), powersOf(steps, 1)];
      for (const maker of site.makers) scaleConstant(maker, down);
      for (const reader of site.readers) scaleConstant(reader, up);
    }
  }
  return {
    sites: entries.map(({ site, exponents, before }) => ({
      value: site.value.name,
      channels: site.channels,
      scaled: exponents.reduce((count, each) => count + (each === 0 ? 0 : 1), 0),
      before,
      after: spreadOf(rangesOf(site, exponents) ?? new Float64Array(0)),
    })),
  };
}

/** The powers of two by which channels still have to be divided; those that are dead on one side stay as they are. */
function stepsOf(
  ranges: Float64Array,
  weights: Float64Array,
  alpha: number,
  exponents: Int32Array,
): Int32Array<ArrayBuffer> {
  const wishes = ranges.map((range, i) => alpha * Math.log2(range) - (1 - alpha) * Math.log2(weights[i] as number));
  // A factor that all channels have changes nothing: the one in the middle keeps what it has.
  const totals = wishes.map((wish, i) => wish + (exponents[i] as number));
  const middle = medianOf(totals.filter(Number.isFinite));
  return Int32Array.from(totals, (total, i) => {
    if (!Number.isFinite(total)) return 0;
    const bounded = Math.max(-FARTHEST, Math.min(FARTHEST, Math.round(total - middle)));
    return bounded - (exponents[i] as number);
  });
}

function powersOf(steps: Int32Array, sign: number): Float64Array {
  return Float64Array.from(steps, (step) => 2 ** (sign * step));
}

/** The largest magnitude among the elements of each channel that multiply. */
function peaksOf(constants: readonly ScaledConstant[], channels: number): Float64Array {
  const peaks = new Float64Array(channels);
  for (const constant of constants) if (constant.multiplies) raisePeaks(constant, peaks);
  return peaks;
}

/** The largest magnitude of each channel at all places where it is read; undefined where one of them is not known. */
function peaksAt(
  { read, channels }: EqualizableSite,
  peaks: ReadonlyMap<Value, Float64Array>,
  exponents: Int32Array,
): Float64Array | undefined {
  const most = new Float64Array(channels);
  for (const { axis, channelOf } of read) {
    const own = peaks.get(axis.value);
    if (own?.length !== channelOf.length) return undefined;
    channelOf.forEach((channel, i) => {
      most[channel] = Math.max(most[channel] as number, own[i] as number);
    });
  }
  return most.map((peak, channel) => peak * 2 ** -(exponents[channel] as number));
}

/** The largest number over the median of those that are not zero. */
function spreadOf(ranges: Float64Array): number {
  const live = ranges.filter((range) => range > 0);
  return live.length === 0 ? 1 : live.reduce((most, range) => Math.max(most, range), 0) / medianOf(live);
}

function medianOf(numbers: Float64Array): number {
  return numbers.slice().sort()[numbers.length >> 1] ?? 0;
}
