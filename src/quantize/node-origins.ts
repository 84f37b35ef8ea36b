import type { Graph } from '../ir/graph.ts';
import { type Node, nodesIn } from '../ir/node.ts';
import { isConstant } from './float-reasons.ts';
import { isConversion, nameBefore } from './integer-kernels.ts';

/** How far back a node is looked for from the activation that it took up, and how far on from a part of a function. */
const STEPS = 8;

/** onnxruntime writes so before the name of an operator that took up others. */
const FUSED = /^Fused/;

/**
 * Finds for a node of an optimised graph the node of the model that it comes from: by its name or by the values that it
 * gives out, as far as onnxruntime keeps those.
 * @param model the graph that was loaded
 * @returns undefined for nodes that onnxruntime added
 */
export function nodeOrigins(model: Graph): (node: Node) => Node | undefined {
  const byName = new Map<string, Node | undefined>();
  const byValue = new Map<string, Node>();
  for (const node of nodesIn(model)) {
    // A name that two nodes bear tells nothing.
    if (node.name !== '') byName.set(node.name, byName.has(node.name) ? undefined : node);
    for (const output of node.outputs) if (output !== undefined) byValue.set(output.name, node);
  }
  const direct = (node: Node): Node | undefined => {
    const named = byName.get(node.name) ?? byName.get(nameBefore(node.name));
    if (named !== undefined) return named;
    const names = [...node.outputs.map((output) => output?.name ?? ''), nameBefore(node.name)];
    const maker = names.map((name) => byValue.get(name)).find((found) => found !== undefined);
    return maker && makerOf(maker, node.opType.replace(FUSED, ''));
  };
  return (node) => {
    const origin = direct(node);
    if (origin !== undefined || node.name !== '') return origin;
    // Operators that are functions fall into nodes without a name, the last of which gives out what the whole did, under
    // another name perhaps; a quantizer behind it is found by its own.
    let part = onlyReader(node);
    for (let step = 0; part !== undefined && step < STEPS; step++) {
      const whole = direct(part);
      if (whole !== undefined && isConversion(part)) return whole.inputs[0]?.producer;
      if (whole !== undefined) return whole.opType === part.opType ? undefined : whole;
      part = part.name === '' ? onlyReader(part) : undefined;
    }
    return undefined;
  };
}

/** The node of an operator that the value of another, an activation or a quantizer, comes from; else that other node. */
function makerOf(last: Node, opType: string): Node {
  let node: Node | undefined = last;
  for (let step = 0; node !== undefined && step < STEPS; step++) {
    // A product and what is added to it become a Gemm.
    if (node.opType === opType || (opType === 'Gemm' && node.opType === 'MatMul')) return node;
    node = node.inputs.find((input) => input !== undefined && !isConstant(input))?.producer;
  }
  return isConversion(last) ? (last.inputs[0]?.producer ?? last) : last;
}

function onlyReader({ outputs }: Node): Node | undefined {
  const readers = new Set(outputs.flatMap((output) => [...(output?.uses ?? [])]));
  return readers.size === 1 ? [...readers][0] : undefined;
}
