import type { Graph } from '../ir/graph.ts';
import { type Node, subgraphsOf } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import { copyMessage } from '../onnx/messages.ts';

/**
 * Puts the branch that is taken in the place of each If whose condition is a constant, as scripted models have them once
 * shape arithmetic is settled.
 */
export function inlineBranches(graph: Graph): boolean {
  let changed = false;
  for (const node of graph.sorted()) {
    for (const body of subgraphsOf(node)) changed = inlineBranches(body) || changed;
    const condition = node.inputs[0]?.tensor;
    if (node.opType !== 'If' || node.domain !== '' || condition === undefined) continue;
    const taken = node.attributes.get(condition.raw()[0] === 0 ? 'else_branch' : 'then_branch')?.graphs[0];
    if (taken === undefined) continue;
    inline(graph, node, taken);
    changed = true;
  }
  return changed;
}

/** Moves the nodes of a body into the graph around it. */
function inline(graph: Graph, node: Node, body: Graph): void {
  const inner = body.sorted();
  const results = body.outputs;
  const outputs = graph.takeOutputs(node);
  for (const other of subgraphsOf(node)) if (other !== body) other.disconnect();
  const moved = new Map<Value, Value>();
  results.forEach((value, i) => {
    const output = outputs[i];
    // A result that is given out twice, or is a constant, is handed on by an Identity below.
    if (output !== undefined && value.producer !== undefined && !moved.has(value)) moved.set(value, output);
  });
  for (const value of body.initializers) {
    if (value.tensor !== undefined) moved.set(value, graph.addInitializer(value.name, value.tensor));
  }
  const twinOf = (value: Value | undefined): Value | undefined => {
    if (value === undefined || !body.owns(value)) return value;
    const known = moved.get(value) ?? graph.addValue(graph.uniqueName(value.name), value.type, value.info);
    moved.set(value, known);
    return known;
  };
  const names = new Set([...graph.nodes].map(({ name }) => name));
  for (const each of inner) {
    const attributes = [...each.attributes.values()];
    const proto = copyMessage(each.proto);
    // Bodies may have nodes that are named alike; one graph may not.
    while (each.name !== '' && names.has(proto.name ?? '')) proto.name = graph.uniqueName(each.name);
    names.add(proto.name ?? '');
    graph.insertNode(proto, each.inputs.map(twinOf), each.outputs.map(twinOf), attributes);
  }
  // Bodies inside this one went along; they read the moved values now.
  for (const [before, after] of moved) body.replaceUses(before, after);
  body.disconnect('own nodes');
  results.forEach((value, i) => {
    const output = outputs[i];
    const twin = twinOf(value);
    if (output === undefined || twin === undefined || twin === output) return;
    graph.insertNode({ opType: 'Identity', name: graph.uniqueName(`${output.name}_given`) }, [twin], [output], []);
  });
}
