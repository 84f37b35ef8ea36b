import type { RuleLookup } from '../channels/couplings.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import type { Layer } from '../ops/rule.ts';
import { layerMatrix, readMatrix, writeMatrix } from '../recover/layer-matrix.ts';

/**
 * Takes what multiplies and shifts the channels of a layer's output (batch normalization) into the layer's weight and bias: the
 * runtime does so by itself, but not through a quantizer. Only where nobody else reads the layer's output, and the weight and
 * the bias are its own.
 *
 * @returns how many nodes left
 */
export function foldAffine(graph: Graph, ruleOf: RuleLookup): number {
  let folded = 0;
  for (const node of graph.sorted()) {
    const layer = ruleOf(node).layer?.(node);
    if (layer !== undefined && fold(graph, node, layer, ruleOf)) folded++;
  }
  return folded;
}

function fold(graph: Graph, node: Node, layer: Layer, ruleOf: RuleLookup): boolean {
  const out = layer.out.value;
  const [reader, ...others] = out.uses;
  if (reader === undefined || others.length > 0 || graph.isOutput(out) || reader.graph !== graph) return false;
  const passage = ruleOf(reader).passage?.(reader);
  const matrix = layerMatrix(layer);
  const isOwn = layer.weight.uses.size === 1 && !graph.inputs.includes(layer.weight) && !graph.isOutput(layer.weight);
  const made = reader.outputs[0];
  const isAlone = reader.outputs
    .slice(1)
    .every((each) => each === undefined || (each.uses.size === 0 && !graph.isOutput(each)));
  if (passage?.kind !== 'affine' || passage.dim !== layer.out.dim || matrix === undefined || !isOwn || !isAlone)
    return false;
  if (reader.inputs[0] !== out || made === undefined || !(ruleOf(node).takesBias?.(node) ?? false)) return false;
  const { gain, offset } = passage;
  const { value, gain: biasGain } = layer.bias;
  if (gain.length !== matrix.rows || (value !== undefined && value.tensor === undefined)) return false;
  const elements = readMatrix(matrix);
  for (let i = 0; i < elements.length; i++)
    elements[i] = (elements[i] as number) * (gain[Math.floor(i / matrix.features)] as number);
  graph.setTensor(layer.weight, writeMatrix(matrix, elements));
  const bias = value?.tensor?.floats();
  const amounts = Float64Array.from(gain, (each, row) => {
    const before = bias === undefined ? 0 : (bias[bias.length === 1 ? 0 : row] as number) * biasGain;
    return before * (each - 1) + (offset[row] as number);
  });
  ruleOf(node).addBias?.(node, amounts, graph);
  takeOver(graph, node, reader);
  return true;
}

/** Lets a node make what the only reader of its output made, and removes that one. */
function takeOver(graph: Graph, node: Node, reader: Node): void {
  const [inputs, attributes] = [[...node.inputs], [...node.attributes.values()]];
  const parameters = reader.inputs.slice(1);
  const [made] = graph.takeOutputs(reader);
  graph.removeNode(node);
  graph.insertNode(node.proto, inputs, [made], attributes);
  for (const value of new Set(parameters))
    if (value?.tensor !== undefined && value.uses.size === 0 && !graph.isOutput(value) && graph.owns(value))
      graph.removeInitializer(value);
}
