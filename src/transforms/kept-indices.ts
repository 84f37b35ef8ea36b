import type { KeptIndices } from './describe-groups.ts';

/** An axis of an initializer, by name. */
export interface AxisName {
  readonly initializer: string;
  readonly axis: number;
}

function keyOf({ initializer, axis }: AxisName): string {
  return `${axis} ${initializer}`;
}

/** What an index along an axis was before cuts that were made already. */
export function originalIndex(cuts: readonly KeptIndices[], of: AxisName, index: number): number {
  const key = keyOf(of);
  return cuts.find((cut) => keyOf(cut) === key)?.kept[index] ?? index;
}

/** Two cuts, one after the other, as one: everything in the numbering before the first. */
export function composeAxes(first: readonly KeptIndices[], second: readonly KeptIndices[]): KeptIndices[] {
  const before = new Map(first.map((axis) => [keyOf(axis), axis]));
  const again = new Map(second.map((axis) => [keyOf(axis), axis]));
  return [
    ...first.map((axis): KeptIndices => {
      const later = again.get(keyOf(axis));
      return later === undefined ? axis : { ...axis, kept: later.kept.map((index) => axis.kept[index] ?? index) };
    }),
    ...second.filter((axis) => !before.has(keyOf(axis))),
  ];
}
