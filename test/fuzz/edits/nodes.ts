import { AttributeType, type GraphProto, type NodeProto } from '../../../src/onnx/messages.ts';
import type { Dice } from '../dice.ts';
import { type Edit, edgesOf, freshName, graphOf, redirect, type Subject, someGraph } from '../subject.ts';
import { addInitializer, append, body, copyNode, int, nodeOf } from './parts.ts';

const COMMUTATIVE: ReadonlySet<string> = new Set(['Add', 'Mul', 'Max', 'Min', 'Sum', 'And', 'Or', 'Concat']);

/** Copies of a node and of up to `depth` nodes before it, whose last output has a new name. */
function duplicate(subject: Subject, graph: GraphProto, node: NodeProto, depth: number): Map<string, string> {
  const renamed = new Map<string, string>();
  const stem = freshName(subject, 'twin');
  const news: NodeProto[] = [];
  const copy = (original: NodeProto, left: number): void => {
    const twin = copyNode(original);
    for (const [index, name] of (original.input ?? []).entries()) {
      const producer = graph.node?.find(({ output }) => name !== '' && output?.includes(name));
      if (left > 0 && producer !== undefined && !renamed.has(name)) copy(producer, left - 1);
      if (twin.input !== undefined) twin.input[index] = renamed.get(name) ?? name;
    }
    for (const name of original.output ?? []) if (name !== '') renamed.set(name, `${stem}/${renamed.size}`);
    twin.output = (original.output ?? []).map((name) => renamed.get(name) ?? '');
    twin.name = `${stem}/${original.name ?? ''}`;
    news.push(twin);
  };
  copy(node, depth);
  graph.node?.splice(graph.node.indexOf(node) + 1, 0, ...news);
  return renamed;
}

/** The outputs of nodes that others than these read, or the graph gives out. */
function readElsewhere(graph: GraphProto, nodes: readonly NodeProto[]): string[] {
  const others = (graph.node ?? []).filter((each) => !nodes.includes(each));
  // What a body reads does not show in the inputs of its node.
  const hidden = JSON.stringify(others.map(({ attribute = [] }) => attribute.map(({ g }) => g ?? null)));
  const read = new Set([
    ...others.flatMap(({ input = [] }) => input),
    ...(graph.output ?? []).map(({ name }) => name ?? ''),
  ]);
  return nodes
    .flatMap(({ output = [] }) => output)
    .filter((name) => name !== '' && (read.has(name) || hidden.includes(JSON.stringify(name))));
}

/** Puts a run of nodes into both branches of an If. */
function intoBody(subject: Subject, dice: Dice): boolean {
  const graph = graphOf(subject);
  const nodes = graph.node ?? [];
  const start = dice.below(nodes.length);
  const moved = nodes.slice(start, start + 1 + dice.below(3));
  const given = readElsewhere(graph, moved);
  if (moved.length === 0 || given.length === 0) return false;
  const stem = freshName(subject, 'branch');
  const branch = (name: string): GraphProto => {
    const inner = moved.map(copyNode);
    const renamed = new Map(
      inner.flatMap(({ output = [] }) => output).map((each) => [each, each === '' ? '' : `${stem}/${name}/${each}`]),
    );
    for (const each of inner) {
      each.input = (each.input ?? []).map((value) => renamed.get(value) ?? value);
      each.output = (each.output ?? []).map((value) => renamed.get(value) ?? value);
    }
    return { name: `${stem}/${name}`, node: inner, output: given.map((value) => ({ name: renamed.get(value) ?? '' })) };
  };
  const branches = [body('then_branch', branch('then')), body('else_branch', branch('else'))];
  const condition = `${stem}/condition`;
  if (dice.chance(0.4)) addInitializer(graph, { name: condition, dataType: 9, dims: [], int32Data: [1] });
  else graph.input = append(graph.input, { name: condition, type: { tensorType: { elemType: 9, shape: {} } } });
  nodes.splice(start, moved.length, nodeOf('If', [condition], given, branches));
  return true;
}

