import type { Node } from '../ir/node.ts';

/**
 * Operators of onnxruntime that multiply or add integers, or look them up, whatever their name begins with.
 * Source: onnxruntime's OperatorKernels.md and ContribOperators.md.
 */
const KERNELS: ReadonlySet<string> = new Set([
  'ConvInteger',
  'MatMulInteger',
  'MatMulInteger16',
  'MatMulIntegerToFloat',
  'MatMulNBits',
  'DynamicQuantizeLSTM',
  'DynamicQuantizeMatMul',
  'GatherBlockQuantized',
  'MulInteger',
  'NhwcMaxPool',
  'QAttention',
  'QEmbedLayerNormalization',
  'QGemm',
  'QMoE',
  'ReduceSumInteger',
]);

/** What all others begin with: QLinearConv, QLinearAdd, … */
const PREFIX = 'QLinear';

/** Whether a node's operator computes on integers that stand for real numbers. */
export function isIntegerKernel({ opType }: Node): boolean {
  return KERNELS.has(opType) || opType.startsWith(PREFIX);
}

/** Operators that go from real numbers to integers or back. */
const CONVERSIONS: ReadonlySet<string> = new Set(['QuantizeLinear', 'DequantizeLinear', 'DynamicQuantizeLinear']);

/** Whether a node makes integers of real numbers or the reverse. */
export function isConversion({ opType }: Node): boolean {
  return CONVERSIONS.has(opType);
}

/** Operators by which onnxruntime brings elements into the order that a kernel reads, or a matrix into its shape. */
const LAYOUTS: ReadonlySet<string> = new Set(['ReorderInput', 'ReorderOutput', 'Reshape', 'Transpose']);

/** Whether a node, where it was not in the model, was brought in to arrange elements for a kernel. */
export function arrangesElements({ opType }: Node): boolean {
  return LAYOUTS.has(opType);
}

/** Whether a node asks how long axes are, for which it need not look at an element. */
export function asksSizes({ opType }: Node): boolean {
  return opType === 'Shape' || opType === 'Size';
}

/** What onnxruntime adds to the name of a node or value that it replaces. */
const ADDED = /^fused |(?:_token_\d+|_nchwc|\/MatMulAddFusion|\/duplicated)+$/g;

/** The name in the model from which onnxruntime made that of a node or value in the optimised graph. */
export function nameBefore(name: string): string {
  return name.replace(ADDED, '');
}
