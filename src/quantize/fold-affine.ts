import type { RuleLookup } from '../channels/couplings.ts';
import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { layerMatrix, readMatrix, writeMatrix } from '../recover/layer-matrix.ts';

/**
 * Takes what multiplies and shifts the channels of a layer's output (batch normalization, or constants that are multiplied and added)
 * into the layer's weight and bias: the runtime does so by itself, but not through a quantizer. Only where nobody else reads the layer's output, and the weight and
 * the bias are its own.
 *
 * @returns how many nodes left
 */
export function foldAffine(graph: Graph, ruleOf: RuleLookup): number {
  let folded = 0;
  for (const node of graph.sorted()) {
    // What comes next may be of that kind, too.
    for (let layer = fold(graph, node, ruleOf); layer !== undefined; layer = fold(graph, layer, ruleOf)) folded++;
  }
  return folded;
}

/** Takes the reader of a layer into it. @returns the layer as it is then; undefined where there is no such reader */
function fold(graph: Graph, node: Node, ruleOf: RuleLookup): Node | undefined {
  const layer = ruleOf(node).layer?.(node);
  if (layer === undefined) return undefined;
  const out = layer.out.value;
  const [reader, ...others] = out.uses;
  if (reader === undefined || others.length > 0 || graph.isOutput(out) || reader.graph !== graph) return undefined;
  const affine = ruleOf(reader).affine?.(reader, reader.inputs.indexOf(out), layer.out.dim);
  const matrix = layerMatrix(layer);
  const isGiven = !graph.scope.initializersAreInputs && graph.inputs.includes(layer.weight);
  const isOwn = layer.weight.uses.size === 1 && !isGiven && !graph.isOutput(layer.weight);
  const made = reader.outputs[0];
  const isAlone = reader.outputs
    .slice(1)
    .every((each) => each === undefined || (each.uses.size === 0 && !graph.isOutput(each)));
  if (affine === undefined || made === undefined || matrix === undefined || !isOwn || !isAlone) return undefined;
  if (!hasBiasInput(node, ruleOf) || reader.inputs.lastIndexOf(out) !== reader.inputs.indexOf(out)) return undefined;
  const { gain, offset } = affine;
  const { value, gain: biasGain } = layer.bias;
  if (gain.length !== matrix.rows || (value !== undefined && value.tensor === undefined)) return undefined;
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
  return takeOver(graph, node, reader);
}

/** Whether a node has, or may have, its bias as an input of its own: one that is added behind it is there already. */
function hasBiasInput(node: Node, ruleOf: RuleLookup): boolean {
  const rule = ruleOf(node);
  const form = rule.integers?.(node);
  return (rule.takesBias?.(node) ?? false) && (typeof form !== 'object' || form.bias?.node === node);
}

/** Lets a node make what the only reader of its output made, and removes that one. */
function takeOver(graph: Graph, node: Node, reader: Node): Node {
  const [inputs, attributes] = [[...node.inputs], [...node.attributes.values()]];
  const parameters = reader.inputs.filter((value) => value !== node.outputs[0]);
  const [made] = graph.takeOutputs(reader);
  graph.removeNode(node);
  const layer = graph.insertNode(node.proto, inputs, [made], attributes);
  for (const value of new Set(parameters))
    if (value?.tensor !== undefined && value.uses.size === 0 && !graph.isOutput(value) && graph.owns(value))
      graph.removeInitializer(value);
  return layer;
}
