import { holdsWeights } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, dimsOf, elementTypeOf, type Value } from '../ir/value.ts';
import { axis } from '../ops/coupling.ts';
import { type Coupling, isAxis, type Place, type QuantizationParameter } from '../ops/rule.ts';
import type { ProductPart } from './choose.ts';
import type { NodeCoupling } from './couplings.ts';
import type { ConstantParameter, Quantization, Role } from './group.ts';
import { PlaceMap } from './places.ts';

/** A constant input of some node and what its axes are there. */
export interface ConstantUse {
  readonly value: Value;
  readonly node: Node;
  roleOf(dim: number): Role;
}

/** What the couplings say of initializers. */
export interface Roles {
  /** Axes of weights: what a layer sums with. */
  readonly weights: readonly { readonly axis: Axis; readonly node: Node; readonly role: Role }[];
  /** First axes of matrices at nodes that are not understood at all, and why: they might have been weights. */
  readonly unread: readonly { readonly axis: Axis; readonly node: Node; readonly reason: string }[];
  /** Every use of an initializer by a node, in executable order. */
  readonly uses: ReadonlyMap<Value, readonly ConstantUse[]>;
  /** Heads, or dimensions inside heads, where a place is an axis of such a product. */
  partOf(place: Place): ProductPart | undefined;
  /** The nodes that take statistics over a place. */
  mixersOf(place: Place): readonly Node[];
  /** What makes real numbers of the integers of an initializer, as the first node that says so has it. */
  readonly quantizations: ReadonlyMap<Value, Quantization>;
  isGain(axis: Axis): boolean;
  isBlocked(place: Place): boolean;
}

function note(value: Value, dims: Map<Value, Set<number>>, dim: number): void {
  const known = dims.get(value);
  if (known === undefined) dims.set(value, new Set([dim]));
  else known.add(dim);
}

/** A value as the data of an initializer: itself, or what operators that only hand constants on make of it. */
interface Source {
  readonly initializer: Value;
  /** For each axis of the value, the initializer's axis with the same positions. */
  readonly dims: readonly (number | undefined)[];
}

/**
 * Reads from the couplings what each initializer is for. A weight is real or quantized data of rank two or more at a
 * node that sums over an axis, or a table that is looked up. Its axes that are lined up with the sum are `in`, other
 * linked ones `out`; axes that no other tensor shares (the kernel of a convolution) are neither. Weights behind a
 * Cast, a Transpose or a DequantizeLinear count as the initializers that they come from.
 */
export function rolesOf(couplings: readonly NodeCoupling[]): Roles {
  const uses = new Map<Value, ConstantUse[]>();
  const weights: { axis: Axis; node: Node; role: Role }[] = [];
  const unread: { axis: Axis; node: Node; reason: string }[] = [];
  const gains = new Map<Value, Set<number>>();
  const blocked = new Map<Value, Set<number>>();
  const tables = new Map<Value, Set<number>>();
  const parts = new PlaceMap<ProductPart>();
  const mixers = new PlaceMap<Node[]>();
  const derived = new Map<Value, Source>();
  const lookedUp = new Map<Value, Source>();
  const quantizations = new Map<Value, Quantization>();
  const sourceOf = (value: Value): Source | undefined =>
    value.tensor === undefined
      ? derived.get(value)
      : { initializer: value, dims: value.tensor.dims.map((_, dim) => dim) };
  for (const { node, coupling } of couplings) {
    for (const each of coupling.gains ?? []) note(each.value, gains, each.dim);
    for (const each of coupling.blocked ?? []) note(each.value, blocked, each.dim);
    for (const each of coupling.tables ?? []) note(each.value, tables, each.dim);
    for (const each of coupling.inside ?? []) parts.set(each, 'head-dim');
    // A place that is the batch of one product and inside another (the heads in talking-heads attention) counts as heads.
    for (const each of coupling.batched ?? []) parts.set(each, 'heads');
    for (const { axis: mixed } of coupling.approximate ?? []) mixers.set(mixed, [...(mixers.get(mixed) ?? []), node]);
    const parameters = new Set<Value>(coupling.opaque);
    for (const { integers, scale, zeroPoint } of coupling.quantized ?? []) {
      for (const parameter of [scale, zeroPoint]) if (parameter !== undefined) parameters.add(parameter.value);
      const source = sourceOf(integers) ?? lookedUp.get(integers);
      if (source === undefined || quantizations.has(source.initializer)) continue;
      quantizations.set(source.initializer, {
        scale: constantParameter(scale, source),
        zeroPoint: constantParameter(zeroPoint, source),
      });
    }
    const taken = takenOver({ node, coupling }, sourceOf);
    if (taken !== undefined && (coupling.tables ?? []).length > 0) lookedUp.set(taken.output, taken.source);
    else if (taken !== undefined && isHandedOn({ node, coupling }, sourceOf)) {
      derived.set(taken.output, taken.source);
      continue;
    }
    unread.push(...unreadOf({ node, coupling }));
    const summed = summedAxes({ node, coupling });
    const linked = linkedAxes(coupling);
    for (const value of new Set(node.inputs)) {
      const source = value && sourceOf(value);
      if (value === undefined || source === undefined) continue;
      const mayWeigh = holdsWeights(elementTypeOf(value)) && !parameters.has(value);
      const isWeight = coupling.contractions.length > 0 && source.dims.length >= 2 && mayWeigh;
      const roleOf = (dim: number): Role => {
        const here = source.dims.indexOf(dim);
        if (tables.get(value)?.has(here) && mayWeigh) return 'out';
        if (!isWeight || !linked.get(value)?.has(here)) return 'through';
        return summed.get(value)?.has(here) ? 'in' : 'out';
      };
      const { initializer } = source;
      const list = uses.get(initializer) ?? [];
      list.push({ value: initializer, node, roleOf });
      uses.set(initializer, list);
      initializer.tensor?.dims.forEach((_, dim) => {
        if (roleOf(dim) !== 'through') weights.push({ axis: axis(initializer, dim), node, role: roleOf(dim) });
      });
    }
  }
  return {
    weights,
    unread,
    uses,
    partOf: (place) => parts.get(place),
    mixersOf: (place) => mixers.get(place) ?? [],
    quantizations,
    isGain: ({ value, dim }) => gains.get(value)?.has(dim) ?? false,
    isBlocked: (place) => isAxis(place) && (blocked.get(place.value)?.has(place.dim) ?? false),
  };
}

