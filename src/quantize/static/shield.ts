import type { RuleLookup } from '../../channels/couplings.ts';
import { append } from '../../ir/append.ts';
import { floatAttribute } from '../../ir/attributes.ts';
import type { Graph } from '../../ir/graph.ts';
import type { Node } from '../../ir/node.ts';
import type { Value } from '../../ir/value.ts';
import type { Placement } from './place.ts';

/**
 * Keeps nodes that stay in float from becoming integers nevertheless: between a DequantizeLinear and a QuantizeLinear the runtime
 * takes up what it has a kernel for, and where weights are floats rounds them itself, with one scale for all channels. Either may
 * stand some nodes away, where those only move elements: the runtime carries it over them. A LeakyRelu with slope 1 in between
 * changes nothing, and it becomes part of the float kernel (onnxruntime 1.30, tried with operator sets 13 to 21).
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
  const biases = new Set([...nodes.values()].flatMap(({ bias }) => bias?.node ?? []));
  const shielded = new Set<Node>();
  for (const { value } of values) {
    const node = makerOf(value, ruleOf);
    if (node === undefined || shielded.has(node) || node.graph !== graph) continue;
    if (nodes.has(node) || biases.has(node)) continue;
    const rule = ruleOf(node);
    if (rule.integers?.(node) === undefined && rule.layer?.(node) === undefined) continue;
    const [out] = node.outputs;
    if (out === undefined || graph.isOutput(out) || !takesUp(node, ruleOf, dequantized)) continue;
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

/** The node that makes the elements of a value, which others may limit and move. */
function makerOf(value: Value, ruleOf: RuleLookup): Node | undefined {
  const { producer } = value;
  if (producer === undefined) return undefined;
  const isPassed = ruleOf(producer).limits?.(producer) !== undefined || moves(producer, ruleOf);
  const [before] = producer.inputs;
  return isPassed && before !== undefined ? makerOf(before, ruleOf) : producer;
}

/** Whether a node, or what makes the products that it adds a bias to, reads what comes from integers. */
function takesUp(node: Node, ruleOf: RuleLookup, dequantized: ReadonlySet<Value>): boolean {
  const comesFromIntegers = (value: Value | undefined): boolean => {
    if (value === undefined || dequantized.has(value)) return value !== undefined;
    return value.producer !== undefined && moves(value.producer, ruleOf) && comesFromIntegers(value.producer.inputs[0]);
  };
  const products = node.inputs.flatMap((input) => {
    const before = input?.producer;
    return before !== undefined && ruleOf(before).layer?.(before) !== undefined ? [before] : [];
  });
  return [node, ...products].some(({ inputs }) => inputs.some(comesFromIntegers));
}

function moves(node: Node, ruleOf: RuleLookup): boolean {
  const form = ruleOf(node).integers?.(node);
  return typeof form === 'object' && form.output === 'same';
}
