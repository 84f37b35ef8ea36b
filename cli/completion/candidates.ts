import type { Command, Option } from 'commander';
import { RANKED, VALUES } from './values.ts';

/** Something that may stand where the cursor is. */
export interface Candidate {
  readonly name: string;
  readonly description: string;
}

/** What may stand where the cursor is: some words, or a file. */
export type Candidates = readonly Candidate[] | 'files';

/**
 * What may follow on a command line.
 * @param words behind the program's name, up to the cursor; the last one is being typed and may be empty
 * @param criteria names of criteria
 * @param breaksAtEquals whether the shell takes what is behind "=" for a word of its own, as bash does, and wants no more than that
 */
export function candidatesAt(
  root: Command,
  words: readonly string[],
  criteria: readonly string[],
  breaksAtEquals = false,
): Candidates {
  const [last = '', before] = [words.at(-1), words.slice(0, -1)];
  const [, joined, value] = /^(--[^=]+)=(.*)$/.exec(last) ?? [];
  if (joined !== undefined && value !== undefined) {
    const found = candidatesAt(root, [...before, joined, value], criteria);
    if (found === 'files' || breaksAtEquals) return found;
    return found.map((each) => ({ ...each, name: `${joined}=${each.name}` }));
  }
  const typed = last;
  const [first] = before;
  const named = root.commands.find(
    (each) => each.name() === first || (first !== undefined && each.aliases().includes(first)),
  );
  // Without a command's name, it is the one that prunes.
  const command = named ?? root.commands[0];
  if (command === undefined) return 'files';
  const previous = before.at(-1) ?? '';
  const asked = optionsOf(command).find(
    ({ long, short }) => previous !== '' && (long === previous || short === previous),
  );
  if (asked !== undefined && takesValue(asked)) {
    const values = valuesOf(asked, criteria);
    // What may have a word behind it may stand alone, too.
    if (values !== undefined && !(asked.optional && typed.startsWith('-'))) return starting(typed, values.map(plain));
    if (!asked.optional) return 'files';
  }
  if (typed.startsWith('-')) {
    const options = optionsOf(command).filter(({ hidden }) => !hidden);
    return starting(typed, [...options.flatMap(flagsOf), { name: '--help', description: 'display help' }]);
  }
  if (before.length > 0 || typed === '') {
    const choices = command.registeredArguments[0]?.argChoices;
    if (choices !== undefined) return starting(typed, choices.map(plain));
  }
  if (before.length > 0) return 'files';
  const commands = root.commands.filter((each) => !isHidden(root, each));
  const found = starting(
    typed,
    commands.map((each) => ({ name: each.name(), description: each.description() })),
  );
  return typed === '' || found.length > 0 ? found : 'files';
}

function isHidden(root: Command, command: Command): boolean {
  return !root.createHelp().visibleCommands(root).includes(command);
}

function optionsOf(command: Command): readonly Option[] {
  return command.options;
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

function valuesOf(option: Option, criteria: readonly string[]): readonly string[] | undefined {
  const flag = option.long ?? '';
  return RANKED.has(flag) ? criteria : (VALUES[flag] ?? option.argChoices);
}

function flagsOf({ long, description }: Option): Candidate[] {
  return long ? [{ name: long, description }] : [];
}

function plain(name: string): Candidate {
  return { name, description: '' };
}

function starting(typed: string, candidates: readonly Candidate[]): readonly Candidate[] {
  return candidates.filter(({ name }) => name.startsWith(typed));
}
