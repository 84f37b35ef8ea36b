import { buildChannelMap } from './channels/build.ts';
import type { ChannelMap, Group } from './channels/group.ts';
import { describeDistributions } from './describe-distributions.ts';
import { holdsWeights } from './ir/data-type.ts';
import { labelOf, type Node, nodesIn, nodesInOrder } from './ir/node.ts';
import type { Dim, Value } from './ir/value.ts';
import { countParameters } from './judge/size.ts';
import { type LoadedModel, loadModel, opsetOf, producerOf, unknownOperators } from './load.ts';
import { tally } from './numeric/tally.ts';
import { countMacs, macsOfNode } from './ops/macs.ts';
import { ruleOf } from './ops/rules.ts';
import { checkFunction, checkSignal } from './options/check-hooks.ts';
import { parseFlag, parseModelPath, rejectUnknownKeys } from './options/parse.ts';
import { outlineAfter, outlineBefore } from './outline.ts';
import { declaredSymbols, printableDims } from './printable-dims.ts';
import { type GroupOutline, type InspectReport, type LayerReport, SCHEMA_VERSION } from './report/report.ts';
import { createEngine, RuntimeChild } from './runtime/index.ts';
import { type Progress, Stopwatch } from './stopwatch.ts';
import { channelsIn, keptWhole, namesOf } from './transforms/describe-groups.ts';

/** What `inspect` can be told. */
export interface InspectOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /**
   * Whether to read the weights too, for `distributions` and `outline`: takes half as long again, and the files that hold the
   * weights must be there. Default false.
   */
  readonly weights?: boolean | undefined;
}

/**
 * Says what a model consists of, what could be pruned, and what not and why. Changes and writes nothing.
 * @throws OnnxPruneError `bad-file`, `bad-model`, `runtime-refused` as reading does
 */
export async function inspect(path: string, options: InspectOptions = {}): Promise<InspectReport> {
  parseModelPath(path);
  rejectUnknownKeys(options, ['signal', 'onProgress', 'weights']);
  const { signal, onProgress } = options;
  checkSignal(signal);
  checkFunction('onProgress', onProgress, '({ step, done, total }) => …');
  const weights = parseFlag('weights', options.weights ?? false);
  const child = new RuntimeChild();
  try {
    const clock = new Stopwatch(onProgress, signal);
    const loaded = await clock.time('read', () => loadModel(path, createEngine(child, { signal })));
    const report = await clock.time('describe', () => describe(loaded, weights));
    await clock.breathe();
    return report;
  } finally {
    child.close();
  }
}

function describe(loaded: LoadedModel, weights: boolean): InspectReport {
  const { model, path, bytes } = loaded;
  const { graph } = model;
  const map = buildChannelMap(graph, ruleOf);
  // The last unit of a group stays, so those of one have nothing to offer.
  const groups = map.groups.filter(({ count }) => count > 1).map((group) => describeGroup(group, map.unitsAlong));
  const kept = keptWhole(map, []);
  const { macs, unknown } = countMacs(graph);
  return {
    schemaVersion: SCHEMA_VERSION,
    input: {
      path,
      producer: producerOf(model),
      opset: opsetOf(model),
      irVersion: Number(model.proto.irVersion ?? 0),
      fileBytes: bytes,
    },
    inputs: graph.inputs.filter((value) => value.tensor === undefined).map(describeEnd),
    outputs: graph.outputs.map(describeEnd),
    operators: tally(nodesIn(graph).map(({ opType }) => opType)),
    unknownOperators: unknownOperators(model),
    parameters: countParameters(graph),
    macs,
    macsUnknown: unknown,
    layers: layersOf(nodesInOrder(graph), new Set(graph.inputs.flatMap((value) => [...declaredSymbols(value)]))),
    groups,
    prunableParameters: sizeOf(
      map.groups.filter(({ count }) => count > 1).flatMap(({ members }) => members.map(({ axis }) => axis.value)),
    ),
    kept,
    distributions: weights ? describeDistributions(graph) : [],
    outline: weights ? outlineAfter(outlineBefore(graph), null, { groups, kept }) : null,
    recipe: {
      structured: START,
      layers: groups.map((group) => ({ match: group.name, amount: START })),
    },
  };
}

/** The amount that a recipe to start from has everywhere. */
const START = '50%';

function describeEnd(value: Value): InspectReport['inputs'][number] {
  return { name: value.name, type: value.type?.type ?? 'unknown', dims: printableDims(value, declaredSymbols(value)) };
}

/** Elements of weights, each once. */
function sizeOf(values: readonly Value[]): number {
  return [...new Set(values)].reduce((sum, { tensor }) => sum + weightsIn(tensor), 0);
}

function weightsIn(tensor: Value['tensor']): number {
  return tensor !== undefined && holdsWeights(tensor.type) ? tensor.size : 0;
}

/** Elements of weights that leave with all channels of a group. */
function parametersOf(group: Group, unitsAlong: ChannelMap['unitsAlong']): number {
  const inside = (unit: number): boolean => unit >= group.first && unit < group.first + group.count;
  const left = new Map<Value, number>();
  const seen = new Set<string>();
  for (const { axis } of group.members) {
    const key = `${axis.value.name} ${axis.dim}`;
    const units = unitsAlong(axis);
    if (seen.has(key) || units === undefined || units.length === 0) continue;
    seen.add(key);
    const stays = 1 - units.reduce((sum, unit) => sum + Number(inside(unit)), 0) / units.length;
    // A weight with channels of one group along both its axes loses those along the first, and of what is left those along the other.
    left.set(axis.value, (left.get(axis.value) ?? 1) * stays);
  }
  return Math.round([...left].reduce((sum, [{ tensor }, stays]) => sum + weightsIn(tensor) * (1 - stays), 0));
}

/** The nodes that hold parameters or multiply; a tied weight counts at its first node. */
function layersOf(nodes: readonly Node[], symbols: ReadonlySet<Dim>): LayerReport[] {
  const counted = new Set<Value>();
  return nodes.flatMap((node) => {
    let parameters = 0;
    for (const input of node.inputs) {
      if (input?.tensor === undefined || counted.has(input) || !holdsWeights(input.tensor.type)) continue;
      // A number alone is a setting, such as a bound or a divisor, and would make a layer of every node that has one.
      if (input.tensor.size === 1) continue;
      counted.add(input);
      parameters += input.tensor.size;
    }
    const macs = macsOfNode(node);
    if (parameters === 0 && macs === undefined) return [];
    return [
      {
        node: labelOf(node),
        operator: node.opType,
        output: printableDims(node.outputs[0], symbols),
        parameters,
        macs: macs ?? null,
      },
    ];
  });
}

function describeGroup(group: Group, unitsAlong: ChannelMap['unitsAlong']): GroupOutline {
  const channels = channelsIn(group, unitsAlong);
  const cuts = new Map(
    group.members.map(({ axis }) => [
      `${axis.value.name} ${axis.dim}`,
      { initializer: axis.value.name, axis: axis.dim, length: axis.value.tensor?.dims[axis.dim] ?? 0 },
    ]),
  );
  return {
    name: group.name,
    producers: namesOf(group, 'out'),
    consumers: namesOf(group, 'in'),
    channels,
    unit: channels / group.count,
    part: group.part ?? null,
    parameters: parametersOf(group, unitsAlong),
    cuts: [...cuts.values()],
  };
}
