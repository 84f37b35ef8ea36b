import { OnnxPruneError } from '../errors.ts';
import type { Dim } from '../ir/value.ts';
import { copyMessage, DataType, type ModelProto } from '../onnx/messages.ts';
import { writeModelFile } from '../onnx/write.ts';
import { withWorkspace } from '../workspace.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { RuntimeCrash } from './child-errors.ts';
import { batchSymbols, makeInputs } from './inputs.ts';
import { modelInfo } from './model-info.ts';
import type { Trial } from './protocol.ts';
import { type Outputs, run } from './run.ts';
import { findRunnableInputs, otherSizes } from './runnable.ts';
import type { InputSpec } from './types.ts';

/**
 * Finds dims that shape inference cannot, by running the model on made-up inputs of several sizes: a
 * dim that stays the same is taken as fixed, one that follows the size of a named symbol goes by its name, and
 * others get a name of their own, the same for the same lengths.
 *
 * @param model with its data in the message
 * @param names values of the main graph that are tensors
 * @returns dims by name; empty where no three choices of sizes are found that the model runs with
 */
export async function observeShapes(
  child: RuntimeChild,
  model: ModelProto,
  names: readonly string[],
  options: RequestOptions = {},
): Promise<ReadonlyMap<string, readonly Dim[]>> {
  return withWorkspace(async (path) => {
    const file = path('observed.onnx');
    await writeModelFile(file, withShapeOutputs(model, names), { temporary: true });
    try {
      const info = await modelInfo(child, file, options);
      const constants = new Set((model.graph?.initializer ?? []).map((tensor) => tensor.name));
      const specs = info.inputs.filter((input) => !constants.has(input.name));
      const first = await findRunnableInputs(child, file, specs, { ...options, seed: 1, batch: 2 });
      const runAt = (sizes: Trial, seed: number): Promise<Outputs> =>
        run(child, file, makeInputs(specs, { ...sizes, seed }), { ...options, outputs: names.map(shapeName) });
      const trials = [{ outputs: await runAt(first, 1), sizes: symbolSizes(first, specs) }];
      for (const other of otherSizes(first, specs)) {
        if (trials.length === MOST_LOOKS) break;
        const outputs = await runAt(other, 1 + trials.length).catch((error: unknown) => refused(error, options));
        if (outputs !== undefined) trials.push({ outputs, sizes: symbolSizes(other, specs) });
      }
      // One other size proves little: rounding up to a window or a stride hides a small change.
      return trials.length < 3 ? new Map() : merge(names, trials);
    } catch (error) {
      refused(error, options);
      return new Map();
    }
  });
}

/** Looking is a service: where the model does not run on made-up inputs, or its shapes cannot be asked for, nothing is known. Giving up is passed on. */
function refused(error: unknown, options: RequestOptions): undefined {
  const isRefusal = error instanceof OnnxPruneError && error.code === 'runtime-refused';
  // A size that is too large for this machine kills the process; the next request starts another.
  if (options.signal?.aborted || (!isRefusal && !(error instanceof RuntimeCrash))) throw error;
  return undefined;
}

const shapeName = (name: string): string => `${name}/onnx-prune/shape`;

function withShapeOutputs(model: ModelProto, names: readonly string[]): ModelProto {
  const graph = copyMessage(model.graph ?? {});
  graph.node = [
    ...(graph.node ?? []),
    ...names.map((name) => ({ opType: 'Shape', input: [name], output: [shapeName(name)] })),
  ];
  const outputs = names.map((name) => ({ name: shapeName(name), type: { tensorType: { elemType: DataType.INT64 } } }));
  graph.output = [...(graph.output ?? []), ...outputs];
  return Object.assign(copyMessage(model), { graph });
}

/** Size of every symbol that has a name in the model's declarations. */
function symbolSizes({ batch, dims, samples = [] }: Trial, specs: readonly InputSpec[]): ReadonlyMap<string, number> {
  const named = new Set(specs.flatMap((spec) => spec.dims).filter((dim) => typeof dim === 'string' && dim !== ''));
  const counted = [...batchSymbols(specs), ...samples];
  const sizes = new Map([...dims, ...counted.map((symbol) => [symbol, batch] as const)]);
  return new Map([...sizes].filter(([symbol]) => named.has(symbol)));
}

/** Runs that are looked at. */
const MOST_LOOKS = 4;

/** One run: the lengths that came out, and the sizes that symbols had. */
interface Observation {
  readonly outputs: Outputs;
  readonly sizes: ReadonlyMap<string, number>;
}

function merge(names: readonly string[], runs: readonly Observation[]): ReadonlyMap<string, readonly Dim[]> {
  const merged = new Map<string, readonly Dim[]>();
  for (const name of names) {
    const seen = runs.map(({ outputs }) => lengthsIn(outputs, name));
    const [first] = seen;
    if (first === undefined || seen.some((lengths) => lengths?.length !== first.length)) continue;
    merged.set(
      name,
      first.map((length, i) => {
        const lengths = seen.map((each) => each?.[i]);
        return lengths.every((other) => other === length) ? length : symbolOfLengths(lengths, runs);
      }),
    );
  }
  return merged;
}

function lengthsIn(outputs: Outputs, name: string): number[] | undefined {
  const data = outputs[shapeName(name)]?.data;
  return data instanceof BigInt64Array ? Array.from(data, Number) : undefined;
}

/**
 * The symbol that had these sizes in these runs: the first of several that no run told apart. Lengths that go by none
 * (the sum of two, say) are given a name of their own, so that they are known to be the same wherever they stand.
 */
function symbolOfLengths(lengths: readonly (number | undefined)[], runs: readonly Observation[]): Dim {
  if (lengths.includes(undefined)) return undefined;
  const symbols = [...(runs[0]?.sizes.keys() ?? [])];
  const fitting = symbols.find((symbol) => runs.every(({ sizes }, i) => sizes.get(symbol) === lengths[i]));
  return fitting ?? `seen as ${lengths.join(', ')}`;
}
