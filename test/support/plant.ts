import { expect } from 'vitest';
import { cloneModel, exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { graphsIn, initializersIn } from '../../src/ir/node.ts';
import type { Value } from '../../src/ir/value.ts';
import { inputSpecs } from '../../src/judge/inputs.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { floatBytes, isFloatType } from '../../src/numeric/float-bytes.ts';
import { type Floats, stridesOf } from '../../src/numeric/slices.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import {
  createEngine,
  makeInputs,
  modelInfo,
  type OutputProof,
  prove,
  type RuntimeChild,
} from '../../src/runtime/index.ts';
import {
  type RemoveRedundantOptions,
  type RemoveRedundantReport,
  removeRedundant,
} from '../../src/transforms/remove-redundant.ts';
import type { ModelBuilder } from './build.ts';

/** A model whose weights are changed slice by slice, to plant channels that are there for nothing. */
export class Planted {
  readonly model: Model;
  readonly #child: RuntimeChild;

  private constructor(model: Model, child: RuntimeChild) {
    this.model = model;
    this.#child = child;
  }

  /** Reads and normalises what was built. */
  static async in(builder: ModelBuilder | Uint8Array, child: RuntimeChild): Promise<Planted> {
    const model = importModel(decodeModel(builder instanceof Uint8Array ? builder : builder.bytes()));
    await normalise(model, createEngine(child));
    return new Planted(model, child);
  }

  value(name: string): Value {
    const value = initializersIn(this.model.graph).find((each) => each.name === name);
    if (value === undefined) throw new Error(`no initializer "${name}"`);
    return value;
  }

  /** Changes the elements of slice `index` along an axis: each gets what `change` makes of the one at the same place of slice `of`. */
  slice(name: string, axis: number, index: number, change: (element: number) => number, of: number = index): this {
    const value = this.value(name);
    const { tensor } = value;
    if (tensor === undefined || !isFloatType(tensor.type)) throw new Error(`"${name}" holds no floats`);
    const data: Floats = tensor.floats().slice();
    const { outer, size, inner } = stridesOf(tensor.dims, axis);
    for (let block = 0; block < outer; block++) {
      for (let k = 0; k < inner; k++)
        data[(block * size + index) * inner + k] = change(data[(block * size + of) * inner + k] as number);
    }
    const graph = graphsIn(this.model.graph).find((each) => each.owns(value));
    graph?.setTensor(value, tensor.withData(tensor.dims, floatBytes(tensor.type, data)));
    return this;
  }

  /** Makes a slice zero. */
  zero(name: string, axis: number, index: number): this {
    return this.slice(name, axis, index, () => 0);
  }

  /** Makes a slice a multiple of another. */
  multiple(name: string, axis: number, index: number, of: number, factor: number): this {
    return this.slice(name, axis, index, (element) => element * factor, of);
  }

  /** Removes what is there for nothing, and proves with onnxruntime that the outputs stay what they were. */
  async clean(options: Partial<RemoveRedundantOptions> = {}): Promise<{
    report: RemoveRedundantReport;
    /** What left, as `name index reason`, sorted. */
    found: readonly string[];
    outputs: readonly OutputProof[];
  }> {
    const before = encodeModel(exportModel(cloneModel(this.model).model));
    const engine = createEngine(this.#child);
    const { report } = await removeRedundant(this.model, engine, {
      exclude: [],
      only: [],
      layers: [],
      reference: true,
      ...options,
    });
    const after = encodeModel(exportModel(this.model));
    const specs = inputSpecs(this.model.graph);
    const feeds = [1, 2, 3].map((seed) => makeInputs(specs, { seed, batch: 2, dims: new Map() }));
    await modelInfo(this.#child, after);
    const proof = await prove(this.#child, before, after, feeds);
    expect(proof, 'outputs stay').toMatchObject({ passed: true });
    const found = report.groups.flatMap(({ name, removed }) =>
      removed.map(
        ({ index, reason, of, in: other }) =>
          `${name} ${index} ${reason}${of === undefined ? '' : ` of ${of}`}${other === undefined ? '' : ` in ${other}`}`,
      ),
    );
    return { report, found: found.sort(), outputs: proof.outputs };
  }
}
