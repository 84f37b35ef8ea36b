import { OnnxPruneError } from '../errors.ts';
import { encodeModel } from '../onnx/codec.ts';
import { AttributeType, DataType, type ModelProto } from '../onnx/messages.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { RuntimeTimeout } from './child-errors.ts';
import { modelInfo } from './model-info.ts';
import { unsupportedType } from './refusal.ts';
import { buildSkeleton, isOnnxDomain, type Skeleton, withOutputs } from './skeleton.ts';
import type { ModelInfo, TensorFact, ValueInfo } from './types.ts';

/** Sessions that may be tried to find out which values onnxruntime does not let out. */
const ATTEMPTS = 48;

/**
 * Asks onnxruntime for type and dims of every value of the main graph: inputs, initializers, and all node outputs.
 * Of values of unknown rank only the type is told; sequences, maps and optionals are absent, as is what only exists
 * inside subgraphs.
 *
 * How: onnxruntime's session tells the inferred type of every graph output, so every value is made one, in a model from
 * which the bulk of the weights has been taken out. Nothing is run, and no file is read.
 *
 * @throws OnnxPruneError `runtime-refused` with onnxruntime's own words where it does not accept the model
 */
export async function inferShapes(
  model: ModelProto,
  child: RuntimeChild,
  options: RequestOptions = {},
): Promise<ReadonlyMap<string, TensorFact>> {
  const oracle = new Oracle(child, options);
  const { skeleton, answers } = await oracle.survey(model);
  const facts = new Map(skeleton.facts);
  const doubtful: string[] = [];
  const own = new Set(skeleton.inputs);
  const take = (info: ValueInfo, declared: boolean): void => {
    if (!info.isTensor || skeleton.facts.has(info.name)) return;
    if (info.dims.length === 0 && !declared) doubtful.push(info.name);
    else facts.set(info.name, { type: info.type, dims: info.dims });
  };
  for (const input of answers[0]?.inputs ?? []) if (own.has(input.name)) take(input, true);
  const outputs = new Map(answers.flatMap((answer) => answer.outputs).map((info) => [info.name, info]));
  for (const info of outputs.values()) if (!own.has(info.name)) take(info, false);

  const scalars = await oracle.scalars(skeleton.model, doubtful);
  const scalar = new Set(scalars);
  for (const name of doubtful)
    facts.set(name, { type: outputs.get(name)?.type ?? '', ...(scalar.has(name) && { dims: [] }) });
  return facts;
}

/** Asks, and asks for less where onnxruntime does not answer. */
class Oracle {
  readonly #child: RuntimeChild;
  readonly #options: RequestOptions;
  #attempts = ATTEMPTS;

  constructor(child: RuntimeChild, options: RequestOptions) {
    this.#child = child;
    this.#options = options;
  }

  /** The skeleton that onnxruntime accepts, and what it says about as many of its values as can be had. */
  async survey(model: ModelProto): Promise<{ skeleton: Skeleton; answers: readonly ModelInfo[] }> {
    const lean = buildSkeleton(model);
    const whole = await this.#try(lean.model, lean.values);
    if (!(whole instanceof OnnxPruneError)) return { skeleton: lean, answers: [whole] };
    // Is it the values that do not want to be outputs, the weights that want to be constants, or the model itself?
    let skeleton = lean;
    let bare = await this.#try(skeleton.model, []);
    if (bare instanceof OnnxPruneError) {
      skeleton = buildSkeleton(model, true);
      bare = await this.#try(skeleton.model, []);
      if (bare instanceof OnnxPruneError) throw bare;
    }
    return { skeleton, answers: [bare, ...(await this.#bisect(skeleton.model, skeleton.values))] };
  }

  /**
   * Which of these values, reported without any axes, are scalars: onnxruntime reports an unknown rank likewise. The
   * size of
   * a value's Shape tells: 0 for a scalar, unknown for an unknown rank.
   */
  async scalars(model: ModelProto, names: readonly string[]): Promise<readonly string[]> {
    if (names.length === 0 || !model.opsetImport?.some((opset) => isOnnxDomain(opset.domain))) return [];
    const rankOf = new Map(names.map((name) => [`${name}/onnx-prune-rank`, name]));
    const nodes = [...rankOf].map(([rank, name]) => ({ opType: 'Shape', input: [name], output: [rank] }));
    const answer = await this.#try(model, [...rankOf.keys()], nodes);
    if (answer instanceof OnnxPruneError) return [];
    return answer.outputs.flatMap((info) => {
      const name = rankOf.get(info.name);
      return name !== undefined && info.dims[0] === 0 ? [name] : [];
    });
  }

  /** Values of some types (bfloat16, float8 …) cannot leave onnxruntime and spoil the answer for all others. */
  async #bisect(model: ModelProto, names: readonly string[]): Promise<ModelInfo[]> {
    if (names.length === 0 || this.#attempts <= 0) return [];
    const answer = await this.#try(model, names);
    if (!(answer instanceof OnnxPruneError)) return [answer];
    const [only] = names;
    if (names.length === 1 && only !== undefined) return this.#throughCast(model, only, answer);
    const middle = names.length >> 1;
    return [
      ...(await this.#bisect(model, names.slice(0, middle))),
      ...(await this.#bisect(model, names.slice(middle))),
    ];
  }

  /** The error named the type of a value that cannot leave; its dims leave with a Cast. */
  async #throughCast(model: ModelProto, name: string, error: OnnxPruneError): Promise<ModelInfo[]> {
    const type = unsupportedType(error.message);
    if (type === undefined) return [];
    const cast = `${name}/onnx-prune-cast`;
    const to = { name: 'to', type: AttributeType.INT, i: DataType.FLOAT };
    const nodes = [{ opType: 'Cast', input: [name], output: [cast], attribute: [to] }];
    const answer = await this.#try(model, [cast], nodes);
    if (answer instanceof OnnxPruneError) return [];
    const outputs = answer.outputs.flatMap((info) => (info.name === cast ? [{ ...info, name, type }] : []));
    return [{ inputs: [], outputs }];
  }

  async #try(
    model: ModelProto,
    names: readonly string[],
    nodes: Parameters<typeof withOutputs>[2] = [],
  ): Promise<ModelInfo | OnnxPruneError> {
    this.#attempts--;
    try {
      const bytes = encodeModel(withOutputs(model, names, nodes));
      return await modelInfo(this.#child, bytes, { ...this.#options, optimization: 'disabled' });
    } catch (error) {
      // Another try would take as long again; and an abort is no answer.
      if (!(error instanceof OnnxPruneError) || error instanceof RuntimeTimeout) throw error;
      return error;
    }
  }
}
