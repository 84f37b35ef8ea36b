import type { RuleLookup } from '../channels/couplings.ts';
import { present } from '../errors.ts';
import { intAttribute } from '../ir/attributes.ts';
import { type Extract, extractModel } from '../ir/extract.ts';
import type { Graph } from '../ir/graph.ts';
import type { Model } from '../ir/model.ts';
import { labelOf } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import type { Activations } from './activations.ts';
import { readMatrix, writeMatrix } from './layer-matrix.ts';
import { type Correction, fitCorrection } from './least-squares.ts';
import type { Lineage } from './lineage.ts';
import { MomentBuilder, type MomentNames, type Moments } from './moments.ts';
import { type Stop, stopsOf } from './stops.ts';
import { Timeline } from './timeline.ts';

/** What became of one layer. */
export interface RecoveredLayer {
  readonly node: string;
  readonly initializer: string;
  /** Mean square of what its output lacks, and of how its output varies, summed over channels; before and after. */
  readonly before: number;
  readonly after: number;
  readonly energy: number;
  readonly ridge: number | null;
  readonly extra: number;
  readonly fixed: string | null;
}

/** Name under which what the output of a layer should be is kept: none that an input bears. */
const TARGET = 'target:';

/** What recovering needs. */
export interface RecoverTools {
  readonly activations: Activations;
  readonly ruleOf: RuleLookup;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/**
 * Makes the layers of a pruned model give again what they gave before, as far as what is left to them can: layer by layer,
 * each on what the layers before it, already corrected, give it, with what the whole model gives as the target.
 *
 * @param options whether weights may change, or biases alone
 */
export async function recover(
  model: Model,
  lineage: Lineage,
  { activations, ruleOf, onProgress }: RecoverTools,
  { matrix }: { readonly matrix: boolean },
): Promise<RecoveredLayer[]> {
  const stops = stopsOf(model, lineage, ruleOf);
  const walk = new Walk(model, lineage, stops, activations, ruleOf);
  const layers: RecoveredLayer[] = [];
  for (const [index, stop] of stops.entries()) {
    onProgress?.(index, stops.length);
    layers.push(await walk.correct(stop, index, matrix));
  }
  onProgress?.(stops.length, stops.length);
  await walk.finish();
  return layers;
}

class Walk {
  readonly #model: Model;
  readonly #lineage: Lineage;
  readonly #activations: Activations;
  readonly #ruleOf: RuleLookup;
  readonly #pruned: Timeline;
  readonly #dense: Timeline;
  /** Up to when the reference may run before each stop, so that it can still give the targets of that and later ones. */
  readonly #denseTimes: readonly number[];