/** The matrices at a node of which nothing is known but that it may not change. */
function unreadOf({ node, coupling }: NodeCoupling): { axis: Axis; node: Node; reason: string }[] {
  const [pin] = coupling.pins;
  if (pin === undefined || coupling.links.length > 0 || (coupling.choices ?? []).length > 0) return [];
  return node.inputs.flatMap((value) =>
    value?.tensor !== undefined && value.tensor.dims.length >= 2 && holdsWeights(value.tensor.type)
      ? [{ axis: axis(value, 0), node, reason: pin.reason }]
      : [],
  );
}

/**
 * A scale or zero point over the initializer's own axes; undefined where it is computed, or lies along what is not
 * one axis.
 */
function constantParameter(
  parameter: QuantizationParameter | undefined,
  source: Source,
): ConstantParameter | undefined {
  const tensor = parameter?.value.tensor;
  if (parameter === undefined || tensor === undefined) return undefined;
  const dims = parameter.dims.map((dim) => source.dims[dim] ?? -1);
  return tensor.dims.every((length, own) => length === 1 || dims[own] !== -1) ? { tensor, dims } : undefined;
}

/** Whether a node makes something of constants alone without summing. */
function isHandedOn({ node, coupling }: NodeCoupling, sourceOf: (value: Value) => Source | undefined): boolean {
  return (
    coupling.contractions.length === 0 &&
    node.inputs.every((value) => value === undefined || sourceOf(value) !== undefined)
  );
}

/**
 * What the output of a node takes of the data of its first input, where those are constant: its axes perhaps in
 * another order.
 */
function takenOver(
  { node, coupling }: NodeCoupling,
  sourceOf: (value: Value) => Source | undefined,
): { output: Value; source: Source } | undefined {
  const [first, output] = [node.inputs[0], node.outputs[0]];
  const source = first && sourceOf(first);
  if (source === undefined || first === undefined || output === undefined) return undefined;
  const dims: (number | undefined)[] = (dimsOf(output) ?? []).map(() => undefined);
  for (const { a, b, map } of coupling.links) {
    if (map.kind !== 'same' || !isAxis(a) || !isAxis(b)) continue;
    const reads: Axis = a.value === first ? a : b;
    const makes: Axis = reads === a ? b : a;
    if (reads.value === first && makes.value === output) dims[makes.dim] = source.dims[reads.dim];
  }
  return { output, source: { initializer: source.initializer, dims } };
}

/** The axes that correspond to another tensor's in some reading of the node. */
function linkedAxes(coupling: Coupling): Map<Value, Set<number>> {
  const linked = new Map<Value, Set<number>>();
  const alternatives = (coupling.choices ?? []).flat();
  for (const { a, b } of [...coupling.links, ...alternatives.flatMap((alternative) => alternative.links)]) {
    for (const place of [a, b]) if (isAxis(place)) note(place.value, linked, place.dim);
  }
  return linked;
}

/** The axes that a node sums over, and the axes of other inputs that are lined up with those. */
function summedAxes({ node, coupling }: NodeCoupling): Map<Value, Set<number>> {
  const summed = new Map<Value, Set<number>>();
  for (const { input, dim } of coupling.contractions) {
    const value = node.inputs[input];
    if (value !== undefined) note(value, summed, dim);
  }
  const isSummed = (place: Place): boolean => isAxis(place) && (summed.get(place.value)?.has(place.dim) ?? false);
  for (const { a, b } of coupling.links) {
    if (isSummed(a) && isAxis(b)) note(b.value, summed, b.dim);
    else if (isSummed(b) && isAxis(a)) note(a.value, summed, a.dim);
  }
  return summed;
}
