import { type Binding, bindingsOf, boundType } from '../ir/bindings.ts';
import { applyFacts, type ShapeOracle } from '../ir/facts.ts';
import type { Graph } from '../ir/graph.ts';
import { exportBody, type Model } from '../ir/model.ts';
import { capturesOf, type Node, subgraphsOf } from '../ir/node.ts';
import { type Dim, dimsOf, elementTypeOf, type Value } from '../ir/value.ts';

/** Turns of assuming and asking; each leaves at least one more dim open, and few bodies need a second. */
const MOST_TURNS = 8;

/**
 * Finds types and dims inside the bodies of If, Loop and Scan, which the oracle does not look into: each body is asked
 * about as a model of its own, whose inputs are what the node hands in and what the body reads from outside. A tensor
 * that goes from turn to turn is assumed to keep the dims it starts with; what comes out of the turn otherwise is open.
 * That is an induction: dims that one turn keeps stay for ever.
 *
 * @returns whether something new was learnt of the nodes' own outputs, which what follows may depend on
 */
export async function inferBodies(model: Model, graph: Graph, oracle: ShapeOracle): Promise<boolean> {
  let learnt = false;
  for (const node of graph.sorted()) {
    const bindings = bindingsOf(node);
    if (bindings === undefined) continue;
    for (const body of subgraphsOf(node)) await inferBody(model, body, node, bindings, oracle);
    learnt = passOut(node, bindings) || learnt;
  }
  return learnt;
}

async function inferBody(
  model: Model,
  body: Graph,
  node: Node,
  bindings: readonly Binding[],
  oracle: ShapeOracle,
): Promise<void> {
  const mine = bindings.filter(({ from, to }) => body.owns(from) || body.owns(to) || body.isOutput(from));
  passIn(body, mine);
  const captures = [...capturesOf(node)];
  if (![...body.inputs, ...captures].every(isTensor)) return;
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    applyFacts(body, await oracle.inferShapes(exportBody(model, body, captures)));
    await inferBodies(model, body, oracle);
    if (!openChanging(body, mine)) return;
    forgetInside(body);
  }
  // Nothing held: what goes from turn to turn is of any size.
  for (const { way, to } of mine)
    if (way === 'next')
      setDims(
        body,
        to,
        dimsOf(to)?.map(() => undefined),
      );
  forgetInside(body);
}

function isTensor(value: Value): boolean {
  return elementTypeOf(value) !== 'undefined';
}

/** Gives the body's inputs the types of what is handed in, as far as the body does not say more itself. */
function passIn(body: Graph, bindings: readonly Binding[]): void {
  for (const binding of bindings) {
    const { way, from, to } = binding;
    if (way !== 'in' || from.type === undefined) continue;
    const { type, dims } = boundType(binding, from.type);
    const own = dimsOf(to);
    const merged = dims === undefined ? own : dims.map((dim, i) => dim ?? (own?.length === dims.length ? own[i] : dim));
    body.setType(to, merged === undefined ? { type } : { type, dims: merged });
  }
}

/** Opens the dims of inputs that a turn changes. */
function openChanging(body: Graph, bindings: readonly Binding[]): boolean {
  let changed = false;
  for (const { way, from, to } of bindings) {
    if (way !== 'next') continue;
    const [before, after] = [dimsOf(to), dimsOf(from)];
    if (before === undefined) continue;
    const kept = before.map((dim, i) => (after?.length === before.length && dim === after[i] ? dim : undefined));
    if (kept.every((dim, i) => dim === before[i])) continue;
    setDims(body, to, kept);
    changed = true;
  }
  return changed;
}

function setDims(body: Graph, value: Value, dims: readonly Dim[] | undefined): void {
  if (value.type !== undefined && dims !== undefined) body.setType(value, { type: value.type.type, dims });
}

/** What was inferred from an assumption that did not hold. */
function forgetInside(body: Graph): void {
  for (const node of body.nodes) {
    for (const value of node.outputs) {
      if (value?.type !== undefined) body.setType(value, { type: value.type.type });
      for (const inner of subgraphsOf(node)) forgetInside(inner);
    }
  }
}

/**
 * What the bodies say of the node's outputs, where the oracle says less; where branches differ, nothing. A tensor that
 * never went round is what it started as.
 */
function passOut(node: Node, bindings: readonly Binding[]): boolean {
  let learnt = false;
  for (const output of node.outputs) {
    const said = bindings.flatMap((binding) => {
      if (binding.way !== 'out' || binding.to !== output) return [];
      const { type } = binding.from;
      return [type && boundType(binding, type)];
    });
    const [first] = said;
    if (output === undefined || first?.dims === undefined) continue;
    const starts = startsOf(output, bindings);
    const agreed = first.dims.map((dim, i) =>
      said.every((each) => each?.dims?.length === first.dims?.length && each?.dims?.[i] === dim) &&
      starts.every((dims) => dims[i] === undefined || dims[i] === dim)
        ? dim
        : undefined,
    );
    if (said.some((each) => each?.dims?.length !== first.dims?.length)) continue;
    const known = dimsOf(output);
    if (known !== undefined && known.length !== agreed.length) continue;
    const dims = agreed.map((dim, i) => known?.[i] ?? dim);
    if (known !== undefined && dims.every((dim, i) => dim === known[i])) continue;
    node.graph.setType(output, { type: first.type, dims });
    learnt = true;
  }
  return learnt;
}

/** The dims of what a tensor that goes from turn to turn starts as, by what comes out in the end. */
function startsOf(output: Value, bindings: readonly Binding[]): (readonly Dim[])[] {
  const results = bindings.flatMap((each) =>
    each.way === 'out' && each.to === output && each.turns === undefined ? [each.from] : [],
  );
  const carried = bindings.flatMap((each) => (each.way === 'next' && results.includes(each.from) ? [each.to] : []));
  return bindings.flatMap((each) =>
    each.way === 'in' && each.turns === undefined && carried.includes(each.to) ? [dimsOf(each.from) ?? []] : [],
  );
}
