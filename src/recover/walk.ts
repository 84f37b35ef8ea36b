import type { RuleLookup } from '../channels/couplings.ts';
import { addInputLike, append, gather } from '../ir/append.ts';
import { type Extract, extractModel } from '../ir/extract.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { dimsOf, type Value } from '../ir/value.ts';
import { valuesOf } from '../ops/coupling.ts';
import type { Activations } from './activations.ts';
import { writeMatrix } from './layer-matrix.ts';
import type { Lineage } from './lineage.ts';
import {
  type ChannelMoments,
  type ChannelNames,
  MomentBuilder,
  type MomentNames,
  type Moments,
  type SecondMoments,
} from './moments.ts';
import { droppedNames, stageOf } from './part-stage.ts';
import type { ProductStop } from './product-stops.ts';
import type { Stop } from './stops.ts';
import { Timeline } from './timeline.ts';
import { channelMomentsIn, energyOf, momentsIn, sharesOf, withinReach } from './visit-sums.ts';

/** Names under which what the output of a layer should be, and what it reads in the whole model, are kept: none that an input bears. */
const TARGET = 'target:';
const WHOLE_DATA = 'whole:';
/** Features of a layer up to which the halves of the data are summed apart: beyond it the matrices are too large to have twice. */
const MOST_HALVED = 2304;

/** What a layer reads and lacks. */
export interface Visit {
  /** Sums over each half of the data; what is lacking is lacking where the output is looked at. */
  readonly halves: readonly Moments[];
  /** What each channel of the output has to change by for one of what is looked at; 0 where it counts for nothing there. */
  readonly shares: Float64Array;
  /** Sums of the channels that it reads and read, where they are all that can be seen. */
  readonly channels: ChannelMoments | undefined;
  /** How much the output varies where it is looked at, summed over channels. */
  readonly energy: number;
  /** Whether a number can be added to each channel of the output. */
  readonly affine: boolean;
}

/** What becomes of a layer. */
export interface LayerChange {
  readonly matrix: Float64Array | undefined;
  readonly shift: Float64Array;
}

/**
 * A way through a model, layer by layer, with what it was at its side: each layer is seen on what the layers before it, as they
 * are by then, give it, and what its output lacks of what the whole model gives. Both run from one layer to the next only, from
 * what was kept there, so that the cost grows with the number of nodes.
 */
export class Walk {
  readonly #model: Model;
  readonly #lineage: Lineage;
  readonly #activations: Activations;
  readonly #ruleOf: RuleLookup;
  readonly #pruned: Timeline;
  readonly #dense: Timeline;
  /** Up to when the reference may run before each stop, so that it can still give the targets of that and later ones. */
  readonly #denseTimes: readonly number[];

