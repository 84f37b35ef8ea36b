import { present } from '../../errors.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import { Tensor } from '../../ir/tensor.ts';
import type { Value } from '../../ir/value.ts';
import type { IntegerForm } from '../../ops/rule.ts';
import { integerTensor } from '../../recover/layer-matrix.ts';
import type { RoundedLayer } from '../round-unseen.ts';
import { addDequantized } from './insert.ts';

const [LEAST_INT32, MOST_INT32] = [-(2 ** 31), 2 ** 31 - 1];

/**
 * Stores the weights of nodes as int8, and their biases as int32 of the product of the scales, each with a DequantizeLinear
 * behind it. Nodes that share a weight share its integers; a bias is of one node alone, since its scale hangs on what the node
 * reads.
 *
 * @param rounded weights on their grids, with one scale for each row
 * @param dataScale of the integers that a node reads
 */
export function storeIntegers(
  graph: Graph,
  nodes: ReadonlyMap<Node, IntegerForm>,
  rounded: ReadonlyMap<Value, RoundedLayer>,
  dataScale: (node: Node) => number | undefined,
): void {
  const stored = new Map<Value, Value>();
  for (const [node, { weight, bias }] of nodes) {
    const value = weight && node.inputs[weight.input];
    const layer = value && rounded.get(value);
    const scale = dataScale(node);
    if (weight === undefined || value === undefined || layer === undefined || scale === undefined) continue;
    let numbers = stored.get(value);
    if (numbers === undefined) {
      numbers = addDequantized(graph, value.name, integerTensor(layer.matrix, layer.codes), layer.scales, weight.axis);
      stored.set(value, numbers);
    }
    graph.setInput(node, weight.input, numbers);
    const offset = bias?.node.inputs[bias.input];
    if (bias !== undefined && offset !== undefined)
      graph.setInput(bias.node, bias.input, integerBias(graph, offset, layer.scales, scale));
  }
  for (const value of stored.keys())
    if (value.uses.size === 0 && !graph.isOutput(value)) graph.removeInitializer(value);
}

/** A bias as int32, of scale data · weight for each row. Source: ONNX operator QLinearConv, input B. */
function integerBias(graph: Graph, bias: Value, scales: Float32Array, dataScale: number): Value {
  const numbers = present(bias.tensor, `the bias "${bias.name}"`).floats();
  const products = scales.map((scale) => Math.fround(scale * dataScale));
  const integers = Int32Array.from(products, (scale, row) => {
    const number = numbers[numbers.length === 1 ? 0 : row] as number;
    return Math.min(Math.max(Math.round(number / scale), LEAST_INT32), MOST_INT32);
  });
  const tensor = Tensor.of('int32', [integers.length], new Uint8Array(integers.buffer));
  return addDequantized(graph, bias.name, tensor, products, 0);
}
