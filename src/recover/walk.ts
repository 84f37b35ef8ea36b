import type { RuleLookup } from '../channels/couplings.ts';
import { present } from '../errors.ts';
import { intAttribute } from '../ir/attributes.ts';
import { type Extract, extractModel } from '../ir/extract.ts';
import type { Model } from '../ir/model.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import { valuesOf } from '../ops/coupling.ts';
import type { Activations } from './activations.ts';
import { writeMatrix } from './layer-matrix.ts';
import type { Lineage } from './lineage.ts';
import { MomentBuilder, type MomentNames, type Moments, type SecondMoments } from './moments.ts';
import type { ProductStop } from './product-stops.ts';
import type { Stop } from './stops.ts';
import { Timeline } from './timeline.ts';

/** Name under which what the output of a layer should be is kept. */
const TARGET = 'target';

/** What a layer reads and lacks. */
export interface Visit {
  /** Sums over each half of the data; what is lacking is that of the layer's own output. */
  readonly halves: readonly Moments[];
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
      stops.flatMap((stop) => (stop.kind === 'layer' ? [stop.target] : [])),
    );
    let earliest = Number.POSITIVE_INFINITY;
    this.#denseTimes = stops
      .map((stop) => (stop.kind === 'layer' ? this.#dense.timeOf(stop.target) : Number.POSITIVE_INFINITY))
      .reverse()
      .map((time) => {
        earliest = Math.min(earliest, time);
        return earliest;
      })
      .reverse();
  }

  /** Moves on to a layer, and sums what it reads and what its output lacks, for each half of the data. */
  async visit(stop: Stop, index: number): Promise<Visit> {
    await this.#runReference(stop, index);
    const halves = await this.#measure(stop);
    const { node, matrix, observation } = stop;
    return {
      halves: halves.map((half) => perOutput(half, observation.gain, matrix)),
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
    const sums = await this.#run(part, 'pruned', added, Object.values(names), new Map());
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
  async #runReference({ target, observation }: Stop, index: number): Promise<void> {
    const given = new Set(this.#dense.kept);
    const { added, dropped } = this.#dense.advance(this.#denseTimes[index] ?? 0);
    const part = extractModel(this.#lineage.reference, given, [target, ...added]);
    const { graph } = part.model;
    const whole = part.twinOf(target);
    const kept = this.#lineage.kept({ value: observation.value, dim: observation.dim });
    let wanted = whole;
    if (kept !== undefined) {
      const indices = graph.addInitializer('kept', Tensor.ofIntegers(kept));
      const name = graph.uniqueName(TARGET);
      const spec = {
        opType: 'Gather',
        name,
        inputs: [whole, indices],
        attributes: [intAttribute('axis', observation.dim)],
      };
      wanted = present(graph.addNode(spec, [name]).outputs[0], 'the target');
    }
    await this.#run(part, 'dense', added, [], new Map([[wanted, TARGET]]));
    await this.#drop('dense', dropped);
  }

  /** Runs the pruned model to the layer, keeps what the rest needs, and sums what the layer reads and lacks. */
  async #measure(stop: Stop): Promise<Moments[]> {
    const { layer, observation, target } = stop;
    const given = new Set(this.#pruned.kept);
    const { added, dropped } = this.#pruned.advance(this.#pruned.timeOf(layer.out.value));
    const data = layer.data.value;
    const part = extractModel(this.#model, given, [data, observation.value, ...added]);
    const { graph } = part.model;
    const dims = (dimsOf(target) ?? []).map(() => undefined);
    const wanted = graph.addValue(graph.uniqueName(TARGET), { type: elementTypeOf(target), dims });
    graph.addInput(wanted);
    const builder = new MomentBuilder(graph, this.#ruleOf, this.#activations.samples);
    const input = stop.fixed === undefined ? builder.addInput(stop, part.twinOf(data)) : undefined;
    const difference = builder.difference(wanted, part.twinOf(observation.value));
    const error = builder.addError(stop, input?.columns, {
      ...difference,
      like: observation.value,
      dim: observation.dim,
    });
    const names: MomentNames = { ...input?.names, ...error };
    const sums = await this.#run(part, 'pruned', added, Object.values(names), new Map(), new Map([[wanted, TARGET]]));
    await this.#drop('pruned', dropped);
    return momentsIn(sums, names);
  }

  #run(
    { model, inputs, twinOf }: Extract,
    side: Side,
    added: readonly Value[],
    sum: readonly string[],
    keeps: ReadonlyMap<Value, string>,
    takes: ReadonlyMap<Value, string> = new Map(),
  ): Promise<ReadonlyMap<string, readonly Float64Array[]>> {
    const take = new Map([...takes].map(([twin, name]) => [twin.name, name] as const));
    for (const value of inputs) take.set(twinOf(value).name, storedName(value, side));
    const keep = new Map<string, string>();
    const give = (twin: Value, name: string): void => {
      if (!model.graph.isOutput(twin)) model.graph.addOutput(twin);
      keep.set(twin.name, name);
    };
    for (const value of added) give(twinOf(value), storedName(value, side));
    for (const [twin, name] of keeps) give(twin, name);
    return this.#activations.run({ model, take, keep, sum, halves: true });
  }

  async #drop(side: Side, dropped: readonly Value[]): Promise<void> {
    // Inputs of the model belong to both sides.
    const names = dropped.filter((value) => value.producer !== undefined).map((value) => storedName(value, side));
    if (names.length > 0) await this.#activations.drop(names);
  }

  /** Gives back what was kept. */
  async finish(): Promise<void> {
    await this.#drop('pruned', [...this.#pruned.kept]);
    await this.#drop('dense', [...this.#dense.kept]);
    await this.#activations.drop([TARGET]);
  }
}

/** The sums of each half of the data; those that were not taken are empty. */
function momentsIn(sums: ReadonlyMap<string, readonly Float64Array[]>, names: MomentNames): Moments[] {
  const half = (index: number, name: string | undefined): Float64Array =>
    (name === undefined ? undefined : sums.get(name)?.[index]) ?? new Float64Array(0);
  const { length = 0 } = sums.get(names.count ?? '') ?? [];
  return Array.from({ length }, (_, index) => ({
    count: half(index, names.count),
    sum: half(index, names.sum),
    gram: half(index, names.gram),
    cross: half(index, names.cross),
    errorSum: half(index, names.errorSum),
    errorSquares: half(index, names.errorSquares),
    targetSum: half(index, names.targetSum),
    targetSquares: half(index, names.targetSquares),
  }));
}

type Side = 'pruned' | 'dense';

/** Values that come from outside go by their own names. */
function storedName(value: Value, side: Side): string {
  return value.producer === undefined ? value.name : `${side}:${value.name}`;
}

/** Moments of what a layer's own output lacks, where it was looked at behind a gain; rows that count for nothing lack nothing. */
function perOutput(moments: Moments, gain: Float64Array, { rows, groups, features }: Stop['matrix']): Moments {
  const largest = gain.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  const scale = gain.map((each) => (Math.abs(each) > 1e-6 * largest ? 1 / each : 0));
  const own = rows / groups;
  return {
    ...moments,
    cross: moments.cross.map((each, at) => {
      const group = Math.floor(at / (features * own));
      return each * (scale[group * own + (at % own)] as number);
    }),
    errorSum: moments.errorSum.map((each, row) => each * (scale[row] as number)),
    errorSquares: moments.errorSquares.map((each, row) => each * (scale[row] as number) ** 2),
  };
}

/** How much the target varies around its mean, per position and summed over channels. */
function energyOf(halves: readonly Moments[]): number {
  const total = (pick: (half: Moments) => number): number => halves.reduce((sum, half) => sum + pick(half), 0);
  const n = total((half) => half.count[0] ?? 0);
  const rows = halves[0]?.targetSum.length ?? 0;
  let energy = 0;
  for (let row = 0; row < rows; row++)
    energy += total((half) => half.targetSquares[row] ?? 0) / n - (total((half) => half.targetSum[row] ?? 0) / n) ** 2;
  return energy;
}
