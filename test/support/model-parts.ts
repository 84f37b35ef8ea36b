import { expect } from 'vitest';
import { present } from '../../src/errors.ts';
import { type Extract, extractModel } from '../../src/ir/extract.ts';
import { exportModel, importModel, type Model, withOutputs } from '../../src/ir/model.ts';
import { elementTypeOf, type Value } from '../../src/ir/value.ts';
import { inputSpecs } from '../../src/judge/inputs.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { float16ToFloat32 } from '../../src/numeric/float16.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import {
  createEngine,
  type Feeds,
  type HostTensor,
  isFloating,
  isTensorType,
  makeInputs,
  type Outputs,
  type RuntimeChild,
  run,
} from '../../src/runtime/index.ts';

/** A model as read from a file, its types known. */
export async function normalised(bytes: Uint8Array, child: RuntimeChild): Promise<Model> {
  const model = importModel(decodeModel(bytes));
  await normalise(model, createEngine(child));
  return model;
}

/** Random inputs of a model. */
export function inputsOf(model: Model, seed: number, batch = 2): Feeds {
  return makeInputs(inputSpecs(model.graph), { seed, batch, dims: new Map() });
}

/** The value of a name in a model's own graph. */
export function valueNamed({ graph }: Model, name: string): Value {
  return present(
    [...graph.values].find((value) => value.name === name),
    name,
  );
}

/** Whether the runtime gives a value out and takes it. */
export function canBeFed(value: Value): boolean {
  return isTensorType(elementTypeOf(value)) && value.type?.dims !== undefined;
}

/** A model and the tensors that its values hold for some inputs. */
export class Observed {
  readonly model: Model;
  readonly child: RuntimeChild;
  readonly #tensors: Outputs;

  private constructor(model: Model, child: RuntimeChild, tensors: Outputs) {
    this.model = model;
    this.child = child;
    this.#tensors = tensors;
  }

  static async of(model: Model, child: RuntimeChild, feeds: Feeds): Promise<Observed> {
    const made = [...model.graph.values].filter((value) => value.producer !== undefined && canBeFed(value));
    const names = made.map(({ name }) => name);
    const bytes = encodeModel(exportModel(withOutputs(model, names)));
    const outputs = await run(child, bytes, feeds, { outputs: names, optimization: 'disabled' });
    return new Observed(model, child, { ...feeds, ...outputs });
  }

  /** What a value of the model holds. */
  tensor(value: Value): HostTensor {
    return present(this.#tensors[value.name], `the tensor of ${value.name}`);
  }

  /** Cuts a part out, runs it, and expects it to make what the whole makes. */
  async expectPart(given: ReadonlySet<Value>, wanted: readonly Value[]): Promise<Extract> {
    const part = extractModel(this.model, given, wanted);
    for (const value of wanted) part.model.graph.addOutput(part.twinOf(value));
    const names = new Map(wanted.map((value) => [value, part.twinOf(value).name]));
    const feeds = Object.fromEntries(part.inputs.map((value) => [part.twinOf(value).name, this.tensor(value)]));
    const found = await run(this.child, encodeModel(exportModel(part.model)), feeds, { optimization: 'disabled' });
    for (const [value, name] of names) expectAlike(found[name], this.tensor(value), value.name);
    return part;
  }
}

/** Tensors alike but for the order in which the runtime sums, which depends on where numbers lie in memory. */
export function expectAlike(found: HostTensor | undefined, expected: HostTensor, name: string, tolerance = 1e-4): void {
  expect(found, name).toMatchObject({ type: expected.type, dims: expected.dims });
  if (expected.type === 'float16') expectClose(halves(found), halves(expected), name, 20 * tolerance);
  else if (!isFloating(expected.type) && !QUANTIZED.has(expected.type)) expect(found, name).toEqual(expected);
  else expectClose(numbers(found), numbers(expected), name, isFloating(expected.type) ? tolerance : 1);
}

/** Sums that lie between two integers may go to either. */
const QUANTIZED: ReadonlySet<string> = new Set(['int8', 'uint8']);

function numbers(tensor: HostTensor | undefined): number[] {
  return Array.from(tensor?.data ?? [], Number);
}

function halves(tensor: HostTensor | undefined): number[] {
  return tensor?.data instanceof Uint16Array ? [...float16ToFloat32(tensor.data)] : [];
}

function expectClose(found: readonly number[], expected: readonly number[], name: string, tolerance: number): void {
  const largest = expected.reduce((most, each) => Math.max(most, Number.isFinite(each) ? Math.abs(each) : 0), 1);
  found.forEach((each, i) => {
    const wanted = expected[i] ?? 0;
    if (Object.is(each, wanted)) return;
    if (!(Math.abs(each - wanted) <= tolerance * largest)) expect.fail(`${name}[${i}] is ${each}, expected ${wanted}`);
  });
}