  /** @param stops in executable order */
  constructor(
    model: Model,
    lineage: Lineage,
    stops: readonly (Stop | ProductStop)[],
    activations: Activations,
    ruleOf: RuleLookup,
  ) {
    this.#model = model;
    this.#lineage = lineage;
    this.#activations = activations;
    this.#ruleOf = ruleOf;
    this.#pruned = new Timeline(
      model.graph,
      stops.flatMap((stop) =>
        stop.kind === 'layer' ? [stop.layer.data.value, stop.observation.value] : valuesOf(stop.node),
      ),
    );
    this.#dense = new Timeline(
      lineage.reference.graph,
      stops.flatMap((stop) => (stop.kind === 'layer' ? [stop.target, ...wholeData(stop)] : [])),
    );
    let earliest = Number.POSITIVE_INFINITY;
    this.#denseTimes = stops
      .map((stop) => {
        const values = stop.kind === 'layer' ? [stop.target, ...wholeData(stop)] : [];
        return Math.min(...values.map((value) => madeAt(value, this.#dense)));
      })
      .reverse()
      .map((time) => {
        earliest = Math.min(earliest, time);
        return earliest;
      })
      .reverse();
  }

  /**
   * Moves on to a layer, and sums what its output lacks, for each half of the data.
   * @param reads whether what the layer reads is summed, too, as far as it can be seen
   */
  async visit(stop: Stop, index: number, reads = true): Promise<Visit> {
    await this.#runReference(stop, index);
    const { halves, channels } = await this.#measure(stop, reads);
    const { node, matrix, observation } = stop;
    const shares = sharesOf(observation.gain);
    return {
      channels,
      shares,
      halves: halves.map((half) => withinReach(half, shares, matrix)),
      energy: energyOf(halves),
      affine: this.#ruleOf(node).takesBias?.(node) ?? false,
    };
  }

  /** Moves on to a constant inside a node, and sums what it is multiplied with, for each half of the data. */
  async visitProduct({ node, product, groups, features }: ProductStop): Promise<readonly SecondMoments[]> {
    const given = new Set(this.#pruned.kept);
    const made = node.outputs.filter((value) => value !== undefined);
    const { added, dropped } = this.#pruned.advance(Math.max(...made.map((value) => this.#pruned.timeOf(value))));
    const inputs = node.inputs.filter((value) => value !== undefined);
    const part = extractModel(this.#model, given, [...inputs, ...added]);
    const { graph } = part.model;
    const builder = new MomentBuilder(graph, this.#ruleOf, this.#activations.samples);
    const names = builder.addProduct({ groups, features }, product.columns(graph, part.twinOf));
    const sums = await this.#activations.run({
      ...stageOf(part, { side: 'pruned', added }),
      sum: Object.values(names),
      halves: features <= MOST_HALVED,
    });
    await this.#drop('pruned', dropped);
    return momentsIn(sums, names);
  }

  /**
   * Changes a layer.
   * @param matrix its new matrix [rows, features]; undefined where it stays
   * @param shift what is added to each channel of its output, where it takes a bias
   */
  apply({ node, layer, matrix }: Stop, { matrix: elements, shift }: LayerChange): void {
    const { graph } = node;
    if (elements !== undefined) graph.setTensor(layer.weight, writeMatrix(matrix, elements));
    if (shift.some((each) => each !== 0)) this.#ruleOf(node).addBias?.(node, shift, graph);
  }

  /** Runs the reference to where the target is, and keeps it. */
  async #runReference(stop: Stop, index: number): Promise<void> {
    const { target, observation } = stop;
    const given = new Set(this.#dense.kept);
    const { added, dropped } = this.#dense.advance(this.#denseTimes[index] ?? 0);
    const read = wholeData(stop);
    const part = extractModel(this.#lineage.reference, given, [target, ...read, ...added]);
    const wanted = this.#narrowed(part.model.graph, part.twinOf(target), observation.value);
    const keeps = new Map([[wanted, TARGET]]);
    for (const value of read) keeps.set(this.#output(part, value), WHOLE_DATA);
    await this.#activations.run({ ...stageOf(part, { side: 'dense', added, keeps }), sum: [], halves: false });
    await this.#drop('dense', dropped);
  }

  /** Adds nodes that take what stays of a target, along every axis: places that channels left may be rows of a layer. */
  #narrowed(graph: Graph, whole: Value, like: Value): Value {
    let wanted = whole;
    for (const dim of (dimsOf(like) ?? []).keys()) {
      const kept = this.#lineage.kept({ value: like, dim });
      if (kept === undefined) continue;
      wanted = gather(graph, wanted, dim, kept);
    }
    return wanted;
  }

  /** A value of a part as one that can be given out: an input of it cannot, but a copy can. */
  #output({ model: { graph }, twinOf, inputs }: Extract, value: Value): Value {
    if (!inputs.includes(value)) return twinOf(value);
    return append(graph, WHOLE_DATA, { opType: 'Identity', inputs: [twinOf(value)] });
  }

  /** Runs the pruned model to the layer, keeps what the rest needs, and sums what the layer reads and lacks. */
  async #measure(stop: Stop, reads: boolean): Promise<{ halves: Moments[]; channels: ChannelMoments | undefined }> {
    const { layer, observation, target } = stop;
    const given = new Set(this.#pruned.kept);
    const { added, dropped } = this.#pruned.advance(this.#pruned.timeOf(layer.out.value));
    const data = layer.data.value;
    const part = extractModel(this.#model, given, [data, observation.value, ...added]);
    const { graph } = part.model;
    const wanted = addInputLike(graph, target, TARGET);
    const takes = new Map([[wanted, TARGET]]);
    const builder = new MomentBuilder(graph, this.#ruleOf, this.#activations.samples);
    const input = reads && stop.sight === 'patches' ? builder.addInput(stop, part.twinOf(data)) : undefined;
    const difference = builder.difference(wanted, part.twinOf(observation.value));
    const error = builder.addError(stop, input?.columns, {
      ...difference,
      like: observation.value,
      dim: observation.dim,
    });
    const names: MomentNames = { ...input?.names, ...error };
    let whole: ChannelNames | undefined;
    if (reads && stop.sight === 'channels' && stop.whole !== undefined) {
      const before = addInputLike(graph, stop.whole.data, WHOLE_DATA);
      takes.set(before, WHOLE_DATA);
      whole = builder.addWhole(stop, part.twinOf(data), before, stop.whole.channels / stop.matrix.groups);
    }
    const sums = await this.#activations.run({
      ...stageOf(part, { side: 'pruned', added, takes }),
      sum: [...Object.values(names), ...Object.values(whole ?? {})],
      halves: stop.matrix.features <= MOST_HALVED,
    });
    await this.#drop('pruned', dropped);
    return {
      halves: momentsIn(sums, names),
      channels: whole && channelMomentsIn(sums, whole),
    };
  }

  async #drop(side: Side, dropped: readonly Value[]): Promise<void> {
    const names = droppedNames(dropped, side);
    if (names.length > 0) await this.#activations.drop(names);
  }

  /** Gives back what was kept. */
  async finish(): Promise<void> {
    await this.#drop('pruned', [...this.#pruned.kept]);
    await this.#drop('dense', [...this.#dense.kept]);
    await this.#activations.drop([TARGET, WHOLE_DATA]);
  }
}

/** When a value is made; what comes from outside is there at all times. */
function madeAt(value: Value, timeline: Timeline): number {
  return value.producer === undefined ? Number.POSITIVE_INFINITY : timeline.timeOf(value);
}

/** What of the whole model's data a layer is seen by. */
function wholeData({ sight, whole }: Stop): Value[] {
  return sight === 'channels' && whole !== undefined ? [whole.data] : [];
}

type Side = 'pruned' | 'dense';
