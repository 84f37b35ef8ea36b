import { OnnxPruneError } from '../errors.ts';
import { labelOf, type Node } from './node.ts';

/**
 * Nodes in an executable order that keeps the present one wherever it is executable already. Without recursion, since chains of
 * nodes are longer than any stack.
 *
 * @param sourcesOf the nodes among them that make what a node reads
 * @throws OnnxPruneError `bad-model` naming a node on a cycle
 */
export function executableOrder(nodes: Iterable<Node>, sourcesOf: (node: Node) => readonly Node[]): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, 'open' | 'done'>();
  for (const root of nodes) {
    const stack: { readonly node: Node; readonly sources: Node[] }[] = [];
    const open = (node: Node): void => {
      const known = state.get(node);
      if (known === 'done') return;
      if (known === 'open') throw cyclic(node);
      state.set(node, 'open');
      stack.push({ node, sources: [...sourcesOf(node)].reverse() });
    };
    open(root);
    for (let top = stack[stack.length - 1]; top !== undefined; top = stack[stack.length - 1]) {
      const source = top.sources.pop();
      if (source !== undefined) {
        open(source);
        continue;
      }
      state.set(top.node, 'done');
      order.push(top.node);
      stack.pop();
    }
  }
  return order;
}

function cyclic(node: Node): OnnxPruneError {
  return new OnnxPruneError(
    'bad-model',
    labelOf(node),
    `Node "${labelOf(node)}" needs its own output: the graph has a cycle, which ONNX does not allow; export the model again.`,
  );
}
