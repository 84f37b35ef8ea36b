import type { RuleLookup } from '../channels/couplings.ts';
import { OnnxPruneError } from '../errors.ts';
import { type Extract, extractModel } from '../ir/extract.ts';
import type { Model } from '../ir/model.ts';
import type { Node } from '../ir/node.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';
import { isFloatType } from '../numeric/float-bytes.ts';
import type { Activations } from './activations.ts';
import { writeMatrix } from './layer-matrix.ts';
import { OutputErrors, type StageSums } from './output-errors.ts';
import { droppedNames, type PartEnds, stageOf } from './part-stage.ts';
import type { MeasuredReading } from './readings.ts';
import type { StandIn } from './stand-in.ts';
import { Timeline } from './timeline.ts';

/** Stands before the names of values on their way. */
const SIDE = 'passing';

/** Runs a model from ever later on, with some of its layers replaced. */
export class StandInRuns {
  readonly #model: Model;
  readonly #activations: Activations;
  readonly #ruleOf: RuleLookup;
  readonly #timeline: Timeline;
  readonly #samples: number;
  #outputs: readonly Value[];
  /** Σ (y − the mean of y)² of each output. */
  #spread: ReadonlyMap<Value, number> = new Map();

  constructor(
    model: Model,
    activations: Activations,
    ruleOf: RuleLookup,
    { values, samples }: { readonly values: readonly Value[]; readonly samples: number },
  ) {
    this.#model = model;
    this.#activations = activations;
    this.#ruleOf = ruleOf;
    this.#samples = samples;
    this.#outputs = model.graph.outputs.filter(
      (value) => value.producer !== undefined && isFloatType(elementTypeOf(value)),
    );
    this.#timeline = new Timeline(model.graph, [...values, ...this.#outputs]);
  }

  /** When the first of some layers runs. */
  timeOf(readings: readonly MeasuredReading[]): number {
    return Math.min(...readings.map(({ layer }) => this.#timeline.timeOf(layer.out.value)));
  }

  /**
   * Keeps what the whole model gives.
   * @returns whether there is an output that is not one number everywhere, and all are finite; otherwise nothing stays kept
   */
  async start(): Promise<boolean> {
    if (this.#outputs.length === 0) return false;
    const part = extractModel(this.#model, new Set(), this.#outputs);
    const errors = new OutputErrors(part.model.graph);
    const reads = new Map(this.#outputs.map((value) => [value, errors.addSpread(part.twinOf(value))] as const));
    const keeps = new Map(this.#outputs.map((value) => [part.twinOf(value), wholeName(value)] as const));
    const sums = await this.#run(part, { keeps }, errors.names).catch(noneWhereNotFinite);
    const spread = new Map([...reads].map(([value, read]) => [value, sums === undefined ? 0 : read(sums)] as const));
    this.#spread = spread;
    this.#outputs = this.#outputs.filter((value) => (spread.get(value) ?? 0) > 0);
    if (this.#outputs.length === 0) await this.finish();
    return this.#outputs.length > 0;
  }

  /** Moves on to a time, and keeps what the model needs from then on. */
  async advance(time: number): Promise<void> {
    const given = new Set(this.#timeline.kept);
    const { added, dropped } = this.#timeline.advance(time);
    if (added.length > 0) await this.#run(extractModel(this.#model, given, added), { added }, []);
    await this.#drop(dropped);
  }

  /**
   * The error of the outputs where some layers are replaced, none of which runs before a time: Σ (y − ŷ)² over
   * Σ (y − the mean of y)², the mean over outputs.
   */
  async errorWith(standIns: readonly (readonly [MeasuredReading, StandIn])[], time: number): Promise<number> {
    const outputs = this.#outputs.filter((value) => this.#timeline.timeOf(value) >= time);
    if (outputs.length === 0) return 0;
    const part = extractModel(this.#model, this.#timeline.kept, outputs);
    const { graph } = part.model;
    const errors = new OutputErrors(graph);
    const twins = new Map([...graph.nodes].map((twin) => [twin.outputs[0]?.name, twin]));
    for (const [reading, standIn] of standIns) {
      const twin = twins.get(reading.node.outputs[0]?.name);
      if (twin !== undefined) this.#replace(twin, reading, standIn);
    }
    const takes = new Map<Value, string>();
    const found = outputs.map((value) => {
      const { wanted, error } = errors.addError(part.twinOf(value));
      takes.set(wanted, wholeName(value));
      return { value, error };
    });
    const sums = await this.#run(part, { takes }, errors.names);
    return found.reduce(
      (sum, { value, error }) => sum + error(sums) / (this.#spread.get(value) ?? 1) / this.#outputs.length,
      0,
    );
  }

  #replace(twin: Node, { node, layer, matrix }: MeasuredReading, { elements, bias }: StandIn): void {
    const { graph } = twin;
    const weight = graph.addInitializer(layer.weight.name, writeMatrix(matrix, elements));
    // Other layers may read the same weight.
    node.inputs.forEach((input, index) => {
      if (input === layer.weight) graph.setInput(twin, index, weight);
    });
    if (bias.some((each) => each !== 0)) this.#ruleOf(twin).addBias?.(twin, bias, graph);
  }

  #run(part: Extract, ends: Omit<PartEnds, 'side'>, sum: readonly string[]): Promise<StageSums> {
    const stage = stageOf(part, { side: SIDE, ...ends });
    return this.#activations.run({ ...stage, sum, halves: false, samples: this.#samples });
  }

  async #drop(values: Iterable<Value>): Promise<void> {
    const names = droppedNames(values, SIDE);
    if (names.length > 0) await this.#activations.drop(names);
  }

  /** Gives back what was kept. */
  async finish(): Promise<void> {
    await this.#drop(this.#timeline.kept);
    await this.#activations.drop([...this.#spread.keys()].map(wholeName));
  }
}

/** Outputs such as masked logits may be infinite on purpose, which is no reason to stop. */
function noneWhereNotFinite(error: unknown): undefined {
  if (!(error instanceof OnnxPruneError && error.code === 'bad-data')) throw error;
}

function wholeName({ name }: Value): string {
  return `whole:${name}`;
}
