import type { RuleLookup } from '../../channels/couplings.ts';
import type { Graph } from '../../ir/graph.ts';
import { labelOf, type Node } from '../../ir/node.ts';
import { elementTypeOf, type Value } from '../../ir/value.ts';
import { UnionFind } from '../../numeric/union-find.ts';
import type { IntegerForm } from '../../ops/rule.ts';
import { whyNotFinite } from '../finite.ts';

/** Bounds that the output of a node has which limits its input. */
export interface Limits {
  readonly least: number;
  readonly most: number;
}

/** A value that becomes integers, and back. */
export interface QuantizedValue {
  readonly value: Value;
  /** Who reads what comes back; `all` where the value is made of integers, so that nobody may read it as it was. */
  readonly readers: readonly Node[] | 'all';
  /** Values of the same class have the same scale and zero point. */
  readonly sharing: number;
  /** What the node that makes it does to it, which the quantizer does as well then. */
  readonly limits: Limits | undefined;
}

/** Where a graph computes on integers. */
export interface Placement {
  /** In executable order. */
  readonly nodes: ReadonlyMap<Node, IntegerForm>;
  readonly values: readonly QuantizedValue[];
  /** Layers that stay in float, and why: ends the sentence "… stays in float because …". */
  readonly floats: ReadonlyMap<Node, string>;
}

/**
 * Decides which nodes of a graph run on integers, and which values are quantized for that.
 *
 * Layers do that are asked for. Of the others those do that are fed by integers alone and from which some such layer is still
 * to come: what comes after the last one, where boxes and scores are made, stays in float. Nodes that only move elements do
 * where somebody behind them reads integers. A node that limits what an integer node makes (and is all that reads it) is no
 * node of its own: the quantizer behind it does the same.
 *
 * @param whyFloat a reason for a node that must not; undefined where it may
 */
export function placeIntegers(
  graph: Graph,
  ruleOf: RuleLookup,
  whyFloat: (node: Node) => string | undefined,
): Placement {
  const order = graph.sorted();
  const floats = new Map<Node, string>();
  const forms = new Map<Node, IntegerForm>();
  const ways = new WeightWays();
  for (const node of order) {
    const rule = ruleOf(node);
    const form = rule.integers?.(node);
    if (form === undefined) {
      if (rule.layer?.(node) !== undefined)
        floats.set(node, `the runtime has no integer kernel for ${node.opType} as it is`);
      continue;
    }
    const reason =
      typeof form === 'string' ? form : (whyFloat(node) ?? whyUnfit(node, form) ?? ways.whyOther(node, form));
    if (reason === undefined && typeof form !== 'string') forms.set(node, form);
    else if (reason !== undefined && rule.layer?.(node) !== undefined) floats.set(node, reason);
  }
  const places = new IntegerPlaces(graph, ruleOf, forms);
  places.drop(order);
  return { nodes: places.included(order), values: places.values(order), floats };
}

/** Why a node cannot run on integers although its operator can; undefined where it can. */
function whyUnfit({ inputs, outputs, graph }: Node, form: IntegerForm): string | undefined {
  for (const index of form.inputs) {
    const value = inputs[index];
    if (value === undefined || elementTypeOf(value) !== 'float32')
      return `it computes in ${value === undefined ? 'nothing' : elementTypeOf(value)}`;
    const isWeight = index === form.weight?.input;
    if (isWeight && (value.tensor === undefined || isGiven(graph, value)))
      return `its weight "${value.name}" is computed, or may be given at run time`;
    const reason = isWeight ? whyNotFinite(value) : undefined;
    if (reason !== undefined) return reason;
    if (!isWeight && value.tensor !== undefined) return `"${value.name}" is a constant`;
  }
  const bias = form.bias?.node.inputs[form.bias.input];
  if (bias !== undefined && (bias.tensor === undefined || elementTypeOf(bias) !== 'float32' || isGiven(graph, bias)))
    return `its bias "${bias.name}" is computed, or may be given at run time`;
  return outputs.every((value) => value === undefined) ? 'nobody reads it' : undefined;
}

/** Whether a caller may feed other numbers: up to IR 3 all initializers are inputs, and none is meant to be fed. */
function isGiven({ scope, inputs }: Graph, value: Value): boolean {
  return !scope.initializersAreInputs && inputs.includes(value);
}

/** The axes along which weights have their scales: nodes that share a weight share its integers. */
class WeightWays {
  readonly #first = new Map<Value, { readonly node: Node; readonly axis: number | undefined }>();

  /** Why a node cannot share the integers of its weight; undefined where it can, or is the first. */
  whyOther(node: Node, { weight }: IntegerForm): string | undefined {
    const value = weight && node.inputs[weight.input];
    if (value === undefined) return undefined;
    const first = this.#first.get(value);
    if (first === undefined) this.#first.set(value, { node, axis: weight?.axis });
    if (first === undefined || first.axis === weight?.axis) return undefined;
    return `its weight "${value.name}" has a scale for each channel of "${labelOf(first.node)}", which reads it along another axis`;
  }
}

/** What becomes integers of what a node makes. */
interface Carrier {
  readonly values: readonly Value[];
  readonly limits: Limits | undefined;
}

