import type { Graph } from '../ir/graph.ts';
import { labelOf, type Node, nodesIn } from '../ir/node.ts';
import type { Value } from '../ir/value.ts';
import { ruleOf } from '../ops/rules.ts';
import { type ElementKind, elementKinds } from './element-kinds.ts';
import { dequantizerOf, isConstant, whyFloat } from './float-reasons.ts';
import { arrangesElements, asksSizes, isConversion, isIntegerKernel } from './integer-kernels.ts';
import { type NodeCost, nodeCosts } from './node-costs.ts';
import { nodeOrigins } from './node-origins.ts';
import { runtimeForm } from './runtime-forms.ts';

/**
 * What the nodes of an optimised graph do: compute on integers, on real numbers, convert between the two, arrange elements for
 * a kernel though the model did not ask for it, or handle shapes, indices and conditions.
 */
export type NodeTask = 'integer' | 'float' | 'conversion' | 'layout' | 'other';

/** A node of the model that runs in float, though it reads integers or multiplies constants. */
export interface FloatNode {
  /** Its name, or its operator and first output. */
  readonly node: string;
  readonly operator: string;
  readonly reason: string;
  /**
   * Its part of the time of a run, 0 to 1, with that of the nodes that make real numbers of integers for it alone; null
   * where nothing was timed.
   */
  readonly share: number | null;
}

/** What became of a quantized model in the runtime. */
export interface FusionReport {
  /** Nodes of the optimised graph that compute on integers, those that only move them included. */
  readonly integer: number;
  readonly float: number;
  /** Nodes between real numbers and integers. */
  readonly conversions: number;
  /** Nodes that the runtime added to arrange elements for its kernels. */
  readonly layout: number;
  /** Nodes that handle shapes, indices and conditions. */
  readonly other: number;
  /** Nodes that compute on integers by operator, by frequency. */
  readonly kernels: Readonly<Record<string, number>>;
  /** By the time that they take, or in the model's order where nothing was timed. */
  readonly floats: readonly FloatNode[];
  /**
   * Nodes that were left in float on purpose, and that the runtime put on integers all the same: it rounds the weights of Conv,
   * ConvTranspose and Gemm by itself where those stand between quantizers.
   */
  readonly overruled: readonly string[];
  /** Parts of the time of a run, which are 1 together; null where nothing was timed. */
  readonly time: {
    readonly integer: number;
    readonly float: number;
    readonly conversions: number;
    readonly layout: number;
    readonly other: number;
  } | null;
}

/** What the fusion of a model is read from. */
export interface FusionInput {
  /** The quantized model's graph, as it was given to the runtime. */
  readonly model: Graph;
  /** The graph that the runtime made of it. */
  readonly optimised: Graph;
  /** Reasons by the names of nodes that were left in float on purpose. */
  readonly left: ReadonlyMap<string, string>;
  /** How long nodes of the optimised graph take. */
  readonly times?: readonly NodeCost[] | undefined;
}

/** Says which nodes run as integer kernels, which stayed in float, why, and what part of the time that takes. */
export function fusionOf({ model, optimised, left, times }: FusionInput): FusionReport {
  const originOf = nodeOrigins(model);
  const kind = elementKinds(optimised);
  const nodes = nodesIn(optimised);
  const tasks = new Map(nodes.map((node) => [node, taskOf(node, originOf(node), kind)]));
  const costs = times === undefined ? undefined : nodeCosts(nodes, times);
  const of = (task: NodeTask): Node[] => nodes.filter((node) => tasks.get(node) === task);
  const part = (some: readonly Node[]): number => some.reduce((sum, node) => sum + (costs?.get(node) ?? 0), 0);
  const floats = new Map<Node, Node[]>();
  for (const node of of('float')) {
    const subject = originOf(node) ?? node;
    if (left.has(subject.name) || readsIntegers(subject) || multipliesConstants(subject))
      floats.set(subject, [...(floats.get(subject) ?? []), node]);
  }
  return {
    integer: of('integer').length,
    float: of('float').length,
    conversions: of('conversion').length,
    layout: of('layout').length,
    other: of('other').length,
    kernels: counts(of('integer')),
    floats: [...floats]
      .map(([subject, parts]) => ({
        node: labelOf(subject),
        operator: subject.opType,
        reason: left.get(subject.name) ?? whyFloat(subject),
        share: costs === undefined ? null : part([...parts, ...convertersFor(parts)]),
      }))
      .sort((a, b) => (b.share ?? 0) - (a.share ?? 0)),
    overruled: [...new Set(of('integer').map((node) => originOf(node)?.name ?? ''))].filter((name) => left.has(name)),
    time:
      costs === undefined
        ? null
        : {
            integer: part(of('integer')),
            float: part(of('float')),
            conversions: part(of('conversion')),
            layout: part(of('layout')),
            other: part(of('other')),
          },
  };
}

function taskOf(node: Node, origin: Node | undefined, kind: (value: Value) => ElementKind): NodeTask {
  if (isConversion(node)) return 'conversion';
  if (isIntegerKernel(node)) return 'integer';
  if (asksSizes(node)) return 'other';
  const [made] = node.outputs;
  const read = node.inputs[node.opType === 'Where' ? 1 : 0];
  const out = made === undefined ? 'other' : kind(made);
  const data = read === undefined ? out : kind(read);
  if (node.opType === 'Cast' && out !== data) return out === 'other' || data === 'other' ? 'other' : 'conversion';
  if (arrangesElements(node) && origin?.opType !== node.opType && data !== 'other') return 'layout';
  if (data === 'integer') return 'integer';
  return data === 'real' || out === 'real' ? 'float' : 'other';
}

/** Whether all that a node reads, but for constants, was brought from integers to real numbers for it. */
function readsIntegers({ inputs }: Node): boolean {
  const read = inputs.filter((value) => value !== undefined && !isConstant(value));
  return read.length > 0 && read.every((value) => dequantizerOf(value) !== undefined);
}

function multipliesConstants(node: Node): boolean {
  const rule = ruleOf(node);
  if (rule.layer?.(node) !== undefined || (rule.products?.(node).length ?? 0) > 0) return true;
  const form = runtimeForm(node);
  const weight = typeof form === 'object' && form.weight ? node.inputs[form.weight.input] : undefined;
  return weight !== undefined && isConstant(weight);
}

/** The nodes that make real numbers of integers for these nodes and no others. */
function convertersFor(parts: readonly Node[]): Node[] {
  const readers = new Set(parts);
  const converters = parts.flatMap(({ inputs }) => inputs.flatMap((value) => dequantizerOf(value) ?? []));
  return [...new Set(converters)].filter(({ outputs }) =>
    outputs.every((output) => [...(output?.uses ?? [])].every((reader) => readers.has(reader))),
  );
}

function counts(nodes: readonly Node[]): Record<string, number> {
  const found = new Map<string, number>();
  for (const { opType } of nodes) found.set(opType, (found.get(opType) ?? 0) + 1);
  return Object.fromEntries([...found].sort(([, a], [, b]) => b - a));
}
