import { int, intAttribute } from '../ir/attributes.ts';
import type { Node } from '../ir/node.ts';
import { lengthOf, type Value } from '../ir/value.ts';
import { axis, CouplingBuilder, input, pinAll, rankOf } from './coupling.ts';
import { dynamicLstm } from './dynamic-lstm.ts';
import { recurrentProducts } from './recurrent-products.ts';
import type { Coupling, InnerAxis, OpRule } from './rule.ts';

/** How many gates lie end to end along an axis of a weight, each `hidden_size` long. */
interface Gates {
  /** In W and R. */
  readonly weight: number;
  /** In the peephole weights P, which only LSTM has. */
  readonly peephole: number;
}

/** The hidden units of a recurrent operator; both directions share their number, so they share them. */
function hiddenAxis(node: Node): InnerAxis | undefined {
  const length = lengthOf(axis(input(node, 2), 2));
  return length === undefined ? undefined : { node, name: 'hidden', length };
}

/**
 * X [steps, batch, inputs], W [directions, gates · hidden, inputs], R [directions, gates · hidden, hidden],
 * B [directions, 2 · gates · hidden], P [directions, peepholes · hidden], states [directions, batch, hidden],
 * Y [steps, directions, batch, hidden]; batch comes first where `layout` is 1.
 * A hidden unit is read by itself and by others through the columns of R, and by nothing else inside.
 * Source: ONNX operators RNN, GRU and LSTM.
 */
function coupleRecurrent(node: Node, gates: Gates): Coupling {
  const [x, w, r] = [input(node, 0), input(node, 1), input(node, 2)];
  const hidden = hiddenAxis(node);
  if (hidden === undefined || rankOf(x) !== 3 || rankOf(w) !== 3)
    return pinAll(node, `the sizes at ${node.opType} are unknown`);
  const coupling = new CouplingBuilder();
  coupling.same(axis(w, 2), axis(x, 2)).same(axis(r, 2), hidden);
  coupling.contractions.push({ input: 0, dim: 2, factors: [axis(w, 2)] }, { input: 2, dim: 2 });
  const spread = (value: Value | undefined, dim: number, copies: number): void => {
    if (value !== undefined)
      coupling.links.push({ a: hidden, b: axis(value, dim), map: { kind: 'factor', outer: copies, inner: 1 } });
  };
  spread(w, 1, gates.weight);
  spread(r, 1, gates.weight);
  spread(node.inputs[3], 1, 2 * gates.weight);
  spread(node.inputs[7], 1, gates.peephole);
  for (const state of [node.inputs[5], node.inputs[6], node.outputs[1], node.outputs[2]]) spread(state, 2, 1);
  spread(node.outputs[0], 3, 1);
  passAxes(coupling, node);
  return coupling;
}

/** The batch passes from X to Y and the states, where `layout` has it. Each step starts from the one before it, so none may leave. */
function passAxes(coupling: CouplingBuilder, node: Node): void {
  const [x, y, lengths] = [input(node, 0), node.outputs[0], node.inputs[4]];
  const batchFirst = int(node, 'layout', 0) !== 0;
  const [steps, batch] = batchFirst ? [1, 0] : [0, 1];
  const reason = `${node.opType} goes through it step by step`;
  coupling.pin(x, steps, reason);
  if (y !== undefined) coupling.pin(y, steps, reason).same(axis(x, batch), axis(y, batchFirst ? 0 : 2));
  if (lengths !== undefined) coupling.same(axis(x, batch), axis(lengths, 0));
  for (const state of [node.inputs[5], node.inputs[6], node.outputs[1], node.outputs[2]]) {
    if (state !== undefined) coupling.same(axis(x, batch), axis(state, batchFirst ? 0 : 1));
  }
}

function recurrent(opType: string, gates: Gates): OpRule {
  return {
    domain: '',
    opTypes: [opType],
    couple: (node) => coupleRecurrent(node, gates),
    repair(node, kept, graph) {
      const hidden = hiddenAxis(node);
      const units = hidden && kept(hidden);
      if (units !== undefined) graph.setAttribute(node, intAttribute('hidden_size', units.length));
    },
    products: recurrentProducts,
    optionalOutputs: gates.peephole > 0 ? [0, 1, 2] : [0, 1],
    // Per step and sample: every weight once.
    macs: (node) => (input(node, 1).tensor?.size ?? 0) + (input(node, 2).tensor?.size ?? 0),
  };
}

export const recurrentRules: readonly OpRule[] = [
  recurrent('RNN', { weight: 1, peephole: 0 }),
  recurrent('GRU', { weight: 3, peephole: 0 }),
  { ...recurrent('LSTM', { weight: 4, peephole: 3 }), dynamic: dynamicLstm },
];
