import { basename, join } from 'node:path';
import { OnnxPruneError } from './errors.ts';
import { checkGraph } from './ir/check.ts';
import type { Engine } from './ir/facts.ts';
import { cloneModel, importModel, type Model } from './ir/model.ts';
import { nodesIn } from './ir/node.ts';
import { Tensor } from './ir/tensor.ts';
import { TensorStore } from './ir/tensor-store.ts';
import { normalise } from './normalise/normalise.ts';
import { tally } from './numeric/tally.ts';
import { tensorsOf } from './onnx/all-tensors.ts';
import { externalLocation } from './onnx/external-data.ts';
import type { ModelProto } from './onnx/messages.ts';
import { type ModelFile, readModelFile } from './onnx/read.ts';
import { holdsSparse } from './onnx/sparse.ts';
import { hasRule } from './ops/rules.ts';
import { RuntimeCrash, RuntimeTimeout } from './runtime/index.ts';

/** A model read from a file and brought into the form that rules read. */
export interface LoadedModel {
  readonly path: string;
  readonly model: Model;
  /** Bytes of the .onnx file on the disk. */
  readonly bytes: number;
  /** Bytes of the model in it: the same, unless the file is compressed. */
  readonly modelBytes: number;
  /** Whether the file keeps tensors as sparse initializers. */
  readonly sparse: boolean;
  /** The other files that it keeps weights in. */
  readonly dataFiles: readonly string[];
  readonly nodesInFile: number;
  /** Whether tidying up folded or rewired anything. */
  readonly rewired: boolean;
  /** The model before it was tidied up, where its weights stay in files; undefined where they may be in memory. */
  readonly asRead: Model | undefined;
  /** Bytes of all tensors in the file and in those beside it. */
  readonly weightBytes: number;
}

/** How much of a model may be in memory, and where the rest goes. */
export interface WeightRoom {
  /** Bytes of weights; a model with more of them has all its large tensors in files. */
  readonly memory: number;
  /** A file of the run's own for tensors that change. */
  readonly scratch: string;
}

/**
 * Reads a model and normalises it.
 * @param room where it is left out, what the model's own files do not hold beside it is in memory
 * @throws OnnxPruneError `bad-file`, `bad-model` as reading and importing do, `runtime-refused` where onnxruntime does not accept it
 */
export async function loadModel(path: string, engine: Engine, room?: WeightRoom): Promise<LoadedModel> {
  const file = await readModelFile(path, room);
  return about(path, () => prepare(path, file, engine, room));
}

async function prepare(
  path: string,
  { model: proto, directory, bytes, modelBytes }: ModelFile,
  engine: Engine,
  room: WeightRoom | undefined,
): Promise<LoadedModel> {
  const sparse = holdsSparse(proto);
  const bytesOfWeights = weightBytes(proto);
  const isStored = room !== undefined && bytesOfWeights > room.memory;
  const model = importModel(proto, directory, isStored ? new TensorStore(room.scratch) : undefined);
  checkGraph(model.graph);
  if (model.graph.outputs.length === 0) {
    throw new OnnxPruneError(
      'bad-model',
      path,
      `${basename(path)} has no outputs, so nothing in it can matter; export the model again.`,
    );
  }
  if (model.graph.outputs.some(({ name }) => name === '__proto__')) {
    throw new OnnxPruneError(
      'unsupported',
      '__proto__',
      'An output of the model is called "__proto__", which onnxruntime cannot hand to JavaScript; export the model with another name for it.',
    );
  }
  const locations = [...tensorsOf(proto)].flatMap((tensor) => externalLocation(tensor)?.location ?? []);
  const dataFiles = [...new Set(locations)].map((location) => join(directory, location));
  const nodesInFile = nodesIn(model.graph).length;
  const asRead = isStored ? cloneModel(model).model : undefined;
  const rewired = await normalise(model, isStored ? unobserved(engine) : engine);
  if (asRead !== undefined) takeTypes(asRead, model);
  return {
    path,
    model,
    bytes,
    modelBytes,
    sparse,
    dataFiles,
    nodesInFile,
    rewired,
    asRead,
    weightBytes: bytesOfWeights,
  };
}

function weightBytes(proto: ModelProto): number {
  let bytes = 0;
  for (const tensor of tensorsOf(proto)) bytes += new Tensor(tensor).byteLength;
  return bytes;
}

/** Seeing lengths by running the whole model would take it into memory; what is not known without stays whole. */
function unobserved(engine: Engine): Engine {
  return {
    inferShapes: (model) => engine.inferShapes(model),
    evaluate: (model) => engine.evaluate(model),
    observeShapes: () => Promise.resolve(new Map()),
  };
}

/** Takes over what was found out of values that are still there. */
function takeTypes({ graph }: Model, { graph: tidied }: Model): void {
  const types = new Map([...tidied.values].map(({ name, type }) => [name, type]));
  for (const value of graph.values) {
    const type = types.get(value.name);
    if (type !== undefined && value.tensor === undefined) graph.setType(value, type);
  }
}

/** Names the file in what goes wrong with a model, since its parts do not know which file they are of. */
async function about<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OnnxPruneError) || error.code === 'internal') throw error;
    const told = error.message.includes(basename(path)) ? error.message : `${path}: ${error.message}`;
    const message =
      error.code === 'runtime-refused' && !(error instanceof RuntimeTimeout) && !(error instanceof RuntimeCrash)
        ? `${told.replace(/\.$/, '')}; only models that onnxruntime accepts can be pruned, so export it again for this version of it.`
        : told;
    throw new OnnxPruneError(error.code, error.subject, message, error);
  }
}

/** The newest operator set of ONNX's own domain that a model imports. */
export function opsetOf({ graph }: Model): number {
  return graph.scope.opsets.get('') ?? 0;
}

/** The program that wrote a model, as its file says. */
export function producerOf({ proto }: Model): string {
  return [proto.producerName, proto.producerVersion].filter((part) => part).join(' ');
}

/** Operators that no rule knows, with the number of nodes. */
export function unknownOperators({ graph }: Model): Record<string, number> {
  const unknown = nodesIn(graph).filter((node) => !hasRule(node));
  return tally(unknown.map(({ domain, opType }) => (domain === '' ? opType : `${domain}.${opType}`)));
}
