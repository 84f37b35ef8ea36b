import { basename } from 'node:path';
import * as ort from 'onnxruntime-node';
import { messageOf, OnnxPruneError } from '../errors.ts';
import { attend } from './attention.ts';
import { layoutOf } from './layout.ts';
import { subjectOf } from './model-info.ts';
import { refusal } from './refusal.ts';
import { type Runner, SegmentedRunner } from './segmented.ts';
import { checkTensor, elementCount, isFetchable, isTensorType } from './tensor.ts';
import type { Feeds, HostTensor, ModelInfo, ModelSource, SessionSettings, TensorData, ValueInfo } from './types.ts';

// Warnings about models (unused initializers and the like) are not ours to pass on; errors come as exceptions.
ort.env.logLevel = 'error';
const ERRORS_ONLY = 3;
/** What onnxruntime says of a sequence, map or optional that it is to hand to JavaScript. */
const NO_TENSOR = 'Non tensor type';

/** What a session writes about itself besides running. */
export interface SessionRecords {
  /** Where the graph that runs is saved, once it is optimised. */
  readonly optimizedTo?: string;
  /** Time every node, and write the times to a file whose path begins so. */
  readonly profileTo?: string;
}

/** An open model. */
export class Session {
  readonly subject: string;
  readonly info: ModelInfo;
  readonly #path: string | undefined;
  readonly #session: Runner;
  readonly #tensorOutputs: readonly string[];

  private constructor(subject: string, path: string | undefined, session: Runner) {
    this.subject = subject;
    this.#path = path;
    this.#session = session;
    this.info = { inputs: session.inputMetadata.map(valueInfo), outputs: session.outputMetadata.map(valueInfo) };
    // onnxruntime cannot hand sequences and maps to JavaScript, but runs when only tensors are asked for.
    this.#tensorOutputs = this.info.outputs.filter(isFetchable).map((output) => output.name);
  }

  /**
   * Loads a model.
   * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words.
   */
  static async open(source: ModelSource, settings: SessionSettings, records: SessionRecords = {}): Promise<Session> {
    const optionsWith = (more: Readonly<Record<string, string>>): ort.InferenceSession.SessionOptions => ({
      graphOptimizationLevel: settings.optimization ?? 'all',
      intraOpNumThreads: settings.threads ?? 1,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      executionProviders: ['cpu'],
      logSeverityLevel: ERRORS_ONLY,
      // A thread that spins while it waits makes the others slower wherever cores are shared.
      extra: {
        session: { intra_op: { allow_spinning: '0' }, ...besideTheGraph(records), ...dataIn(settings), ...more },
      },
      ...(records.optimizedTo === undefined ? {} : { optimizedModelFilePath: records.optimizedTo }),
      ...(records.profileTo === undefined ? {} : { enableProfiling: true, profileFilePrefix: records.profileTo }),
    });
    const subject = subjectOf(source);
    // Of bytes, whoever sent them knows a better name.
    const path = typeof source === 'string' ? source : undefined;
    attend(path);
    try {
      return new Session(subject, path, await runnerFor(source, optionsWith));
    } catch (error) {
      throw refusal(subject, 'refuses', error);
    }
  }

  /**
   * Picks and checks what this model needs of a batch.
   * @throws OnnxPruneError `bad-data` for a missing input, another element type or a size that differs from a fixed
   * one.
   */
  prepare(feeds: Feeds): Readonly<Record<string, ort.Tensor>> {
    return Object.fromEntries(this.info.inputs.map((input) => [input.name, ortTensor(input, feeds, this.subject)]));
  }

