import type { RuleLookup } from '../channels/couplings.ts';
import { floatAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';

/**
 * Multiplies the constants of Gemm by the numbers that it multiplies its product and its bias by: the runtime has a kernel for
 * integers only where both are 1. Only where nobody else reads the weight and the bias.
 *
 * @returns how many nodes had such numbers
 */
export function foldFactors(graph: Graph, ruleOf: RuleLookup): number {
  const isOwn = (value: Value): boolean =>
    value.tensor !== undefined &&
    isFloatType(value.tensor.type) &&
    value.uses.size === 1 &&
    !graph.inputs.includes(value) &&
    !graph.isOutput(value);
  let folded = 0;
  for (const node of graph.nodes) {
    const layer = node.opType === 'Gemm' && node.domain === '' ? ruleOf(node).layer?.(node) : undefined;
    if (layer === undefined) continue;
    const { weight, gain, bias } = layer;
    if ((gain === 1 && bias.gain === 1) || weight === bias.value) continue;
    if (!isOwn(weight) || (bias.value !== undefined && !isOwn(bias.value))) continue;
    multiply(graph, weight, gain);
    if (bias.value !== undefined) multiply(graph, bias.value, bias.gain);
    for (const name of ['alpha', 'beta']) graph.setAttribute(node, floatAttribute(name, 1));
    folded++;
  }
  return folded;
}

function multiply(graph: Graph, value: Value, factor: number): void {
  const { tensor } = value;
  if (tensor === undefined || !isFloatType(tensor.type)) return;
  const products = Float64Array.from(tensor.floats(), (each) => each * factor);
  graph.setTensor(value, Tensor.of(tensor.type, tensor.dims, floatBytes(tensor.type, products)));
}
