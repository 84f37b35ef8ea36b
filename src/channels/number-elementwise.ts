import { isFloat } from '../ir/data-type.ts';
import { type Axis, elementTypeOf, lengthOf, type Value } from '../ir/value.ts';
import { isAxis, type Passage } from '../ops/rule.ts';
import { type ChannelNumbers, nearnessOf, ONES } from './channel-numbers.ts';
import { numbersOf, otherEnd, type Part, type Step } from './number-step.ts';

/** An operand along the axis: numbers per channel, or the same for all channels: a constant, or something unknown. */
type Operand =
  | { readonly kind: 'channels'; readonly numbers: ChannelNumbers }
  | { readonly kind: 'constant'; readonly value: number }
  | { readonly kind: 'shared'; readonly id: number };

/** The axis of each operand that the output's goes along: found once for all, for a node may have ten thousand operands. */
function axesOfOperands({ links, out }: Step): ReadonlyMap<Value, Axis> {
  const axes = new Map<Value, Axis>();
  for (const link of links) {
    const end = link.map.kind === 'same' ? otherEnd(link, out)?.end : undefined;
    if (end !== undefined && isAxis(end) && !axes.has(end.value)) axes.set(end.value, end);
  }
  return axes;
}

function operandOf({ table, out }: Step, value: Value, axes: ReadonlyMap<Value, Axis>): Operand {
  const length = lengthOf(out) ?? 0;
  const end = axes.get(value);
  if (end !== undefined && lengthOf(end) === length)
    return { kind: 'channels', numbers: numbersOf(table, end, length) };
  if (value.tensor?.size === 1 && isFloat(value.tensor.type))
    return { kind: 'constant', value: value.tensor.floats()[0] as number };
  return { kind: 'shared', id: table.intern(`shared ${value.name}`) };
}

/** The numbers along the output of an operator that works element by element; constants are run through it. */
export async function numberElementwise(
  step: Step,
  multiples: 'joint' | 'product' | 'first' | 'none',
): Promise<ChannelNumbers | undefined> {
  const { table, node, key, out, evaluate } = step;
  const length = lengthOf(out) ?? 0;
  const axes = axesOfOperands(step);
  const operands = node.inputs.map((value) => (value === undefined ? undefined : operandOf(step, value, axes)));
  const channels = operands.flatMap((operand) => (operand?.kind === 'channels' ? [operand.numbers] : []));
  const canBeZero = multiples === 'product' && channels.some(({ isUnknown }) => !isUnknown);
  // What is made of channels of which nothing is known is as little known, unless it is multiplied by zero.
  if (!canBeZero && (channels.length === 0 || channels.some(({ isUnknown }) => isUnknown))) return undefined;
  const near = nearnessOf(elementTypeOf(out.value));
  const ids = new Int32Array(length);
  const scales = new Float64Array(length).fill(1);
  const constants: number[] = [];
  for (let i = 0; i < length; i++) {
    const parts = operands.flatMap((operand) => (operand === undefined ? [] : [partOf(operand, i)]));
    if (parts.every(({ id }) => id === ONES)) constants.push(i);
    else if (multiples === 'product' && parts.some(({ id, scale }) => id === ONES && scale === 0)) scales[i] = 0;
    else {
      const { names, ratios, scale } = combine(parts, multiples);
      ids[i] = table.intern(`${key} ${names}`, ratios, near);
      scales[i] = scale;
    }
  }
  const numbers = { ids, scales, isUnknown: false };
  if (constants.length === 0) return numbers;
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
  return numbers;
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
  // What a small difference of a constant does is not known of every operator: an exponent of 2 takes negative numbers, one beside
  // it does not.
  const isExact = multiples === 'none';
  const names = parts.map(({ id, scale }) => (isExact && id === ONES ? `=${scale}` : id)).join(',');
  const scales = parts.map(({ scale }) => scale);
  if (multiples === 'product')
    return { names, ratios: [], scale: scales.reduce((product, scale) => product * scale, 1) };
  // What is common to all operands is the multiple of the first one that is no constant.
  const lead =
    multiples === 'joint' ? parts.find(({ id }) => id !== ONES) : multiples === 'first' ? parts[0] : undefined;
  if (lead === undefined || !(lead.scale > 0) || lead.id === ONES)
    return { names: `${names} as they are`, ratios: scales, scale: 1 };
  if (multiples === 'joint') return { names, ratios: scales.map((scale) => scale / lead.scale), scale: lead.scale };
  return { names, ratios: scales.slice(1), scale: lead.scale };
}

/** The numbers along the output of gains and offsets: a gain of zero leaves the offset alone. */
export function numberAffine(step: Step, { gain, offset }: Passage & { kind: 'affine' }): ChannelNumbers | undefined {
  const { table, node, key, out } = step;
  const length = lengthOf(out) ?? 0;
  const data = node.inputs[0] && operandOf(step, node.inputs[0], axesOfOperands(step));
  if (data?.kind !== 'channels' || gain.length !== length) return undefined;
  if (data.numbers.isUnknown && !gain.includes(0)) return undefined;
  const ids = new Int32Array(length);
  const scales = new Float64Array(length);
  for (let i = 0; i < length; i++) {
    const [id, scale] = [data.numbers.ids[i] as number, data.numbers.scales[i] as number];
    const [times, plus] = [(gain[i] as number) * scale, offset[i] as number];
    if (!Number.isFinite(times) || !Number.isFinite(plus)) ids[i] = table.fresh();
    else if (times === 0 || id === ONES) scales[i] = id === ONES ? times + plus : plus;
    // times · (x + plus / times): channels with the same quotient are multiples of one another.
    else ids[i] = table.intern(`${key} ${id}`, [plus / times], nearnessOf(elementTypeOf(out.value)));
    if (ids[i] !== ONES) scales[i] = Number.isFinite(times) && Number.isFinite(plus) ? times : 1;
  }
  return { ids, scales, isUnknown: false };
}
