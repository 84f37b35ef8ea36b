/**
 * How often each name occurs, in order of first appearance; as own properties, whatever the name: `__proto__` and
 * `constructor` are names like any other.
 */
export function tally(names: Iterable<string>): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries(counts);
}
