import { present } from '../../../src/errors.ts';
import { cloneModel, exportModel, importModel, type Model } from '../../../src/ir/model.ts';
import { labelOf, nodesIn } from '../../../src/ir/node.ts';
import { decodeModel, encodeModel } from '../../../src/onnx/codec.ts';
import { readModelFile } from '../../../src/onnx/read.ts';
import type { Int8Wishes } from '../../../src/options/int8-options.ts';
import { type FusionReport, fusionOf } from '../../../src/quantize/fusion.ts';
import { quantizeModel } from '../../../src/quantize-model.ts';
import type { QuantizeReport } from '../../../src/quantize-report.ts';
import { type Feeds, optimizeModel } from '../../../src/runtime/index.ts';
import { Stopwatch } from '../../../src/stopwatch.ts';
import { Workshop } from '../../recover/calibrated.ts';
import { scratch } from '../../runtime/models.ts';
import type { ModelBuilder } from '../../support/build.ts';
import { inputsOf, normalised } from '../../support/model-parts.ts';

/** How a net is quantized: on 4 batches of 2 random samples, as static integers, where nothing else is said. */
export interface Wishes extends Partial<Int8Wishes> {
  readonly data?: readonly Feeds[];
}

/** A net before and after. */
export interface Quantized {
  /** With types known, before anything else happened. */
  readonly dense: Model;
  readonly model: Model;
  readonly bytes: Uint8Array;
  readonly data: readonly Feeds[];
  readonly report: QuantizeReport;
}

/** A quantized net in the runtime. */
export interface Fused extends Quantized {
  readonly optimised: Model;
  readonly fusion: FusionReport;
}

const WISHES: Int8Wishes = {
  mode: 'static',
  ranges: 'minmax',
  rounding: 'nearest',
  bits: 8,
  portable: false,
  equalize: false,
  float: [],
};

/** Quantizes nets on data, with a runtime of the test file's own. */
export class Quantizer {
  readonly #workshop = Workshop.open();
  readonly #write = scratch();
  #files = 0;

  get child(): Workshop['child'] {
    return this.#workshop.child;
  }

  async quantize(net: ModelBuilder | Uint8Array, { data: given, ...wishes }: Wishes = {}): Promise<Quantized> {
    const model = await normalised(net instanceof Uint8Array ? net : net.bytes(), this.child);
    const dense = cloneModel(model).model;
    const data = given ?? Array.from({ length: 4 }, (_, seed) => inputsOf(model, seed));
    const stages = await this.#workshop.stages(data);
    try {
      const tools = { clock: new Stopwatch(), stages: async () => stages, lineage: undefined };
      const report = await quantizeModel(
        model,
        { ...WISHES, ...wishes },
        { exclude: [], layers: [], again: false },
        tools,
      );
      return { dense, model, bytes: encodeModel(exportModel(model)), data, report };
    } finally {
      await stages.close();
    }
  }

  /** Quantizes, and has the runtime make of it what it will. */
  async fuse(net: ModelBuilder | Uint8Array, wishes: Wishes = {}): Promise<Fused> {
    const quantized = await this.quantize(net, wishes);
    const target = this.#write(`optimised-${this.#files++}.onnx`, '');
    await optimizeModel(this.child, quantized.bytes, target);
    const { model, directory } = await readModelFile(target);
    const optimised = importModel(model, directory);
    const left = new Map(quantized.report.floats.map(({ node, reason }) => [node, reason]));
    return {
      ...quantized,
      optimised,
      fusion: fusionOf({ model: importModel(decodeModel(quantized.bytes)).graph, optimised: optimised.graph, left }),
    };
  }
}

/** How often each operator is in a model, but for those that only arrange elements for kernels. */
export function operatorCounts({ graph }: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { opType } of nodesIn(graph)) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
}

/** Labels of the nodes of a model that have an operator. */
export function labelsOf({ graph }: Model, opType: string): string[] {
  return nodesIn(graph).flatMap((node) => (node.opType === opType ? [labelOf(node)] : []));
}

/** The step between two numbers that the first output of a quantized model can be. */
export function outputScale({ graph }: Model): number {
  const [output] = graph.outputs;
  const scale = output?.producer?.opType === 'DequantizeLinear' ? output.producer.inputs[1] : undefined;
  return present(scale?.tensor?.floats()[0], 'the scale of the output');
}