/** Makes a node with one input the body of a Loop that turns once. */
function intoLoop(subject: Subject, dice: Dice): boolean {
  const graph = graphOf(subject);
  const node = dice.pick(
    (graph.node ?? []).filter(
      ({ output = [], attribute = [] }) => output.length === 1 && !attribute.some(({ g }) => g),
    ),
  );
  const [first] = node?.input ?? [];
  if (node === undefined || first === undefined || first === '') return false;
  const stem = freshName(subject, 'loop');
  const name = (part: string): string => `${stem}/${part}`;
  const inner = copyNode(node);
  inner.input = (inner.input ?? []).map((value, index) => (index === 0 ? name('carried') : value));
  inner.output = [name('made')];
  const loop: GraphProto = {
    name: stem,
    node: [nodeOf('Identity', [name('go')], [name('on')]), inner],
    input: [
      { name: name('turn'), type: { tensorType: { elemType: 7, shape: {} } } },
      { name: name('go'), type: { tensorType: { elemType: 9, shape: {} } } },
      { name: name('carried') },
    ],
    output: [{ name: name('on') }, { name: name('made') }],
  };
  addInitializer(graph, { name: name('turns'), dataType: 7, dims: [], int64Data: [dice.one(1, 1, 2, 0)] });
  addInitializer(graph, { name: name('start'), dataType: 9, dims: [], int32Data: [1] });
  const made = nodeOf('Loop', [name('turns'), name('start'), first], node.output ?? [], [body('body', loop)]);
  graph.node?.splice(graph.node.indexOf(node), 1, made);
  return true;
}

/** Makes a node a call of a function of the model's own. */
function intoFunction(subject: Subject, dice: Dice): boolean {
  const { model } = subject;
  const graph = graphOf(subject);
  const node = dice.pick((graph.node ?? []).filter(({ attribute = [] }) => !attribute.some(({ g }) => g)));
  if (node === undefined) return false;
  const name = freshName(subject, 'Wrapped');
  const inputs = (node.input ?? []).map((each, index) => (each === '' ? '' : `in${index}`));
  const outputs = (node.output ?? []).map((each, index) => (each === '' ? '' : `out${index}`));
  const inner = Object.assign(copyNode(node), { input: inputs, output: outputs });
  model.functions = append(model.functions, {
    name,
    domain: 'fuzz',
    input: inputs.filter((each) => each !== ''),
    output: outputs.filter((each) => each !== ''),
    node: [inner],
    opsetImport: [...(model.opsetImport ?? [])],
  });
  if (!model.opsetImport?.some(({ domain }) => domain === 'fuzz'))
    model.opsetImport = append(model.opsetImport, { domain: 'fuzz', version: 1 });
  const given = (list: readonly string[] | undefined): string[] => (list ?? []).filter((each) => each !== '');
  const call = { ...nodeOf(name, given(node.input), given(node.output)), domain: 'fuzz' };
  graph.node?.splice(graph.node.indexOf(node), 1, call);
  return true;
}

