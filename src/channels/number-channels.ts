import { isFloat } from '../ir/data-type.ts';
import type { Node } from '../ir/node.ts';
import { type Axis, dimsOf, elementTypeOf, lengthOf, type Value } from '../ir/value.ts';
import { stridesOf } from '../numeric/slices.ts';
import { axis } from '../ops/coupling.ts';
import { type AxisLink, isAxis, type Passage, type Place } from '../ops/rule.ts';
import { type ChannelNumbers, NumberTable, ONES } from './channel-numbers.ts';
import type { RuleLookup } from './couplings.ts';
import type { ChannelMap } from './group.ts';
import { forEachPair } from './index-map.ts';
import { numberRows } from './number-rows.ts';

/**
 * Runs an elementwise node on numbers: `operands[i]` holds a number per channel for input i, and is absent for inputs that
 * are constants of their own or left out.
 * @returns a number per channel, or undefined where the node could not be run
 */
export type ElementwiseEvaluator = (
  node: Node,
  operands: readonly (Float64Array | undefined)[],
) => Promise<Float64Array | undefined>;

/**
 * Numbers what the channels of a model hold, as far as rules tell: which are the same number everywhere, and which are
 * positive multiples of one another, whatever the inputs are. Only axes that something can leave are looked at.
 */
export async function numberChannels(
  map: ChannelMap,
  ruleOf: RuleLookup,
  evaluate: ElementwiseEvaluator,
): Promise<NumberTable> {
  const table = new NumberTable();
  for (const [index, { node, coupling }] of map.couplings.entries()) {
    const rule = ruleOf(node);
    const layer = rule.layer?.(node);
    if (layer !== undefined) {
      const rows = isLoose(map, layer.out) ? numberRows(layer, table, ruleOf) : undefined;
      if (rows !== undefined) table.set(layer.out, rows);
      continue;
    }
    const passage = rule.passage?.(node) ?? (rule.passage === undefined && rule.passesElements ? UNCHANGED : undefined);
    if (passage === undefined) continue;
    for (const out of node.outputs) {
      if (out === undefined || !isFloat(elementTypeOf(out))) continue;
      for (const dim of (dimsOf(out) ?? []).keys()) {
        const place = axis(out, dim);
        if (!isLoose(map, place)) continue;
        const step: Step = { table, node, key: `${index} ${dim}`, links: coupling.links, out: place, evaluate };
        const numbers = await follow(step, passage);
        if (numbers !== undefined) table.set(place, numbers);
      }
    }
  }
  return table;
}

const UNCHANGED: Passage = { kind: 'moves', constant: true, homogeneous: true };

/** Whether something along an axis can leave. */
function isLoose(map: ChannelMap, place: Axis): boolean {
  return map.unitsAlong(place)?.some((unit) => unit >= 0) ?? false;
}

/** One node, and the axis of its output that is to be numbered. */
interface Step {
  readonly table: NumberTable;
  readonly node: Node;
  /** Tells the functions of different nodes apart. */
  readonly key: string;
  readonly links: readonly AxisLink[];
  readonly out: Axis;
  readonly evaluate: ElementwiseEvaluator;
}

function follow(step: Step, passage: Passage): ChannelNumbers | undefined | Promise<ChannelNumbers | undefined> {
  switch (passage.kind) {
    case 'moves':
      return move(step, passage);
    case 'elementwise':
      return elementwise(step, passage.multiples);
    case 'affine':
      return passage.dim === step.out.dim ? affine(step, passage) : undefined;
  }
}

/** The other end of a link whose one end is the place, and whether that other end stands first. */
function otherEnd({ a, b }: AxisLink, place: Place): { readonly end: Place; readonly isFirst: boolean } | undefined {
  if (isSamePlace(b, place)) return { end: a, isFirst: true };
  if (isSamePlace(a, place)) return { end: b, isFirst: false };
  return undefined;
}

function isSamePlace(a: Place, b: Place): boolean {
  if (isAxis(a)) return isAxis(b) && a.value === b.value && a.dim === b.dim;
  return !isAxis(b) && a.node === b.node && a.name === b.name;
}

function lengthAlong(place: Place): number | undefined {
  return isAxis(place) ? lengthOf(place) : place.length;
}

function move(step: Step, passage: Passage & { kind: 'moves' }): ChannelNumbers {
  return gather(step, passage, step.out, undefined);
}

/**
 * What comes to a place from the inputs, straight or by way of a place inside the node.
 * @param behind the place that it is wanted for, which nothing comes from
 */