  /**
   * Runs prepared feeds and gives the tensor outputs, or those named.
   * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words, `bad-data` for an output that the model
   * lacks.
   */
  async run(
    feeds: Readonly<Record<string, ort.Tensor>>,
    outputs: readonly string[] = this.#tensorOutputs,
  ): Promise<Readonly<Record<string, HostTensor>>> {
    const missing = outputs.find((name) => !this.#tensorOutputs.includes(name));
    if (missing !== undefined) {
      throw new OnnxPruneError(
        'bad-data',
        missing,
        `${this.subject} has no tensor output "${missing}"; it has ${this.#tensorOutputs.join(', ')}.`,
      );
    }
    this.attend();
    const results = await this.runRaw(feeds, outputs);
    return Object.fromEntries(
      Object.entries(results).flatMap(([name, value]) =>
        value instanceof ort.Tensor ? [[name, hostTensor(value)]] : [],
      ),
    );
  }

  /** Says that this model is worked on: see `attend`. */
  attend(): void {
    attend(this.#path);
  }

  /** Runs without converting the outputs, nor saying so: for timing. */
  async runRaw(
    feeds: Readonly<Record<string, ort.Tensor>>,
    outputs: readonly string[] = this.#tensorOutputs,
  ): Promise<ort.InferenceSession.ReturnType> {
    try {
      // Asked for nothing, onnxruntime runs nothing.
      return await (outputs.length === 0 ? this.#session.run(feeds) : this.#session.run(feeds, outputs));
    } catch (error) {
      // It has run by then, and has no tensor to hand over.
      if (outputs.length === 0 && messageOf(error).includes(NO_TENSOR)) return {};
      throw refusal(this.subject, 'cannot run', error);
    }
  }

  /** Has the times of nodes written out, where the session takes them. */
  endProfiling(): void {
    this.#session.endProfiling();
  }

  /** Gives the memory back. */
  async release(): Promise<void> {
    await this.#session.release();
  }
}

/** Opens a model, uses it, and gives its memory back whatever happens. */
export async function withSession<T>(
  source: ModelSource,
  settings: SessionSettings,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.open(source, settings);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

/** A session for a file, for bytes, or for the parts of a model that lies in several files. */
function runnerFor(
  source: ModelSource,
  optionsWith: (more: Readonly<Record<string, string>>) => ort.InferenceSession.SessionOptions,
): Promise<Runner> {
  if (typeof source !== 'string') return ort.InferenceSession.create(source, optionsWith({}));
  const layout = layoutOf(source);
  if (layout === undefined) return ort.InferenceSession.create(source, optionsWith({}));
  // Weights that are packed for kernels are copies of those that are mapped from their files.
  const lean = optionsWith({ ...dataIn({ dataFolder: layout.dataRoot }), disable_prepacking: '1' });
  return SegmentedRunner.open(layout.segments, layout.outputs, (path, isReady) =>
    ort.InferenceSession.create(path, isReady ? lean : { ...lean, graphOptimizationLevel: 'disabled' }),
  );
}

/** Weights of the saved graph go to a file of their own: a single one cannot hold 2 GiB. */
function besideTheGraph({ optimizedTo }: SessionRecords): Readonly<Record<string, string>> {
  return optimizedTo === undefined
    ? {}
    : { optimized_model_external_initializers_file_name: `${basename(optimizedTo)}.data` };
}

function dataIn({ dataFolder }: SessionSettings): Readonly<Record<string, string>> {
  return dataFolder === undefined ? {} : { model_external_initializers_file_folder_path: dataFolder };
}

function valueInfo(meta: ort.InferenceSession.ValueMetadata): ValueInfo {
  if (!meta.isTensor) return { name: meta.name, isTensor: false, type: '', dims: [] };
  return {
    name: meta.name,
    isTensor: true,
    type: meta.type,
    dims: meta.shape.map((dim) => (dim === '' ? undefined : dim)),
  };
}

function ortTensor(input: ValueInfo, feeds: Feeds, subject: string): ort.Tensor {
  const { name } = input;
  const tensor = Object.hasOwn(feeds, name) ? feeds[name] : undefined;
  if (tensor === undefined) {
    const given = Object.keys(feeds).join(', ') || 'nothing';
    throw new OnnxPruneError('bad-data', name, `Input "${name}" of ${subject} got no data; the data holds ${given}.`);
  }
  checkTensor(name, tensor);
  const fits =
    input.type === tensor.type &&
    (input.dims.length === 0 ||
      (input.dims.length === tensor.dims.length &&
        input.dims.every((dim, axis) => typeof dim !== 'number' || dim === tensor.dims[axis])));
  if (!fits) {
    const expected = `${input.type} [${input.dims.map((dim) => dim ?? '?').join(', ')}]`;
    throw new OnnxPruneError(
      'bad-data',
      name,
      `Input "${name}" of ${subject} expects ${expected}, but the data is ${tensor.type} [${tensor.dims.join(', ')}].`,
    );
  }
  return construct(name, tensor);
}

function construct(name: string, { type, data, dims }: HostTensor): ort.Tensor {
  if (!isTensorType(type)) throw new OnnxPruneError('bad-data', name, `Tensor "${name}" has unknown type ${type}.`);
  // The constructor is overloaded by type; each pair of type and array is spelled out so that the compiler checks it.
  if (type === 'float32' && data instanceof Float32Array) return new ort.Tensor(type, data, dims);
  if (type === 'float64' && data instanceof Float64Array) return new ort.Tensor(type, data, dims);
  if (type === 'float16' && data instanceof Uint16Array) return new ort.Tensor(type, data, dims);
  if (type === 'int8' && data instanceof Int8Array) return new ort.Tensor(type, data, dims);
  if (type === 'uint8' && data instanceof Uint8Array) return new ort.Tensor(type, data, dims);
  if (type === 'int16' && data instanceof Int16Array) return new ort.Tensor(type, data, dims);
  if (type === 'uint16' && data instanceof Uint16Array) return new ort.Tensor(type, data, dims);
  if (type === 'int32' && data instanceof Int32Array) return new ort.Tensor(type, data, dims);
  if (type === 'uint32' && data instanceof Uint32Array) return new ort.Tensor(type, data, dims);
  if (type === 'int64' && data instanceof BigInt64Array) return new ort.Tensor(type, data, dims);
  if (type === 'uint64' && data instanceof BigUint64Array) return new ort.Tensor(type, data, dims);
  if (type === 'bool' && data instanceof Uint8Array) return new ort.Tensor(type, data, dims);
  if (type === 'string' && Array.isArray(data)) return new ort.Tensor(type, data, dims);
  throw new OnnxPruneError('bad-data', name, `Tensor "${name}" is ${type} but its data is a ${data.constructor.name}.`);
}

function hostTensor(tensor: ort.Tensor): HostTensor {
  return { type: tensor.type, dims: [...tensor.dims], data: plainData(tensor) };
}

function plainData(tensor: ort.Tensor): TensorData {
  const { data } = tensor;
  // Newer versions of Node give float16 as Float16Array; the bits are what we pass on.
  if (tensor.type === 'float16' && ArrayBuffer.isView(data)) {
    return new Uint16Array(data.buffer, data.byteOffset, elementCount(tensor.dims));
  }
  return data;
}
