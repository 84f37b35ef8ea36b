import { decodeModel } from '../../src/onnx/codec.ts';
import type { GraphProto, ModelProto, NodeProto } from '../../src/onnx/messages.ts';
import type { Dice } from './dice.ts';

/** What is mutated: a model, and the files beside it. */
export interface Subject {
  readonly model: ModelProto;
  readonly files: Map<string, Uint8Array>;
}

/** A change of a subject, in place. @returns whether there was anything to change */
export type Edit = (subject: Subject, dice: Dice) => boolean;

/** A subject of its own from the bytes of a file. */
export function subjectOf(bytes: Uint8Array, files: ReadonlyMap<string, Uint8Array>): Subject {
  return { model: decodeModel(bytes.slice()), files: new Map(files) };
}

/** The graph of a model, made where it has none. */
export function graphOf({ model }: Subject): GraphProto {
  model.graph ??= {};
  return model.graph;
}

/** A graph and the graphs of the bodies in it. */
export function graphsOf(graph: GraphProto): GraphProto[] {
  return [
    graph,
    ...(graph.node ?? []).flatMap(({ attribute = [] }) =>
      attribute.flatMap(({ g, graphs = [] }) => [...(g ? [g] : []), ...graphs].flatMap(graphsOf)),
    ),
  ];
}

/** The main graph most of the time, else any body. */
export function someGraph(subject: Subject, dice: Dice): GraphProto {
  const graph = graphOf(subject);
  return dice.chance(0.75) ? graph : (dice.pick(graphsOf(graph)) ?? graph);
}

/** Every name of a value in a model. */
export function namesIn(subject: Subject): Set<string> {
  const names = new Set<string>();
  for (const { node = [], initializer = [], input = [], output = [] } of graphsOf(graphOf(subject))) {
    for (const each of node) for (const name of [...(each.input ?? []), ...(each.output ?? [])]) names.add(name);
    for (const { name } of [...initializer, ...input, ...output]) names.add(name ?? '');
  }
  return names;
}

/** A name that no value has. */
export function freshName(subject: Subject, stem: string): string {
  const names = namesIn(subject);
  let number = names.size;
  while (names.has(`${stem}${number}`)) number++;
  return `${stem}${number}`;
}

/** A place where a node reads a value. */
export interface Edge {
  readonly node: NodeProto;
  readonly index: number;
  readonly name: string;
}

/** Every place in a graph itself where a node reads a value. */
export function edgesOf({ node = [] }: GraphProto): Edge[] {
  return node.flatMap((each) =>
    (each.input ?? []).flatMap((name, index) => (name === '' ? [] : [{ node: each, index, name }])),
  );
}

/** Makes an edge read another value. */
export function redirect({ node, index }: Edge, name: string): void {
  if (node.input !== undefined) node.input[index] = name;
}

/** Puts nodes right before another one. */
export function insertBefore(graph: GraphProto, node: NodeProto, ...news: readonly NodeProto[]): void {
  graph.node ??= [];
  graph.node.splice(Math.max(0, graph.node.indexOf(node)), 0, ...news);
}
