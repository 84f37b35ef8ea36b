import type { RuleLookup } from '../../channels/couplings.ts';
import { append } from '../../ir/append.ts';
import { floatAttribute } from '../../ir/attributes.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import type { Value } from '../../ir/value.ts';
import type { Placement } from './place.ts';

/**
 * Keeps nodes that stay in float from becoming integers nevertheless: between a DequantizeLinear and a QuantizeLinear the runtime
 * takes up what it has a kernel for, and where weights are floats rounds them itself, with one scale for all channels. A LeakyRelu
 * with slope 1 in between changes nothing, and it becomes part of the float kernel (onnxruntime 1.30, tried with operator sets 13
 * to 21).
 *
 * @param dequantized values that are made of integers
 * @returns how many nodes got one
 */
export function shieldFloats(
  graph: Graph,
  { nodes, values }: Placement,
  ruleOf: RuleLookup,
  dequantized: ReadonlySet<Value>,
): number {
  const isFed = (node: Node): boolean => node.inputs.some((input) => input !== undefined && dequantized.has(input));
  const biases = new Set([...nodes.values()].flatMap(({ bias }) => bias?.node ?? []));
  const shielded = new Set<Node>();
  for (const { value } of values) {
    const node = makerOf(value.producer, ruleOf);
    if (node === undefined || shielded.has(node) || node.graph !== graph) continue;
    if (nodes.has(node) || biases.has(node)) continue;
    const rule = ruleOf(node);
    if (rule.integers?.(node) === undefined && rule.layer?.(node) === undefined) continue;
    const [out] = node.outputs;
    // A bias that is added behind is taken together with what it is added to.
    const before = node.inputs.flatMap((input) => (input?.producer === undefined ? [] : [input.producer]));
    const takesUp = isFed(node) || before.some((each) => ruleOf(each).layer?.(each) !== undefined && isFed(each));
    if (out === undefined || !takesUp || graph.isOutput(out)) continue;
    const readers = [...out.uses];
    const same = append(graph, `${out.name}_in_float`, {
      opType: 'LeakyRelu',
      inputs: [out],
      attributes: [floatAttribute('alpha', 1)],
    });
    graph.setType(same, out.type);
    graph.replaceUses(out, same, readers);
    shielded.add(node);
  }
  return shielded.size;
}

/** The node that makes a value, but for limits behind it. */
function makerOf(producer: Node | undefined, ruleOf: RuleLookup): Node | undefined {
  const limits = producer && ruleOf(producer).limits?.(producer);
  return limits === undefined ? producer : producer?.inputs[0]?.producer;
}
