/** A version as numbers, the most important first. */
type Version = readonly number[];

/**
 * Whether a range of Node versions holds all those from a version on, which an open range such as ">=20.19" asks for.
 * Ranges are alternatives joined by ||, each of one comparison; those without a lower bound alone ("^20", "10.*", two
 * comparisons) end somewhere, and so never do. After the grammar of node-semver.
 */
export function holdsFrom(range: string, first: string): boolean {
  return range.split('||').some((each) => {
    const alternative = each.trim();
    if (alternative === '' || alternative === '*') return true;
    const bound = /^>=\s*v?(\d+(?:\.\d+)*)(?:\.[x*])*$/.exec(alternative)?.[1];
    return bound !== undefined && compare(versionOf(bound), versionOf(first)) <= 0;
  });
}

function versionOf(text: string): Version {
  return text.split('.').map(Number);
}

function compare(a: Version, b: Version): number {
  for (let place = 0; place < Math.max(a.length, b.length); place++) {
    const difference = (a[place] ?? 0) - (b[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
