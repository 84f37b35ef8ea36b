import { typeOf } from './ir/import.ts';
import { type Dim, dimsOf, type Value } from './ir/value.ts';

/** The symbols that the file itself declares for a value: names that were given to open dims say nothing to a reader. */
export function declaredSymbols({ info }: Value): ReadonlySet<Dim> {
  return new Set(info && typeOf(info)?.dims);
}

/** The dims of a value for a reader: numbers, the symbols among `names`, and '?' for all else; none where the rank is unknown. */
export function printableDims(value: Value | undefined, names: ReadonlySet<Dim>): (number | string)[] {
  const dims = (value && dimsOf(value)) ?? [];
  return dims.map((dim) => (typeof dim === 'number' || (dim !== undefined && names.has(dim)) ? dim : '?'));
}
