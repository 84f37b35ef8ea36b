import { present } from '../errors.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, type Dim, dimsOf, type Value } from '../ir/value.ts';
import type { AxisLink, Contraction, Coupling, IndexMap, Pin, Place, Quantized } from './rule.ts';

const SAME: IndexMap = { kind: 'same' };

/** A link of equal indices. */
export function same(a: Place, b: Place): AxisLink {
  return { a, b, map: SAME };
}

/** The axis `dim` of a value. */
export function axis(value: Value, dim: number): Axis {
  return { value, dim };
}

/** An input that the operator cannot do without. */
export function input(node: Node, index: number): Value {
  return present(node.inputs[index], `input ${index} of ${node.opType} "${node.name}"`);
}

/** An output that the operator always has. */
export function output(node: Node, index = 0): Value {
  return present(node.outputs[index], `output ${index} of ${node.opType} "${node.name}"`);
}

/** The values a node reads and makes, each once. */
export function valuesOf(node: Node): Value[] {
  const values = [...node.inputs, ...node.outputs].filter((value) => value !== undefined);
  return [...new Set(values)];
}

/** Number of axes; undefined where unknown. */
export function rankOf(value: Value): number | undefined {
  return dimsOf(value)?.length;
}

/** Pins on every axis of every input and output: the node is not understood, and this is why. */
export function pinAll(node: Node, reason: string): Coupling {
  const pins = valuesOf(node).flatMap((value) => pinValue(value, reason));
  return { links: [], contractions: [], pins };
}

/** Pins on every axis of one value, or on those chosen. */
export function pinValue(value: Value, reason: string, which: (dim: number) => boolean = () => true): Pin[] {
  return (dimsOf(value) ?? []).flatMap((_, dim) => (which(dim) ? [{ axis: axis(value, dim), reason }] : []));
}

/** The reason where how many axes some tensor has is not known, and the way out. */
export function unrankedAt({ opType }: Node): string {
  return `the rank of a tensor at ${opType} is unknown (an export with fixed sizes, or with declared shapes, may tell it)`;
}

/** Pins on everything, because how many axes some tensor has is not known. */
export function pinUnranked(node: Node): Coupling {
  return pinAll(node, unrankedAt(node));
}

/** Whether the rank of every input and output is known. */
export function isRanked(node: Node): boolean {
  return valuesOf(node).every((value) => rankOf(value) !== undefined);
}

/** A length for counting operations: one sample, one position where the model leaves it open. */
export function countedLength(dim: Dim): number {
  return typeof dim === 'number' ? dim : 1;
}

/** Whether two lengths are the same number, or the same symbol. */
export function sameLength(a: Dim, b: Dim): boolean {
  return a !== undefined && a === b;
}

/**
 * Links an operand's axis with the output's that it lines up with, unless the operand is stretched there from length 1.
 * Lengths that differ or are unknown are linked too: the reader of links pins both ends of those.
 */
export function lineUp(coupling: CouplingBuilder, operand: Axis, out: Axis): void {
  const [length, outLength] = [dimsOf(operand.value)?.[operand.dim], dimsOf(out.value)?.[out.dim]];
  if (length !== 1 || outLength === 1) coupling.same(operand, out);
}

/** An input that is summed over an axis, and the input that holds its zero point where it is quantized. */
export interface Summed {
  readonly input: number;
  readonly axis: Axis;
  readonly zero?: number | undefined;
}

/** Passes the axes of a value to those of another of the same rank; an axis that a reason holds stays in both. */
export function passAxes(
  coupling: CouplingBuilder,
  from: Value,
  to: Value,
  reasonOf: (dim: number) => string | undefined = () => undefined,
): void {
  dimsOf(from)?.forEach((_, dim) => {
    const reason = reasonOf(dim);
    if (reason === undefined) coupling.same(axis(from, dim), axis(to, dim));
    else coupling.pin(from, dim, reason).pin(to, dim, reason);
  });
}

/**
 * The input to mask for a sum of products over an axis that inputs share: the one that is computed, where only one is.
 * The others are its factors, but for those whose zero is not known to be the number zero.
 */
export function contract(coupling: CouplingBuilder, operands: readonly Summed[]): void {
  const computed = operands.find((operand) => operand.axis.value.tensor === undefined) ?? operands[0];
  if (computed === undefined) return;
  const factors = operands.flatMap((each) => (each === computed || each.zero !== undefined ? [] : [each.axis]));
  coupling.contractions.push(contraction(computed.input, computed.axis.dim, computed.zero, factors));
}

/**
 * A sum over an axis of an input; `zero` where the input is quantized: the input that holds its zero point.
 * @param factors axes of the other inputs that it is multiplied by
 */
export function contraction(input: number, dim: number, zero?: number, factors: readonly Axis[] = []): Contraction {
  return { input, dim, ...(zero === undefined ? {} : { zero }), ...(factors.length > 0 && { factors }) };
}

/** Collects the parts of a coupling, for rules that build it in steps. */
export class CouplingBuilder implements Coupling {
  readonly links: AxisLink[] = [];
  readonly contractions: Contraction[] = [];
  readonly pins: Pin[] = [];
  readonly approximate: Pin[] = [];
  readonly blocked: Axis[] = [];
  readonly gains: Axis[] = [];
  readonly batched: Place[] = [];
  readonly inside: Place[] = [];
  readonly free: Axis[] = [];
  readonly tables: Axis[] = [];
  readonly opaque: Value[] = [];
  readonly quantized: Quantized[] = [];

  same(a: Place, b: Place): this {
    this.links.push(same(a, b));
    return this;
  }

  pin(value: Value, dim: number, reason: string): this {
    this.pins.push({ axis: axis(value, dim), reason });
    return this;
  }
}
