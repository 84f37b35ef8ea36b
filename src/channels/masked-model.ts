import { OnnxPruneError } from '../errors.ts';
import type { DataType } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { cloneModel, type Model } from '../ir/model.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import type { Cut } from './cut.ts';
import { emulateMixing } from './emulate.ts';

/**
 * The model with the units of a cut masked instead of removed: wherever an operator sums over an axis that loses
 * positions, its input is multiplied by a 0/1 vector first. It gives the outputs that the cut model must give, whatever
 * lies between, because nothing downstream reads what was multiplied by zero. Operators that take statistics over such an
 * axis take them over what stays.
 */
export function maskModel(model: Model, cut: Cut): Model {
  const clone = cloneModel(model);
  const masked = new Map<Graph, Map<Value, Map<number, Value>>>();
  for (const entry of cut.map.couplings) {
    const { node, coupling } = entry;
    if (emulateMixing(clone, entry, cut)) continue;
    for (const { input, dim } of coupling.contractions) {
      const value = node.inputs[input];
      const kept = value && cut.kept({ value, dim });
      if (value === undefined || kept === undefined) continue;
      const twin = clone.twinOfNode(node);
      // A body and what is around it do not see each other's products.
      const { graph } = twin;
      const inGraph = masked.get(graph) ?? new Map<Value, Map<number, Value>>();
      masked.set(graph, inGraph);
      const byDim = inGraph.get(value) ?? new Map<number, Value>();
      inGraph.set(value, byDim);
      // Masks of two summed axes of one input stack; a mask alone is shared by all who sum over that axis.
      const current = twin.inputs[input] ?? clone.twinOf(value);
      const alone = current === clone.twinOf(value);
      let product = alone ? byDim.get(dim) : undefined;
      if (product === undefined) {
        const mask = graph.addInitializer(`${value.name}_mask`, maskTensor(value, dim, kept));
        const name = graph.uniqueName(`${value.name}_masked`);
        product = graph.addNode({ opType: 'Mul', name, inputs: [current, mask] }, [name]).outputs[0];
        if (product === undefined) continue;
        if (value.type !== undefined) graph.setType(product, value.type);
        if (alone) byDim.set(dim, product);
      }
      graph.setInput(twin, input, product);
    }
  }
  return clone.model;
}

/** 1 at the positions that stay along `dim`, 0 elsewhere, shaped to broadcast over the value. */
function maskTensor(value: Value, dim: number, kept: readonly number[]): Tensor {
  const dims = dimsOf(value) ?? [];
  const length = Number(dims[dim]);
  const type = elementTypeOf(value);
  const one = ONES[type];
  if (one === undefined) {
    throw new OnnxPruneError(
      'unsupported',
      value.name,
      `Value "${value.name}" holds ${type}, which the proof cannot mask; exclude the layers that read it with --exclude.`,
    );
  }
  const bytes = new Uint8Array(length * one.length);
  for (const index of kept) bytes.set(one, index * one.length);
  return Tensor.of(type, [length, ...dims.slice(dim + 1).map(() => 1)], bytes);
}

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

/** The number one in each element type that Mul accepts. */
const ONES: Partial<Record<DataType, Uint8Array>> = {
  float32: bytesOf(Float32Array.of(1)),
  float64: bytesOf(Float64Array.of(1)),
  float16: bytesOf(Uint16Array.of(0x3c00)),
  bfloat16: bytesOf(Uint16Array.of(0x3f80)),
  int32: bytesOf(Int32Array.of(1)),
  int64: bytesOf(BigInt64Array.of(1n)),
  uint32: bytesOf(Uint32Array.of(1)),
  uint64: bytesOf(BigUint64Array.of(1n)),
};
