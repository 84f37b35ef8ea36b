import { OnnxPruneError } from '../errors.ts';
import { OutputMeasure } from './measure.ts';
import type { Params, Tell } from './protocol.ts';
import { keyOf, knownOutputs, OutputsToKeep } from './reference-outputs.ts';
import { type Session, withSession } from './session.ts';
import { isFetchable } from './tensor.ts';
import { TruthMeasure } from './truth.ts';
import type {
  CompareOptions,
  Comparison,
  Feeds,
  HostTensor,
  ModelSource,
  OutputComparison,
  UncomparedOutput,
} from './types.ts';

/**
 * Runs two models on the same batches and compares their outputs here, so that only figures travel between processes.
 * Outputs are paired by name; those that only one model has by position, where there are as many of them in both.
 *
 * @param passOver whether outputs that are no tensors are passed over; else they are named, and nothing is run
 */
export function compareModels(
  { a, b, batches, options, passOver }: Params<'compare'>,
  tell: Tell,
): Promise<Comparison> {
  return withBoth(a, b, options, async (left, right) => {
    const uncompared = passOver ? [] : withoutTensors(left, right);
    if (uncompared.length > 0)
      return { outputs: [], accuracy: undefined, regression: undefined, uncompared, notes: [] };
    const key = await keyOf(a, options.a, batches);
    return compareSessions(left, right, batches, options.labels, tell, key);
  });
}

/** Opens two models, uses them, and gives their memory back whatever happens. */
export function withBoth<T>(
  a: ModelSource,
  b: ModelSource,
  options: CompareOptions,
  use: (left: Session, right: Session) => Promise<T>,
): Promise<T> {
  return withSession(a, options.a ?? {}, (left) => withSession(b, options.b ?? {}, (right) => use(left, right)));
}

/** Outputs of either model that are no tensors. */
export function withoutTensors(left: Session, right: Session): UncomparedOutput[] {
  const all = [...left.info.outputs, ...right.info.outputs];
  const names = new Set(all.filter((output) => !isFetchable(output)).map(({ name }) => name));
  return [...names].map((name) => ({ name, reason: 'it is no tensor' }));
}

/** The outputs of two models, batch by batch. */
export class PairMeasure {
  readonly #left: Session;
  readonly #right: Session;
  readonly #pairs: ReadonlyMap<string, string | undefined>;
  /** What a reader might not expect, as sentences without their full stops. */
  readonly notes: readonly string[];
  readonly #measures: ReadonlyMap<string, OutputMeasure>;

  constructor(left: Session, right: Session) {
    this.#left = left;
    this.#right = right;
    const { counterparts, notes } = pairOutputs(left, right);
    this.#pairs = counterparts;
    this.notes = notes;
    this.#measures = new Map([...this.#pairs.keys()].map((name) => [name, new OutputMeasure(name)]));
  }

  /** A's outputs for one batch. */
  async runA(feeds: Feeds): Promise<Readonly<Record<string, HostTensor>>> {
    return this.#left.run(this.#left.prepare(feeds));
  }

  /** B's outputs, under the names of A's. */
  async runB(feeds: Feeds): Promise<Readonly<Record<string, HostTensor>>> {
    const results = await this.#right.run(this.#right.prepare(feeds));
    const outputs: Record<string, HostTensor> = {};
    for (const [name, other] of this.#pairs) {
      const result = other === undefined ? undefined : results[other];
      if (result !== undefined) outputs[name] = result;
    }
    return outputs;
  }

  /** Adds the outputs of one batch. */
  add(a: Readonly<Record<string, HostTensor>>, b: Readonly<Record<string, HostTensor>>): void {
    for (const [name, measure] of this.#measures) {
      const output = a[name];
      if (output !== undefined) measure.add(output, b[name]);
    }
  }

  /** What is found so far. */
  result(): readonly OutputComparison[] {
    return [...this.#measures.values()].map((measure) => measure.result());
  }
}

async function compareSessions(
  left: Session,
  right: Session,
  batches: readonly Feeds[],
  labels: readonly HostTensor[] | undefined,
  tell: Tell,
  key: string | undefined,
): Promise<Comparison> {
  const pair = new PairMeasure(left, right);
  const truth = new TruthMeasure(labels ?? []);
  const known = knownOutputs(key);
  const reference = new OutputsToKeep(known === undefined ? key : undefined);
  for (const [index, feeds] of batches.entries()) {
    const a = known?.[index] ?? (await pair.runA(feeds));
    reference.add(a);
    const b = await pair.runB(feeds);
    pair.add(a, b);
    const label = labels?.[index];
    if (label !== undefined) truth.add(a, b, label);
    else if (labels !== undefined) {
      throw new OnnxPruneError(
        'bad-data',
        'labels',
        `There are labels for ${labels.length} of ${batches.length} batches; give labels for all of them, or none.`,
      );
    }
    tell(index + 1, batches.length);
  }
  reference.keep();
  const notes = [...pair.notes, ...(truth.unfit === undefined ? [] : [truth.unfit])];
  return { outputs: pair.result(), ...truth.result(), uncompared: [], notes };
}

/** Which output of B is held against each of A. */
interface Pairs {
  /** A's tensor outputs, each with the name of B's counterpart. */
  readonly counterparts: ReadonlyMap<string, string | undefined>;
  /** What about it a reader might not expect, as sentences without their full stops. */
  readonly notes: readonly string[];
}

/** Pairs outputs by name; those whose names the other model lacks by position, where there are as many in both. */
function pairOutputs(left: Session, right: Session): Pairs {
  const [ours, theirs] = [tensorNames(left), tensorNames(right)];
  const [lone, others] = [ours.filter((name) => !theirs.includes(name)), theirs.filter((name) => !ours.includes(name))];
  const renamed = new Map(lone.length === others.length ? lone.map((name, index) => [name, others[index]]) : []);
  const counterparts = new Map(ours.map((name) => [name, theirs.includes(name) ? name : renamed.get(name)]));
  const notes = [...renamed].map(
    ([name, other]) =>
      `output "${name}" is held against "${other}" of the other model by position, for it has none of that name`,
  );
  const spare = renamed.size > 0 ? [] : others;
  if (spare.length > 0)
    notes.push(
      `the other model has further outputs, held against nothing: ${spare.map((name) => `"${name}"`).join(', ')}`,
    );
  return { counterparts, notes };
}

function tensorNames({ info }: Session): string[] {
  return info.outputs.filter(isFetchable).map(({ name }) => name);
}
