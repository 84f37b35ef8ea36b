import { importModel, type Model } from './ir/model.ts';
import type { GraphProto } from './onnx/messages.ts';
import { readModelFile } from './onnx/read.ts';
import { type FusionReport, fusionOf } from './quantize/fusion.ts';
import { type Feeds, optimizeModel, profileModel, type RequestOptions, type RuntimeChild } from './runtime/index.ts';
import type { Stopwatch } from './stopwatch.ts';

/** Where and how a check runs. */
export interface FusionCheckOptions {
  readonly child: RuntimeChild;
  readonly clock?: Stopwatch | undefined;
  /** Gives a path in a folder of the run's own. */
  readonly place: (name: string) => string;
  readonly request?: RequestOptions | undefined;
  /** Threads inside an operator while nodes are timed; default 1. */
  readonly threads?: number | undefined;
}

/**
 * Has onnxruntime load a quantized model, and says of the graph that it runs which nodes compute on integers, which stayed in
 * float, why, and what part of the time that takes on this machine.
 * @param path the file of the model
 * @param model the same in memory
 * @param feeds batches to time nodes on; nothing is timed without any
 * @param left reasons by the names of nodes that were left in float on purpose
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words, `bad-data` for data that does not fit
 */
export async function checkFusion(
  options: FusionCheckOptions,
  path: string,
  { graph }: Model,
  feeds: readonly Feeds[],
  left: ReadonlyMap<string, string>,
): Promise<FusionReport> {
  const { child, clock, place, request, threads } = options;
  const time = <T>(step: string, work: () => Promise<T>): Promise<T> => clock?.time(step, work) ?? work();
  const optimised = await time('read what was fused', async () => {
    const target = place('optimised.onnx');
    await optimizeModel(child, path, target, { ...request, threads });
    const { model, directory } = await readModelFile(target);
    dropRepeated(model.graph ?? {});
    return importModel(model, directory).graph;
  });
  const times =
    feeds.length === 0
      ? undefined
      : await time('time each node', () => profileModel(child, path, feeds, { ...request, threads }));
  return fusionOf({ model: graph, optimised, left, times });
}

/**
 * Drops all initializers of a name but the first of a graph: onnxruntime (1.30) saves the weights that it has brought into another
 * order inside a body under one name, several times. Their numbers are not looked at here.
 */
function dropRepeated(graph: GraphProto): void {
  const seen = new Set<string>();
  graph.initializer = (graph.initializer ?? []).filter(({ name = '' }) => !seen.has(name) && seen.add(name));
  for (const { attribute = [] } of graph.node ?? [])
    for (const { g, graphs = [] } of attribute) for (const body of g === undefined ? graphs : [g]) dropRepeated(body);
}
