import type { FunctionProto, NodeProto } from '../onnx/messages.ts';

/** What a function's body holds, bodies inside it included. */
interface Content {
  /** Nodes that call no function of the model. */
  readonly plain: number;
  /** How often it calls each other function. */
  readonly calls: ReadonlyMap<FunctionProto, number>;
}

/**
 * How many nodes a list of nodes becomes when its calls are unfolded in so many rounds, without unfolding anything: ten functions
 * that each call the next one ten times are ten thousand million nodes.
 *
 * @param calledBy the function that a node calls, if it calls one
 * @param rounds calls that are left then count as a node each
 */
export function unfoldedSize(
  nodes: readonly NodeProto[],
  functions: Iterable<FunctionProto>,
  calledBy: (node: NodeProto) => FunctionProto | undefined,
  rounds: number,
): number {
  const contents = new Map([...functions].map((each) => [each, contentOf(each.node ?? [], calledBy)]));
  let sizes = new Map([...contents.keys()].map((each) => [each, 1]));
  const sizeOf = ({ plain, calls }: Content): number => {
    let size = plain;
    for (const [called, times] of calls) size += times * (sizes.get(called) ?? 1);
    return size;
  };
  for (let round = 0; round < rounds; round++) {
    const next = new Map([...contents].map(([each, content]) => [each, sizeOf(content)]));
    const isSettled = [...next].every(([each, size]) => sizes.get(each) === size);
    sizes = next;
    if (isSettled) break;
  }
  return sizeOf(contentOf(nodes, calledBy));
}

function contentOf(nodes: readonly NodeProto[], calledBy: (node: NodeProto) => FunctionProto | undefined): Content {
  const calls = new Map<FunctionProto, number>();
  let plain = 0;
  const visit = (each: NodeProto): void => {
    const called = calledBy(each);
    if (called === undefined) plain++;
    else calls.set(called, (calls.get(called) ?? 0) + 1);
    for (const { g, graphs } of each.attribute ?? []) {
      g?.node?.forEach(visit);
      for (const graph of graphs ?? []) graph.node?.forEach(visit);
    }
  };
  nodes.forEach(visit);
  return { plain, calls };
}
