import { isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import type { Axis, Value } from '../ir/value.ts';
import { axis } from '../ops/coupling.ts';
import { type Coupling, isAxis, type Place } from '../ops/rule.ts';
import type { NodeCoupling } from './couplings.ts';
import type { Role } from './group.ts';

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
  /** Every use of an initializer by a node, in executable order. */
  readonly uses: ReadonlyMap<Value, readonly ConstantUse[]>;
  isGain(axis: Axis): boolean;
  isBlocked(place: Place): boolean;
}

function note(value: Value, dims: Map<Value, Set<number>>, dim: number): void {
  const known = dims.get(value);
  if (known === undefined) dims.set(value, new Set([dim]));
  else known.add(dim);
}

/**
 * Reads from the couplings what each initializer is for. A weight is a floating-point initializer of rank two or more
 * at a node that sums over an axis: the axes linked to that sum are `in`, other linked ones `out`; axes that no other
 * tensor shares (the kernel of a convolution) are neither.
 */
export function rolesOf(couplings: readonly NodeCoupling[]): Roles {
  const uses = new Map<Value, ConstantUse[]>();
  const weights: { axis: Axis; node: Node; role: Role }[] = [];
  const gains = new Map<Value, Set<number>>();
  const blocked = new Map<Value, Set<number>>();
  for (const { node, coupling } of couplings) {
    for (const each of coupling.gains ?? []) note(each.value, gains, each.dim);
    for (const each of coupling.blocked ?? []) note(each.value, blocked, each.dim);
    const constants = new Set(node.inputs.filter((value) => value?.tensor !== undefined));
    if (constants.size === 0) continue;
    const summed = summedAxes({ node, coupling });
    const linked = linkedAxes(coupling);
    for (const value of constants) {
      if (value?.tensor === undefined) continue;
      const isWeight = coupling.contractions.length > 0 && value.tensor.dims.length >= 2 && isFloat(value.tensor.type);
      const roleOf = (dim: number): Role => {
        if (!isWeight || !linked.get(value)?.has(dim)) return 'through';
        return summed.get(value)?.has(dim) ? 'in' : 'out';
      };
      const list = uses.get(value) ?? [];
      list.push({ value, node, roleOf });
      uses.set(value, list);
      value.tensor.dims.forEach((_, dim) => {
        if (roleOf(dim) !== 'through') weights.push({ axis: axis(value, dim), node, role: roleOf(dim) });
      });
    }
  }
  return {
    weights,
    uses,
    isGain: ({ value, dim }) => gains.get(value)?.has(dim) ?? false,
    isBlocked: (place) => isAxis(place) && (blocked.get(place.value)?.has(place.dim) ?? false),
  };
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