  constructor(model: Model, lineage: Lineage, stops: readonly Stop[], activations: Activations, ruleOf: RuleLookup) {
    this.#model = model;
    this.#lineage = lineage;
    this.#activations = activations;
    this.#ruleOf = ruleOf;
    this.#pruned = new Timeline(
      model.graph,
      stops.flatMap(({ layer, observation }) => [layer.data.value, observation.value]),
    );
    this.#dense = new Timeline(
      lineage.reference.graph,
      stops.map(({ target }) => target),
    );
    let earliest = Number.POSITIVE_INFINITY;
    this.#denseTimes = stops
      .map(({ target }) => {
        return this.#dense.timeOf(target);
      })
      .reverse()
      .map((time) => {
        earliest = Math.min(earliest, time);
        return earliest;
      })
      .reverse();
  }

  async correct(stop: Stop, index: number, changesMatrix: boolean): Promise<RecoveredLayer> {
    await this.#runReference(stop, index);
    const changes = changesMatrix && stop.fixed === undefined;
    const halves = await this.#measure(stop, changes);
    const { node, layer, matrix, observation, fixed } = stop;
    const affine = this.#ruleOf(node).takesBias?.(node) ?? false;
    const shares = sharesOf(observation.gain);
    const reachable = halves.map((half) => withinReach(half, shares, matrix));
    const correction = fitCorrection(reachable, matrix, { affine, matrix: changes });
    this.#apply(stop, correction, shares, affine);
    return {
      node: labelOf(node),
      initializer: layer.weight.name,
      before: correction.before,
      after: correction.after,
      energy: energyOf(halves),
      ridge: Number.isFinite(correction.ridge) ? correction.ridge : null,
      extra: correction.extra,
      fixed: fixed ?? null,
    };
  }

  /** Runs the reference to where the target is, and keeps it. */
  async #runReference({ target, observation }: Stop, index: number): Promise<void> {
    const given = new Set(this.#dense.kept);
    const { added, dropped } = this.#dense.advance(this.#denseTimes[index] ?? 0);
    const part = extractModel(this.#lineage.reference, given, [target, ...added]);
    const wanted = this.#narrowed(part.model.graph, part.twinOf(target), observation.value);
    await this.#run(part, 'dense', added, [], new Map([[wanted, TARGET]]));
    await this.#drop('dense', dropped);
  }

  /** Adds nodes that take what stays of a target, along every axis: places that channels left may be rows of a layer. */
  #narrowed(graph: Graph, whole: Value, like: Value): Value {
    let wanted = whole;
    for (const dim of (dimsOf(like) ?? []).keys()) {
      const kept = this.#lineage.kept({ value: like, dim });
      if (kept === undefined) continue;
      const name = graph.uniqueName(TARGET);
      const inputs = [wanted, graph.addInitializer('kept', Tensor.ofIntegers(kept))];
      const node = graph.addNode({ opType: 'Gather', name, inputs, attributes: [intAttribute('axis', dim)] }, [name]);
      wanted = present(node.outputs[0], 'the target');
    }
    return wanted;
  }

  /** Runs the pruned model to the layer, keeps what the rest needs, and sums what the layer lacks and, where its weights change, reads. */
  async #measure(stop: Stop, changes: boolean): Promise<Moments[]> {
    const { layer, observation, target } = stop;
    const given = new Set(this.#pruned.kept);
    const { added, dropped } = this.#pruned.advance(this.#pruned.timeOf(layer.out.value));
    const data = layer.data.value;
    const part = extractModel(this.#model, given, [data, observation.value, ...added]);
    const { graph } = part.model;
    const dims = (dimsOf(target) ?? []).map(() => undefined);
    const wanted = graph.addValue(graph.uniqueName(TARGET), { type: elementTypeOf(target), dims });
    graph.addInput(wanted);
    const builder = new MomentBuilder(graph, this.#ruleOf);
    const input = changes ? builder.addInput(stop, part.twinOf(data)) : undefined;
    const difference = builder.difference(wanted, part.twinOf(observation.value));
    const error = builder.addError(stop, input?.columns, {
      ...difference,
      like: observation.value,
      dim: observation.dim,
    });
    const names: MomentNames = { ...input?.names, ...error };
    const sums = await this.#run(part, 'pruned', added, Object.values(names), new Map(), new Map([[wanted, TARGET]]));
    await this.#drop('pruned', dropped);
    const half = (index: number, name: string | undefined): Float64Array =>
      (name === undefined ? undefined : sums.get(name)?.[index]) ?? new Float64Array(0);
    return [0, 1].map((index) => ({
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

  /** Writes a correction of what was looked at into the layer. */
  #apply({ node, layer, matrix }: Stop, correction: Correction, shares: Float64Array, affine: boolean): void {
    const { graph } = node;
    if (Number.isFinite(correction.ridge)) {
      const elements = readMatrix(matrix);
      correction.matrix.forEach((each, i) => {
        const share = shares[Math.floor(i / matrix.features)] as number;
        elements[i] = (elements[i] as number) + (share * each) / layer.gain;
      });
      graph.setTensor(layer.weight, writeMatrix(matrix, elements));
    }
    const bias = correction.bias.map((each, row) => (shares[row] as number) * each);
    if (affine && bias.some((each) => each !== 0)) this.#ruleOf(node).addBias?.(node, bias, graph);
  }
}

type Side = 'pruned' | 'dense';

/** Values that come from outside go by their own names. */
function storedName(value: Value, side: Side): string {
  return value.producer === undefined ? value.name : `${side}:${value.name}`;
}

/** What a layer's output has to change by for one of what is looked at behind a gain, per row; 0 where it counts for nothing there. */
function sharesOf(gain: Float64Array): Float64Array {
  const largest = gain.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
  return gain.map((each) => (Math.abs(each) > 1e-6 * largest ? 1 / each : 0));
}

/** Moments in which what rows lack that count for nothing depends on nothing, so that nothing is made up for there. */
function withinReach(moments: Moments, shares: Float64Array, { rows, groups, features }: Stop['matrix']): Moments {
  const own = rows / groups;
  return {
    ...moments,
    cross: moments.cross.map((each, at) => {
      const group = Math.floor(at / (features * own));
      return shares[group * own + (at % own)] === 0 ? 0 : each;
    }),
    errorSum: moments.errorSum.map((each, row) => (shares[row] === 0 ? 0 : each)),
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
