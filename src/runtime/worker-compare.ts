import { OnnxPruneError } from '../errors.ts';
import { AccuracyMeasure } from './accuracy.ts';
import { OutputMeasure } from './measure.ts';
import { type Session, withSession } from './session.ts';
import type { CompareOptions, Comparison, Feeds, HostTensor, ModelSource } from './types.ts';

/**
 * Runs two models on the same batches and compares their outputs here, so that only figures travel between processes.
 * Outputs are paired by name, or by position where the names differ but the counts agree.
 */
export function compareModels(
  a: ModelSource,
  b: ModelSource,
  batches: readonly Feeds[],
  options: CompareOptions,
): Promise<Comparison> {
  return withSession(a, options.a ?? {}, (left) =>
    withSession(b, options.b ?? {}, (right) => compareSessions(left, right, batches, options.labels)),
  );
}

async function compareSessions(
  left: Session,
  right: Session,
  batches: readonly Feeds[],
  labels: readonly HostTensor[] | undefined,
): Promise<Comparison> {
  const pairs = pairOutputs(left, right);
  const measures = new Map([...pairs.keys()].map((name) => [name, new OutputMeasure(name)]));
  const accuracy = new AccuracyMeasure();
  for (const [index, feeds] of batches.entries()) {
    const outputsA = await left.run(left.prepare(feeds));
    const results = await right.run(right.prepare(feeds));
    const outputsB: Record<string, HostTensor> = {};
    for (const [name, other] of pairs) {
      const result = other === undefined ? undefined : results[other];
      if (result !== undefined) outputsB[name] = result;
    }
    for (const [name, measure] of measures) {
      const output = outputsA[name];
      if (output !== undefined) measure.add(output, outputsB[name]);
    }
    const truth = labels?.[index];
    if (truth !== undefined) accuracy.add(outputsA, outputsB, truth);
    else if (labels !== undefined) {
      throw new OnnxPruneError(
        'bad-data',
        'labels',
        `There are labels for ${labels.length} of ${batches.length} batches; give labels for all of them, or none.`,
      );
    }
  }
  return {
    outputs: [...measures.values()].map((measure) => measure.result()),
    accuracy: accuracy.result(),
    regression: undefined,
    uncompared: [],
  };
}

/** A's tensor outputs, each with the name of B's counterpart. */
function pairOutputs(left: Session, right: Session): ReadonlyMap<string, string | undefined> {
  const ours = left.info.outputs.filter((output) => output.isTensor).map((output) => output.name);
  const theirs = right.info.outputs.filter((output) => output.isTensor).map((output) => output.name);
  const byPosition = ours.length === theirs.length && !ours.every((name) => theirs.includes(name));
  return new Map(
    ours.map((name, index) => [name, theirs.includes(name) ? name : byPosition ? theirs[index] : undefined]),
  );
}
