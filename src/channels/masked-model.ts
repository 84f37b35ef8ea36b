import { OnnxPruneError } from '../errors.ts';
import { append } from '../ir/append.ts';
import { intAttribute } from '../ir/attributes.ts';
import { bitsOf, type DataType, dataTypeNumber } from '../ir/data-type.ts';
import type { Graph, NodeSpec } from '../ir/graph.ts';
import { cloneModel, type Model } from '../ir/model.ts';
import { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import type { Cut } from './cut.ts';
import { emulateMixing } from './emulate.ts';

/** An input masked along one axis, for all who sum over that axis and read the same zero. */
interface Masked {
  readonly dim: number;
  readonly zero: Value | undefined;
  readonly by: Value;
}

/**
 * The model with the units of a cut masked instead of removed: wherever an operator sums over an axis that loses
 * positions, its input is made zero there first. It gives the outputs that the cut model must give, whatever lies
 * between, because nothing downstream reads what was made zero. Operators that take statistics over such an axis take them
 * over what stays.
 */
export function maskModel(model: Model, cut: Cut): Model {
  const clone = cloneModel(model);
  const masked = new Map<Graph, Map<Value, Masked[]>>();
  for (const entry of cut.map.couplings) {
    const { node, coupling } = entry;
    if (emulateMixing(clone, entry, cut)) continue;
    for (const { input, dim, zero: zeroInput } of coupling.contractions) {
      const value = node.inputs[input];
      const kept = value && cut.kept({ value, dim });
      if (value === undefined || kept === undefined) continue;
      const twin = clone.twinOfNode(node);
      // A body and what is around it do not see each other's products.
      const { graph } = twin;
      const inGraph = masked.get(graph) ?? new Map<Value, Masked[]>();
      masked.set(graph, inGraph);
      const zero = zeroInput === undefined ? undefined : twin.inputs[zeroInput];
      const known = inGraph.get(value) ?? [];
      inGraph.set(value, known);
      // Masks of two summed axes of one input stack; a mask alone is shared by all who sum over that axis.
      const current = twin.inputs[input] ?? clone.twinOf(value);
      const alone = current === clone.twinOf(value);
      let by = alone ? known.find((each) => each.dim === dim && each.zero === zero)?.by : undefined;
      if (by === undefined) {
        by = maskValue(graph, current, value, { dim, kept, zero });
        if (alone) known.push({ dim, zero, by });
      }
      graph.setInput(twin, input, by);
    }
  }
  return clone.model;
}

/**
 * What masks a value: the axis, what stays along it, and what zero is there, the number itself where it is not said.
 */
interface Mask {
  readonly dim: number;
  readonly kept: readonly number[];
  readonly zero: Value | undefined;
}

/**
 * Adds what makes `current` zero at the positions that leave along an axis. Numbers are chosen or replaced, since nothing that is
 * multiplied makes infinity zero; those that the runtime chooses none of are multiplied by 0 or 1. Narrow integers, which no Mul
 * takes and whose zero may be any of them, are chosen in the width that Where takes.
 *
 * @param value the model's own value, whose twin, masked along other axes perhaps, is `current`
 */
function maskValue(graph: Graph, current: Value, value: Value, { dim, kept, zero }: Mask): Value {
  const type = elementTypeOf(value);
  const step = (spec: NodeSpec): Value => append(graph, `${value.name}_masked`, spec);
  const constant = (suffix: string, tensor: Tensor): Value => graph.addInitializer(`${value.name}_${suffix}`, tensor);
  const cast = (from: Value, to: DataType): Value =>
    step({ opType: 'Cast', inputs: [from], attributes: [intAttribute('to', dataTypeNumber(to))] });
  let masked: Value;
  if (NARROW_INTEGERS.has(type)) {
    const mask = constant('mask', maskTensor(value, { dim, kept }, 'bool', Uint8Array.of(1)));
    const none = zero === undefined ? constant('zero', Tensor.of('int32', [], new Uint8Array(4))) : cast(zero, 'int32');
    masked = cast(step({ opType: 'Where', inputs: [mask, cast(current, 'int32'), none] }), type);
  } else if (CHOSEN.has(type) && (graph.scope.opsets.get('') ?? 0) >= CHOSEN_SINCE) {
    const mask = constant('mask', maskTensor(value, { dim, kept }, 'bool', Uint8Array.of(1)));
    const none = constant('zero', Tensor.of(type, [], new Uint8Array(bitsOf(type) / 8)));
    masked = step({ opType: 'Where', inputs: [mask, current, none] });
  } else {
    const mask = constant('mask', maskTensor(value, { dim, kept }, type, oneOf(value)));
    masked = step({ opType: 'Mul', inputs: [current, mask] });
  }
  if (value.type !== undefined) graph.setType(masked, value.type);
  return masked;
}

/** What the runtime's Where takes, and since which operator set ONNX has it. */
const CHOSEN: ReadonlySet<DataType> = new Set(['float32', 'float64']);
const CHOSEN_SINCE = 9;

/** Integers that quantizers write; each fits into int32. */
const NARROW_INTEGERS: ReadonlySet<DataType> = new Set(['int8', 'uint8', 'int16', 'uint16']);

/** One at the positions that stay along `dim`, 0 elsewhere, shaped to broadcast over the value. */
function maskTensor(value: Value, { dim, kept }: Omit<Mask, 'zero'>, type: DataType, one: Uint8Array): Tensor {
  const dims = dimsOf(value) ?? [];
  const length = Number(dims[dim]);
  const bytes = new Uint8Array(length * one.length);
  for (const index of kept) bytes.set(one, index * one.length);
  return Tensor.of(type, [length, ...dims.slice(dim + 1).map(() => 1)], bytes);
}

/** The number one as an element of a value. @throws OnnxPruneError `unsupported` where there is none */
function oneOf(value: Value): Uint8Array {
  const type = elementTypeOf(value);
  const one = ONES[type];
  if (one !== undefined) return one;
  throw new OnnxPruneError(
    'unsupported',
    value.name,
    `Value "${value.name}" holds ${type}, which the proof cannot mask; exclude the layers that read it with --exclude.`,
  );
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
