import { type ChangedPart, changedPart } from './ir/changed-part.ts';
import { extractModel } from './ir/extract.ts';
import type { Model } from './ir/model.ts';
import { inputSpecs, judgeInputs } from './judge/inputs.ts';
import type { JudgeTools, RunResult } from './judge-run.ts';
import type { ModelFiles } from './model-files.ts';
import { once } from './once.ts';
import type { InputSpec } from './runtime/index.ts';

/** The parts in which two models differ, as models of their own. */
export interface ChangedModels {
  /** Their paths. */
  readonly before: string;
  readonly after: string;
  /** What both read. */
  readonly specs: readonly InputSpec[];
  readonly part: ChangedPart;
}

/**
 * Writes the parts in which two models differ.
 * @param name what the files are called, so that several can stand beside one another
 * @returns undefined where they cannot be told apart from the rest; see `changedPart`
 */
export async function writeChanged(
  files: ModelFiles,
  name: string,
  before: Model,
  after: Model,
): Promise<ChangedModels | undefined> {
  const part = changedPart(before, after);
  if (part === undefined) return undefined;
  const [first, second] = [cutOut(before, part), cutOut(after, part)];
  return {
    before: await files.write(`${name}-before.onnx`, first),
    after: await files.write(`${name}-after.onnx`, second),
    specs: inputSpecs(first.graph),
    part,
  };
}

function cutOut(model: Model, { given, wanted }: ChangedPart): Model {
  const [from, to] = [new Set(given), new Set(wanted)];
  const values = [...model.graph.values];
  const outputs = values.filter(({ name }) => to.has(name));
  const inputs = new Set(values.filter(({ name, tensor }) => tensor === undefined && from.has(name)));
  const part = extractModel(model, inputs, outputs);
  for (const value of outputs) part.model.graph.addOutput(part.twinOf(value));
  return part.model;
}

/**
 * A run that is judged by the part of the model that changed, on random inputs of its own; by the whole where there is no such part.
 * @param before the model as it was before anything changed
 */
export function judgedByPart(run: RunResult, before: Model, files: ModelFiles, tools: JudgeTools): RunResult {
  const changed = once(() => writeChanged(files, 'changed', before, run.model));
  const { child, request, options } = tools;
  return {
    ...run,
    original: async () => (await changed())?.before ?? run.original(),
    result: async () => (await changed())?.after ?? run.result(),
    inputs: async () => {
      const part = await changed();
      if (part === undefined) return run.inputs();
      const asked = { ...request, seed: options.seed, few: true, ofPart: true };
      return judgeInputs(child, part.before, part.specs, undefined, asked);
    },
  };
}
