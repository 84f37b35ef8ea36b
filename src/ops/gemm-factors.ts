import { float, floatAttribute } from '../ir/attributes.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { input } from './coupling.ts';

/**
 * Multiplies the weight and the bias of a Gemm by alpha and beta, which then are 1. Only where nobody else reads them, and both are
 * constants.
 * @returns whether there was anything to multiply
 */
export function takeFactorsIn(node: Node, graph: Graph): boolean {
  const [alpha, beta] = [float(node, 'alpha', 1), float(node, 'beta', 1)];
  const [weight, bias] = [input(node, 1), node.inputs[2]];
  if ((alpha === 1 && (beta === 1 || bias === undefined)) || weight === bias) return false;
  if (!isOwn(weight, graph) || (bias !== undefined && !isOwn(bias, graph))) return false;
  multiply(weight, alpha, graph);
  if (bias !== undefined) multiply(bias, beta, graph);
  for (const name of ['alpha', 'beta']) graph.setAttribute(node, floatAttribute(name, 1));
  return true;
}

function isOwn(value: Value, graph: Graph): boolean {
  const isFloat = value.tensor !== undefined && isFloatType(value.tensor.type);
  return (
    isFloat && value.uses.size === 1 && graph.owns(value) && !graph.inputs.includes(value) && !graph.isOutput(value)
  );
}

function multiply(value: Value, factor: number, graph: Graph): void {
  const { tensor } = value;
  if (tensor === undefined || !isFloatType(tensor.type)) return;
  const products = Float64Array.from(tensor.floats(), (each) => each * factor);
  graph.setTensor(value, Tensor.of(tensor.type, tensor.dims, floatBytes(tensor.type, products)));
}
