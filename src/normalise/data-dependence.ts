import { type DataType, isFloat } from '../ir/data-type.ts';
import type { Graph } from '../ir/graph.ts';
import { capturesOf, type Node, nodesInOrder, subgraphsOf } from '../ir/node.ts';
import { elementTypeOf, type Value } from '../ir/value.ts';

/** Operators that make as many elements as their data happen to call for. */
const BY_DATA: ReadonlySet<string> = new Set([
  'NonZero',
  'NonMaxSuppression',
  'Compress',
  'Unique',
  'StringSplit',
  'SequenceAt',
  'SplitToSequence',
  'ConcatFromSequence',
  'OptionalGetElement',
]);

/** Inputs whose elements say how long the axes of the result are. */
const SHAPED_BY: Readonly<Record<string, readonly number[]>> = {
  Reshape: [1],
  Expand: [1],
  ConstantOfShape: [0],
  Range: [0, 1, 2],
  Tile: [1],
  Slice: [1, 2, 3, 4],
  Pad: [1, 3],
  Resize: [2, 3],
  Upsample: [1],
  TopK: [1],
  OneHot: [1],
  Split: [1],
  Unsqueeze: [1],
  CenterCropPad: [1],
  Col2Im: [1, 2],
};

/** Operators that turn lengths into elements: what they give depends on sizes alone. */
const READS_LENGTHS: ReadonlySet<string> = new Set(['Shape', 'Size']);

/** Whether a node reads nothing of a tensor but its dims. */
export function readsLengths({ domain, opType }: Node): boolean {
  return domain === '' && READS_LENGTHS.has(opType);
}

/**
 * The values whose dims depend on what the model's inputs hold, not only on how long they are: those behind operators
 * such as NonZero, behind bodies, and those shaped by computed elements. What is seen of such dims in one run says
 * nothing of the next.
 */
export function shapedByData(graph: Graph): ReadonlySet<Value> {
  const shaped = new Set<Value>();
  const elements = new Set<Value>(graph.inputs.filter((value) => value.tensor === undefined));
  for (const node of graph.sorted()) {
    const read = node.inputs.filter((value) => value !== undefined);
    const isShaped = read.some((value) => shaped.has(value)) || makesByData(node, elements);
    const isComputed = isShaped || (!readsLengths(node) && read.some((value) => elements.has(value)));
    for (const output of node.outputs) {
      if (output === undefined) continue;
      if (isShaped) shaped.add(output);
      if (isComputed) elements.add(output);
    }
  }
  return shaped;
}

function makesByData(node: Node, elements: ReadonlySet<Value>): boolean {
  if (subgraphsOf(node).length > 0 || BY_DATA.has(node.opType)) return true;
  // A function of the model may be called anything: `constructor`, too.
  const shaping = Object.hasOwn(SHAPED_BY, node.opType) ? SHAPED_BY[node.opType] : undefined;
  return (shaping ?? []).some((index) => {
    const value = node.inputs[index];
    return value !== undefined && elements.has(value);
  });
}

/** Element types that hold decisions: what a comparison says, what an index or a count is. */
const DECIDED: ReadonlySet<DataType> = new Set(['bool', 'int32', 'int64']);

/** Operators that stay among real numbers and decide all the same. */
const JUMPS: ReadonlySet<string> = new Set(['Ceil', 'Floor', 'Round', 'Sign', 'Mod']);

/**
 * The values that hang on a decision: somewhere before them an operator turned real numbers into booleans or whole numbers
 * (a comparison, a sorted order, the boxes that a suppression leaves), so that a rounding error may make another value
 * altogether of them.
 */
export function decidedValues(graph: Graph): ReadonlySet<Value> {
  const decided = new Set<Value>();
  for (const node of nodesInOrder(graph)) {
    const bodies = subgraphsOf(node);
    const read = [...node.inputs, ...(bodies.length === 0 ? [] : capturesOf(node))].filter(
      (value) => value !== undefined,
    );
    const made = node.outputs.filter((value) => value !== undefined);
    const decides =
      JUMPS.has(node.opType) ||
      (!READS_LENGTHS.has(node.opType) &&
        read.some((value) => isFloat(elementTypeOf(value))) &&
        made.some((value) => DECIDED.has(elementTypeOf(value))));
    const given = bodies.flatMap((body) => body.outputs);
    if (decides || [...read, ...given].some((value) => decided.has(value)))
      for (const value of made) decided.add(value);
  }
  return decided;
}