function gather(
  step: Step,
  passage: Passage & { kind: 'moves' },
  place: Place,
  behind: Place | undefined,
): ChannelNumbers {
  const { table, links } = step;
  const length = lengthAlong(place) ?? 0;
  const arrivals: Part[][] = Array.from({ length }, () => []);
  for (const link of links) {
    const other = otherEnd(link, place);
    const from = other && lengthAlong(other.end);
    if (other === undefined || from === undefined || (behind !== undefined && isSamePlace(other.end, behind))) continue;
    const numbers = sourceNumbers(step, passage, other.end, place, from);
    if (numbers === undefined) continue;
    // A channel may go to several places (Flatten): which of them, counted from its first, is part of what it is.
    const copies = new Int32Array(from);
    const visit = (at: number, to: number): void => {
      const copy = copies[at] as number;
      copies[at] = copy + 1;
      arrivals[to]?.push(
        moved(step, passage, { id: numbers.ids[at] as number, scale: numbers.scales[at] as number }, copy),
      );
    };
    const [lengthA, lengthB] = other.isFirst ? [from, length] : [length, from];
    forEachPair(link.map, lengthA, lengthB, (a, b) => (other.isFirst ? visit(a, b) : visit(b, a)));
  }
  const parts = arrivals.map((own) => together(table, own));
  return { ids: Int32Array.from(parts, ({ id }) => id), scales: Float64Array.from(parts, ({ scale }) => scale) };
}

/** The numbers of what a place is filled from: an input, or a place inside the node. */
function sourceNumbers(
  step: Step,
  passage: Passage & { kind: 'moves' },
  source: Place,
  behind: Place,
  length: number,
): ChannelNumbers | undefined {
  if (!isAxis(source)) return isAxis(behind) ? gather(step, passage, source, behind) : undefined;
  const isInput = step.node.inputs.includes(source.value);
  return isInput && isFloat(elementTypeOf(source.value)) ? numbersOf(step.table, source, length) : undefined;
}

function moved(
  { table, key }: Step,
  { constant, homogeneous }: Passage & { kind: 'moves' },
  { id, scale }: Part,
  copy: number,
): Part {
  if (id === ONES && (constant || (homogeneous && scale === 0))) return { id, scale };
  return homogeneous
    ? { id: table.intern(`${key} ${id} ${copy}`), scale }
    : { id: table.intern(`${key} ${id} ${copy}`, [scale]), scale: 1 };
}

/** What channels are that become one, in their order; where nothing came, nobody knows. */
function together(table: NumberTable, parts: readonly Part[]): Part {
  const [first, ...others] = parts;
  if (first === undefined) return { id: table.fresh(), scale: 1 };
  if (others.length === 0 || parts.every(({ id, scale }) => id === ONES && scale === first.scale)) return first;
  const lead = parts.find(({ id }) => id !== ONES)?.scale ?? 1;
  const names = parts.map(({ id }) => id).join(',');
  return lead > 0
    ? {
        id: table.intern(
          `all of ${names}`,
          parts.map(({ scale }) => scale / lead),
        ),
        scale: lead,
      }
    : { id: table.fresh(), scale: 1 };
}

/** The numbers along an axis of a computed value, or of a constant with one number for each position. */
function numbersOf(table: NumberTable, place: Axis, length: number): ChannelNumbers {
  const { tensor } = place.value;
  if (tensor === undefined || !isFloat(tensor.type)) return table.along(place, length);
  const { outer, size, inner } = stridesOf(tensor.dims, place.dim);
  const data = tensor.floats();
  const ids = new Int32Array(length);
  const scales = new Float64Array(length);
  for (let i = 0; i < size; i++) {
    const value = data[i * inner] as number;
    const isOne = isUniform(data, { outer, size, inner }, i);
    ids[i] = isOne && Number.isFinite(value) ? ONES : table.fresh();
    scales[i] = ids[i] === ONES ? value : 1;
  }
  return { ids, scales };
}

function isUniform(
  data: Float32Array | Float64Array,
  { outer, size, inner }: { outer: number; size: number; inner: number },
  i: number,
): boolean {
  const value = data[i * inner];
  for (let block = 0; block < outer; block++) {
    const from = (block * size + i) * inner;
    for (let at = from; at < from + inner; at++) if (data[at] !== value) return false;
  }
  return true;
}

/** An operand along the axis: numbers per channel, or the same for all channels: a constant, or something unknown. */
type Operand =
  | { readonly kind: 'channels'; readonly numbers: ChannelNumbers }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'shared'; readonly id: number };