class IntegerPlaces {
  readonly #graph: Graph;
  readonly #ruleOf: RuleLookup;
  readonly #forms: Map<Node, IntegerForm>;
  readonly #carriers = new Map<Node, Carrier>();
  readonly #makers = new Map<Value, Node>();

  constructor(graph: Graph, ruleOf: RuleLookup, forms: Map<Node, IntegerForm>) {
    this.#graph = graph;
    this.#ruleOf = ruleOf;
    this.#forms = forms;
    for (const [node, form] of forms) {
      const carrier = this.#carrierOf(node, form);
      this.#carriers.set(node, carrier);
      for (const value of carrier.values) this.#makers.set(value, node);
    }
  }

  /** Leaves in float what integers do not reach, and what gives them to nobody. */
  drop(order: readonly Node[]): void {
    const leading = this.#leading(order);
    for (const node of order) {
      const form = this.#forms.get(node);
      if (form === undefined || form.weight !== undefined) continue;
      const isFed = form.inputs.every((index) => this.#makerOf(node.inputs[index]) !== undefined);
      if (!isFed || !leading.has(node)) this.#forms.delete(node);
    }
    for (const node of [...order].reverse())
      if (
        this.#forms.get(node)?.output === 'same' &&
        node.outputs.every((out) => this.#integerReaders(out).length === 0)
      )
        this.#forms.delete(node);
  }

  included(order: readonly Node[]): Map<Node, IntegerForm> {
    return new Map(
      order.flatMap((node) => {
        const form = this.#forms.get(node);
        return form === undefined ? [] : [[node, form] as const];
      }),
    );
  }

  /** Every value that becomes integers, in the order in which nodes make them. */
  values(order: readonly Node[]): QuantizedValue[] {
    const wanted = new Set<Value>();
    const ties: (readonly [Value, Value])[] = [];
    for (const node of order) {
      const form = this.#forms.get(node);
      const carried = this.#carriers.get(node)?.values ?? [];
      if (form === undefined) continue;
      for (const index of form.inputs) {
        const value = node.inputs[index];
        if (value === undefined || index === form.weight?.input) continue;
        wanted.add(value);
        if (form.output === 'same') for (const out of carried) ties.push([value, out]);
      }
      if (form.output !== 'may') for (const out of carried) wanted.add(out);
    }
    const values = [...wanted];
    const numbers = new Map(values.map((value, i) => [value, i]));
    const sharing = new UnionFind(values.length);
    for (const [a, b] of ties) {
      const [first, second] = [numbers.get(a), numbers.get(b)];
      if (first !== undefined && second !== undefined) sharing.union(first, second);
    }
    return values.map((value, i) => {
      const maker = this.#makerOf(value);
      const isBound = maker !== undefined && this.#forms.get(maker)?.output !== 'may';
      return {
        value,
        readers: isBound ? 'all' : this.#integerReaders(value),
        sharing: sharing.find(i),
        limits: maker && this.#carriers.get(maker)?.limits,
      };
    });
  }

  /** Nodes from which a layer on integers is still to come. */
  #leading(order: readonly Node[]): Set<Node> {
    const leading = new Set<Node>();
    for (const node of [...order].reverse()) {
      for (const out of node.outputs)
        for (const reader of out?.uses ?? [])
          if (leading.has(reader) || this.#forms.get(reader)?.weight !== undefined) leading.add(node);
    }
    return leading;
  }

  /** The integer node that a value is made by, limits and biases included; undefined where none makes it. */
  #makerOf(value: Value | undefined): Node | undefined {
    const maker = value && this.#makers.get(value);
    return maker !== undefined && this.#forms.has(maker) ? maker : undefined;
  }

  /** What is quantized of what a node makes: that itself, with a bias that is added behind, and limited by what is all that reads it. */
  #carrierOf(node: Node, { output, bias }: IntegerForm): Carrier {
    const outputs = node.outputs.filter((value) => value !== undefined);
    if (output === 'same') return { values: outputs, limits: undefined };
    const [value] = (bias?.node ?? node).outputs;
    if (value === undefined) return { values: outputs, limits: undefined };
    const [reader, ...others] = value.uses;
    const isAlone = reader !== undefined && others.length === 0 && !this.#graph.isOutput(value);
    const limits = isAlone && this.#graph.nodes.has(reader) ? this.#limitsOf(reader, value) : undefined;
    const limited = reader?.outputs[0];
    return limits === undefined || limited === undefined
      ? { values: [value], limits: undefined }
      : { values: [limited], limits };
  }

  /** Bounds that a quantizer can take over from a node: zero lies in them. */
  #limitsOf(node: Node, value: Value): Limits | undefined {
    const limits = node.inputs[0] === value ? this.#ruleOf(node).limits?.(node) : undefined;
    return limits !== undefined && limits.least <= 0 && limits.most > 0 ? limits : undefined;
  }

  #integerReaders(value: Value | undefined): Node[] {
    return [...(value?.uses ?? [])].filter((reader) => {
      const form = this.#forms.get(reader);
      return form?.inputs.some((index) => reader.inputs[index] === value) ?? false;
    });
  }
}
