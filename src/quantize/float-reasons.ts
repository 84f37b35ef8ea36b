import { int } from '../ir/attributes.ts';
import { labelOf, type Node } from '../ir/node.ts';
import type { Tensor } from '../ir/tensor.ts';
import { dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import { cutsOff, type RuntimeForm, runtimeForm } from './runtime-forms.ts';

/** How far the scale of a bias may be from what it has to be, relatively, before onnxruntime leaves the node in float. */
const BIAS_TOLERANCE = 0.01;
/** Limits that a quantizer keeps but for rounding. */
const LIMIT_TOLERANCE = 1e-3;

/** The DequantizeLinear node that a value comes from. */
export function dequantizerOf(value: Value | undefined): Node | undefined {
  return value?.producer?.opType === 'DequantizeLinear' ? value.producer : undefined;
}

/** Whether a value is constant, as real numbers or as integers with a scale. */
export function isConstant(value: Value): boolean {
  return value.tensor !== undefined || dequantizerOf(value)?.inputs[0]?.tensor !== undefined;
}

/**
 * Why onnxruntime leaves a node in float that stands among quantizers: the first of its conditions for taking the node up
 * into an integer kernel that the graph does not meet.
 */
export function whyFloat(node: Node): string {
  const form = runtimeForm(node);
  if (typeof form === 'string') return form;
  return (
    operandsUnfit(node, form) ??
    outputUnfit(node, form) ??
    biasUnfit(node, form) ??
    particularOf(node, form) ??
    'onnxruntime did not fuse it'
  );
}

function particularOf(node: Node, form: RuntimeForm): string | undefined {
  const [first] = node.inputs;
  if (form.output === 'same' && !keepsScale(node, form))
    return 'its output has another scale or zero point than its input, so that integers cannot just be moved';
  if (node.opType === 'MatMul' && first !== undefined && isConstant(first))
    return 'its constant is the first operand, where the integer kernel takes it as the second';
  const loose = node.outputs.slice(1).find((output) => output !== undefined && !isQuantized(output, node));
  return loose && `there is no quantizer behind its output "${loose.name}"`;
}

function isQuantized(value: Value, node: Node): boolean {
  const { quantizers, others, given } = readersOf(value, node);
  return quantizers.length > 0 && others.length === 0 && given === undefined;
}

function operandsUnfit(node: Node, { inputs, weight }: RuntimeForm): string | undefined {
  const types = new Set<string>();
  for (const index of inputs) {
    const value = node.inputs[index];
    if (value === undefined) continue;
    const integers = dequantizerOf(value)?.inputs[0];
    if (integers === undefined)
      return `${value.tensor === undefined ? 'what it reads' : 'its constant'}, "${value.name}", is not quantized`;
    if (index !== weight?.input) types.add(integersTypeOf(integers));
  }
  if (types.size > 1) return `its operands are integers of different types: ${[...types].join(' and ')}`;
  const along = weight && scaleAxis(node.inputs[weight.input]);
  if (weight !== undefined && along !== undefined && along !== weight.axis)
    return `its weight has scales along axis ${along}, where the kernel reads them along axis ${weight.axis}`;
  return undefined;
}

/** The element type of integers, which their zero point has where nobody declared it. */
function integersTypeOf(integers: Value): string {
  const declared = elementTypeOf(integers);
  const zeroPoint = integers.producer?.opType === 'QuantizeLinear' ? integers.producer.inputs[2] : undefined;
  if (declared !== 'undefined') return declared;
  return zeroPoint === undefined ? 'uint8' : elementTypeOf(zeroPoint);
}

/** The axis along which a dequantized constant has several scales. */
function scaleAxis(value: Value | undefined): number | undefined {
  const dequantizer = dequantizerOf(value);
  const [integers, scale] = dequantizer?.inputs ?? [];
  if (dequantizer === undefined || integers === undefined || (scale?.tensor?.size ?? 1) === 1) return undefined;
  const axis = int(dequantizer, 'axis', 1);
  return axis < 0 ? axis + (dimsOf(integers)?.length ?? 0) : axis;
}

function outputUnfit(node: Node, { output }: RuntimeForm): string | undefined {
  let last = node;
  for (;;) {
    const out = last.outputs[0];
    if (out === undefined) return undefined;
    const { quantizers, others, given } = readersOf(out, node);
    const [quantizer] = quantizers;
    const [other] = others;
    if (quantizer !== undefined) {
      if (given !== undefined) return `its output is quantized, but ${given} besides`;
      if (other !== undefined) return `its output is quantized, but read in float by "${labelOf(other)}" besides`;
      if (quantizers.length > 1) return `${quantizers.length} quantizers read its output, where one has to serve all`;
      return last === node ? undefined : beyondLimits(last, quantizer);
    }
    if (given === undefined && other !== undefined && others.length === 1 && cutsOff(other) !== undefined) {
      last = other;
      continue;
    }
    if (output === 'may') return undefined;
    const reader = other === undefined ? given : `"${labelOf(other)}" reads it in float`;
    return `there is no quantizer behind its output${reader === undefined ? '' : `: ${reader}`}`;
  }
}

interface Readers {
  readonly quantizers: readonly Node[];
  readonly others: readonly Node[];
  /** That the model gives the value out, in words. */
  readonly given: string | undefined;
}

function readersOf(value: Value, { graph }: Node): Readers {
  const readers = [...value.uses];
  return {
    quantizers: readers.filter(({ opType }) => opType === 'QuantizeLinear'),
    others: readers.filter(({ opType }) => opType !== 'QuantizeLinear'),
    given: graph.isOutput(value) ? `the model gives "${value.name}" out in float` : undefined,
  };
}

/** An activation that cuts off vanishes where the quantizer behind it cannot hold more than it lets through. */
function beyondLimits(activation: Node, quantizer: Node): string | undefined {
  const limits = cutsOff(activation);
  const [scale] = numbersOf(quantizer.inputs[1]) ?? [];
  const type = quantizer.inputs[2] === undefined ? 'uint8' : elementTypeOf(quantizer.inputs[2]);
  if (limits === undefined || scale === undefined || (type !== 'uint8' && type !== 'int8')) return undefined;
  const [zeroPoint = 0] = quantizer.inputs[2]?.tensor?.integers() ?? [];
  const lowest = type === 'uint8' ? 0 : -128;
  const [least, most] = [lowest, lowest + 255].map((integer) => (integer - zeroPoint) * scale);
  const slack = LIMIT_TOLERANCE * 255 * scale;
  if ((least ?? 0) >= limits.least - slack && (most ?? 0) <= limits.most + slack) return undefined;
  return `the quantizer behind "${labelOf(activation)}" holds numbers that ${activation.opType} cuts off, so that it cannot stand for it`;
}

function biasUnfit(node: Node, form: RuntimeForm): string | undefined {
  const { inputs, weight, output } = form;
  const { value, adder } = biasOf(node, form);
  const out = adder.outputs[0];
  if (value === undefined || out === undefined) return undefined;
  const integers = dequantizerOf(value);
  if (integers === undefined)
    return output === 'may' && readersOf(out, node).quantizers.length === 0
      ? `its bias, "${value.name}", is not quantized, and neither is its output`
      : undefined;
  const factors = inputs.map((index) => dequantizerOf(node.inputs[index]));
  const scales = factors.flatMap((factor) => (factor === undefined ? [] : [numbersOf(factor.inputs[1]) ?? []]));
  const found = numbersOf(integers.inputs[1]);
  if (weight === undefined || found === undefined || scales.some(({ length }) => length === 0)) return undefined;
  const at = (numbers: ArrayLike<number>, index: number): number => numbers[numbers.length === 1 ? 0 : index] ?? 0;
  const length = Math.max(found.length, ...scales.map((numbers) => numbers.length));
  for (let channel = 0; channel < length; channel++) {
    const needed = scales.reduce((product, numbers) => product * at(numbers, channel), 1);
    if (Math.abs(at(found, channel) - needed) > BIAS_TOLERANCE * needed)
      return `the scale of its bias, "${value.name}", is not that of its data times that of its weight`;
  }
  return undefined;
}

/** What is added to products: by the node itself, or by an Add behind it, of which onnxruntime makes one node before it fuses. */
function biasOf(node: Node, { bias }: RuntimeForm): { readonly value: Value | undefined; readonly adder: Node } {
  if (bias !== undefined) return { value: node.inputs[bias], adder: node };
  const [adder, ...others] = node.outputs[0]?.uses ?? [];
  if (node.opType !== 'MatMul' || adder?.opType !== 'Add' || others.length > 0)
    return { value: undefined, adder: node };
  return { value: adder.inputs.find((input) => input !== undefined && isConstant(input)), adder };
}

/** Whether what a node moves has the same scale and zero point before and behind it. */
function keepsScale(node: Node, { inputs }: RuntimeForm): boolean {
  const before = inputs.flatMap((index) => dequantizerOf(node.inputs[index]) ?? []);
  const behind = node.outputs.flatMap((output) =>
    [...(output?.uses ?? [])].filter(({ opType }) => opType === 'QuantizeLinear'),
  );
  const [first] = before;
  return [...before, ...behind].every((other) =>
    [1, 2].every((index) => sameNumbers(first?.inputs[index]?.tensor, other.inputs[index]?.tensor)),
  );
}

function sameNumbers(a: Tensor | undefined, b: Tensor | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a === b || (a.type === b.type && Buffer.compare(a.raw(), b.raw()) === 0);
}

function numbersOf(value: Value | undefined): Float32Array | Float64Array | undefined {
  return value?.tensor?.floats();
}