/** Edits of nodes as they are. */
export const NODE_EDITS: Readonly<Record<string, Edit>> = {
  swapInputs: (subject, dice) => {
    const node = dice.pick(
      (someGraph(subject, dice).node ?? []).filter(
        ({ opType = '', input = [] }) => input.length > 1 && (COMMUTATIVE.has(opType) || dice.chance(0.05)),
      ),
    );
    node?.input?.reverse();
    return node !== undefined;
  },
  duplicate: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const node = dice.pick(graph.node ?? []);
    if (node === undefined) return false;
    const renamed = duplicate(subject, graph, node, dice.one(0, 0, 1, 3));
    const first = (graph.node ?? []).indexOf(node) + 1 + renamed.size;
    const readers = edgesOf({ node: (graph.node ?? []).slice(first) });
    const edge = dice.pick(readers.filter(({ name }) => node.output?.includes(name)));
    if (edge !== undefined) redirect(edge, renamed.get(edge.name) ?? edge.name);
    return true;
  },
  removeNode: (subject, dice) => {
    const graph = someGraph(subject, dice);
    const node = dice.pick((graph.node ?? []).filter(({ input = [] }) => input.length > 0));
    const [from, to] = [node?.input?.[0], node?.output?.[0]];
    if (node === undefined || from === undefined) return false;
    for (const edge of edgesOf(graph)) if (edge.name === to) redirect(edge, from);
    graph.node?.splice(graph.node.indexOf(node), 1);
    return true;
  },
  rewire: (subject, dice) => {
    const edges = edgesOf(someGraph(subject, dice));
    const [a, b] = [dice.pick(edges), dice.pick(edges)];
    if (a === undefined || b === undefined) return false;
    redirect(a, b.name);
    return true;
  },
  reorder: (subject, dice) => {
    const { node = [] } = someGraph(subject, dice);
    const at = dice.below(Math.max(0, node.length - 1));
    const [a, b] = [node[at], node[at + 1]];
    if (a === undefined || b === undefined) return false;
    node.splice(at, 2, b, a);
    return true;
  },
  trailingInput: (subject, dice) => {
    const node = dice.pick(someGraph(subject, dice).node ?? []);
    node?.input?.push('');
    return node !== undefined;
  },
  trailingOutput: (subject, dice) => {
    const node = dice.pick(someGraph(subject, dice).node ?? []);
    node?.output?.push('');
    return node !== undefined;
  },
  axis: (subject, dice) => {
    const axes = (someGraph(subject, dice).node ?? []).flatMap(({ attribute = [] }) =>
      attribute.filter(({ name, type }) => name === 'axis' && type === AttributeType.INT),
    );
    const axis = dice.pick(axes);
    if (axis !== undefined) axis.i = Number(axis.i ?? 0) + dice.one(-4, 4, -3, -1, 1, -2, 2);
    return axis !== undefined;
  },
  dropAttribute: (subject, dice) => {
    const node = dice.pick((someGraph(subject, dice).node ?? []).filter(({ attribute = [] }) => attribute.length > 0));
    node?.attribute?.splice(dice.below(node.attribute.length), 1);
    return node !== undefined;
  },
  numberAttribute: (subject, dice) => {
    const nodes = someGraph(subject, dice).node ?? [];
    const attribute = dice.pick(nodes.flatMap((node) => node.attribute ?? []).filter(({ i, ints }) => i ?? ints));
    if (attribute === undefined) return false;
    if (attribute.i !== undefined) attribute.i = Number(attribute.i) + dice.one(-1, 1, 2);
    const at = dice.below(attribute.ints?.length ?? 0);
    if (attribute.ints?.[at] !== undefined) attribute.ints[at] = Number(attribute.ints[at]) + dice.one(-1, 1, 2);
    return true;
  },
  renameNodes: (subject, dice) => {
    const name = dice.one('', 'same', '__proto__', 'constructor');
    for (const node of someGraph(subject, dice).node ?? []) if (dice.chance(0.5)) node.name = name;
    return true;
  },
  domainAlias: (subject, dice) => {
    const node = dice.pick((someGraph(subject, dice).node ?? []).filter(({ domain }) => !domain));
    if (node !== undefined) node.domain = 'ai.onnx';
    return node !== undefined;
  },
  sizedBatch: (subject, dice) => {
    const info = dice.pick(graphOf(subject).input ?? []);
    const dim = dice.pick(info?.type?.tensorType?.shape?.dim ?? []);
    if (info?.type?.tensorType === undefined || dim === undefined) return false;
    if (dice.chance(0.2)) delete info.type.tensorType.shape;
    else if (dim.dimValue === undefined) Object.assign(dim, { dimParam: undefined, dimValue: dice.one(1, 2, 0, 3) });
    else Object.assign(dim, { dimValue: undefined, dimParam: dice.one('N', 'H', '', '2', '__proto__') });
    return true;
  },
  topK: (subject, dice) => {
    const graph = graphOf(subject);
    const edge = dice.pick(edgesOf(graph));
    if (edge === undefined) return false;
    const stem = freshName(subject, 'top');
    addInitializer(graph, { name: `${stem}/k`, dataType: 7, dims: [1], int64Data: [dice.one(1, 2)] });
    const made = nodeOf('TopK', [edge.name, `${stem}/k`], [stem, `${stem}/i`], [int('axis', dice.one(1, -1, 0))]);
    graph.node?.splice(graph.node.indexOf(edge.node) + 1, 0, made);
    graph.output = append(graph.output, { name: stem, type: { tensorType: { elemType: 1 } } });
    return true;
  },
  intoBody,
  intoLoop,
  intoFunction,
};