function operandOf({ table, links, out }: Step, value: Value): Operand {
  const length = lengthOf(out) ?? 0;
  const ends = links.flatMap((link) => (link.map.kind === 'same' ? (otherEnd(link, out)?.end ?? []) : []));
  const end = ends.find((each) => isAxis(each) && each.value === value);
  if (end !== undefined && isAxis(end) && lengthOf(end) === length)
    return { kind: 'channels', numbers: numbersOf(table, end, length) };
  if (value.tensor?.size === 1 && isFloat(value.tensor.type))
    return { kind: 'constant', value: value.tensor.floats()[0] as number };
  return { kind: 'shared', id: table.intern(`shared ${value.name}`) };
}

async function elementwise(
  step: Step,
  multiples: 'joint' | 'product' | 'first' | 'none',
): Promise<ChannelNumbers | undefined> {
  const { table, node, key, out, evaluate } = step;
  const length = lengthOf(out) ?? 0;
  const operands = node.inputs.map((value) => (value === undefined ? undefined : operandOf(step, value)));
  if (!operands.some((operand) => operand?.kind === 'channels')) return undefined;
  const ids = new Int32Array(length);
  const scales = new Float64Array(length).fill(1);
  const constants: number[] = [];
  for (let i = 0; i < length; i++) {
    const parts = operands.flatMap((operand) => (operand === undefined ? [] : [partOf(operand, i)]));
    if (parts.every(({ id }) => id === ONES)) constants.push(i);
    else if (multiples === 'product' && parts.some(({ id, scale }) => id === ONES && scale === 0)) scales[i] = 0;
    else {
      const { names, ratios, scale } = combine(parts, multiples);
      ids[i] = table.intern(`${key} ${names}`, ratios);
      scales[i] = scale;
    }
  }
  if (constants.length === 0) return { ids, scales };
  const results = await evaluate(
    node,
    operands.map((operand) =>
      operand?.kind === 'channels'
        ? Float64Array.from(constants, (i) => operand.numbers.scales[i] as number)
        : undefined,
    ),
  );
  constants.forEach((i, at) => {
    const result = results?.[at];
    if (result === undefined || !Number.isFinite(result)) ids[i] = table.fresh();
    else scales[i] = result;
  });
  return { ids, scales };
}

interface Part {
  readonly id: number;
  readonly scale: number;
}

function partOf(operand: Operand, i: number): Part {
  if (operand.kind === 'constant') return { id: ONES, scale: operand.value };
  if (operand.kind === 'shared') return { id: operand.id, scale: 1 };
  return { id: operand.numbers.ids[i] as number, scale: operand.numbers.scales[i] as number };
}

/** What operands make together: a name for their numbers, what has to be the same besides, and the multiple. */
function combine(
  parts: readonly Part[],
  multiples: 'joint' | 'product' | 'first' | 'none',
): { readonly names: string; readonly ratios: readonly number[]; readonly scale: number } {
  const names = parts.map(({ id }) => id).join(',');
  const scales = parts.map(({ scale }) => scale);
  if (multiples === 'product')
    return { names, ratios: [], scale: scales.reduce((product, scale) => product * scale, 1) };
  // What is common to all operands is the multiple of the first one that is no constant.
  const lead =
    multiples === 'joint' ? parts.find(({ id }) => id !== ONES) : multiples === 'first' ? parts[0] : undefined;
  if (lead === undefined || !(lead.scale > 0) || lead.id === ONES) return { names, ratios: scales, scale: 1 };
  if (multiples === 'joint') return { names, ratios: scales.map((scale) => scale / lead.scale), scale: lead.scale };
  return { names, ratios: scales.slice(1), scale: lead.scale };
}

function affine(step: Step, { gain, offset }: Passage & { kind: 'affine' }): ChannelNumbers | undefined {
  const { table, node, key, out } = step;
  const length = lengthOf(out) ?? 0;
  const data = node.inputs[0] && operandOf(step, node.inputs[0]);
  if (data?.kind !== 'channels' || gain.length !== length) return undefined;
  const ids = new Int32Array(length);
  const scales = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const [id, scale] = [data.numbers.ids[i] as number, data.numbers.scales[i] as number];
    const [times, plus] = [(gain[i] as number) * scale, offset[i] as number];
    if (!Number.isFinite(times) || !Number.isFinite(plus)) ids[i] = table.fresh();
    else if (times === 0 || id === ONES) scales[i] = id === ONES ? times + plus : plus;
    // times · (x + plus / times): channels with the same quotient are multiples of one another.
    else ids[i] = table.intern(`${key} ${id}`, [plus / times]);
    if (ids[i] !== ONES) scales[i] = Number.isFinite(times) && Number.isFinite(plus) ? times : 1;
  }
  return { ids, scales };
}
