import { installedManifest, nameOf, production } from './project.ts';

/** Licences that let a program under MIT depend on theirs, by their SPDX identifiers. */
const ALLOWED: ReadonlySet<string> = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'CC0-1.0',
  'ISC',
  'MIT',
  'Unlicense',
]);

const BEGIN = '<!-- licences: written by npm run licences -->';
const END = '<!-- end of licences -->';

/**
 * The first licence of an SPDX expression that is allowed: one identifier, or several joined by OR, in brackets or not.
 * Undefined where there is none; AND and WITH are not understood and so never allowed.
 */
export function allowedLicence(expression: string): string | undefined {
  const choices = /^\((.*)\)$/.exec(expression)?.[1] ?? expression;
  return choices.split(' OR ').find((each) => ALLOWED.has(each));
}

/**
 * The licences of all packages that a user gets, as they name them themselves, as a list in Markdown, the most frequent first.
 * @throws Error when a package names no licence, or none that is allowed.
 */
export function licenceList(): string {
  const names = new Map<string, Set<string>>();
  for (const [path, entry] of production) {
    // What is not for this platform is known by the lockfile.
    const { license = '' } = installedManifest(path, entry) ?? entry;
    const licence = allowedLicence(license);
    if (licence === undefined) throw new Error(`${path} is under "${license}", which is not an allowed licence.`);
    const those = names.get(licence) ?? new Set();
    names.set(licence, those.add(nameOf(path)));
  }
  const byCount = [...names].sort(([a, those], [b, others]) => others.size - those.size || (a < b ? -1 : 1));
  return byCount.map(([licence, those]) => `- **${licence}**: ${[...those].sort().join(', ')}`).join('\n');
}

/** A text with the list between its two marks replaced. @throws Error when the marks are not there. */
export function withLicences(text: string, list: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`The text has no "${BEGIN}" with "${END}" after it.`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${list}\n\n${text.slice(end)}`;
}
