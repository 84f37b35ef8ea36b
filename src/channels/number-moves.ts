import { isFloat } from '../ir/data-type.ts';
import { elementTypeOf } from '../ir/value.ts';
import { isAxis, type Passage, type Place } from '../ops/rule.ts';
import { type ChannelNumbers, nearnessOf, ONES } from './channel-numbers.ts';
import { forEachPair } from './index-map.ts';
import { isSamePlace, lengthAlong, numbersOf, otherEnd, type Part, type Step } from './number-step.ts';

/** The numbers along an output of an operator that moves elements about, or takes means or maxima of them. */
export function numberMoved(step: Step, passage: Passage & { kind: 'moves' }): ChannelNumbers | undefined {
  return isNews(step) ? gather(step, passage, step.out, undefined) : undefined;
}

/** Whether anything is known of some channel that comes in, or a channel comes in twice. */
function isNews({ table, node, links }: Step): boolean {
  const inputs = node.inputs.filter((value) => value !== undefined && isFloat(elementTypeOf(value)));
  const isKnown = (place: Place): boolean =>
    isAxis(place) && inputs.includes(place.value) && (place.value.tensor !== undefined || table.isKnown(place));
  return new Set(inputs).size < inputs.length || links.some(({ a, b }) => isKnown(a) || isKnown(b));
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
  const { links } = step;
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
  const parts = arrivals.map((own) => together(step, own));
  return {
    ids: Int32Array.from(parts, ({ id }) => id),
    scales: Float64Array.from(parts, ({ scale }) => scale),
    isUnknown: false,
  };
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
  { table, key, out }: Step,
  { constant, multiples }: Passage & { kind: 'moves' },
  { id, scale }: Part,
  copy: number,
): Part {
  if (id === ONES && (constant || (multiples !== 'none' && scale === 0))) return { id, scale };
  const staysMultiple = multiples === 'any' || (multiples === 'positive' && scale > 0);
  return staysMultiple
    ? { id: table.intern(`${key} ${id} ${copy}`), scale }
    : { id: table.intern(`${key} ${id} ${copy} as it is`, [scale], nearnessOf(elementTypeOf(out.value))), scale: 1 };
}

/** What channels are that become one, in their order; where nothing came, nobody knows. */
function together({ table, out }: Step, parts: readonly Part[]): Part {
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
          nearnessOf(elementTypeOf(out.value)),
        ),
        scale: lead,
      }
    : { id: table.fresh(), scale: 1 };
}
