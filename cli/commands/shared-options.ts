import { type Command, Option } from 'commander';
import { PRUNE_DEFAULTS } from '../../src/options/prune-defaults.ts';

/** Options that several commands have, each written once. */
export interface SharedOptions {
  readonly test?: string;
  readonly bench: boolean;
  readonly seed: string;
  readonly threads: string;
  readonly timeout: string;
  readonly json?: boolean;
  readonly jsonLines?: boolean;
  readonly report?: readonly string[];
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}

/** What the models are run on and how. */
export function runOptions(): Option[] {
  return [
    new Option(
      '--test <file>',
      'inputs to compare and time the models on: .npz, .npy or a directory of them, arrays named as the inputs, optionally `labels`',
    ),
    new Option('--no-bench', 'do not measure speed'),
    new Option('--seed <n>', 'decides random inputs and the criterion random').default(String(PRUNE_DEFAULTS.seed)),
    new Option('--threads <n>', 'threads when speed is measured').default(String(PRUNE_DEFAULTS.threads)),
    new Option('--timeout <seconds>', 'longest that one run of the models may take').default(
      String(PRUNE_DEFAULTS.timeout),
    ),
  ];
}

/** What may be in memory. */
export function memoryOption(): Option {
  return new Option(
    '--memory <size>',
    'weights that may be in memory; a model with more is worked on tensor by tensor, with its weights in files',
  ).default(PRUNE_DEFAULTS.memory);
}

/** What is shown and how. */
export function outputOptions(): Option[] {
  return [
    new Option('--json', 'print the report as JSON on stdout, and nothing else there'),
    new Option(
      '--json-lines',
      'print a JSON object a line on stdout: progress as it comes, then the report, or an error',
    ),
    new Option(
      '--report <file>',
      'write the report to a file: .html (a page), .md (for a pull request), .json or .csv; repeatable',
    ).argParser((file: string, before: readonly string[] = []) => [...before, file]),
    new Option('-q, --quiet', 'print nothing but errors'),
    new Option('-v, --verbose', 'print everything: all groups, all reasons, stack traces'),
  ];
}

/** What the library is told: the options without those of the command line alone. */
export function engineOptions<O extends Partial<SharedOptions> & { readonly calibration?: string }>(
  options: O,
): Omit<O, 'test' | 'calibration' | 'json' | 'jsonLines' | 'report' | 'quiet' | 'verbose'> {
  const { test: _t, calibration: _c, json: _j, jsonLines: _l, report: _r, quiet: _q, verbose: _v, ...wanted } = options;
  return wanted;
}

/** The files of data that a run reads, by what they are called in a sentence. */
export function dataFiles({
  test,
  calibration,
}: {
  readonly test?: string;
  readonly calibration?: string;
}): Record<string, string> {
  return {
    ...(test !== undefined && { 'the test data': test }),
    ...(calibration !== undefined && { 'the calibration data': calibration }),
  };
}

/** Adds options to a command, under headings of its help. */
export function addGroups(command: Command, groups: Readonly<Record<string, readonly Option[]>>): void {
  for (const [heading, options] of Object.entries(groups)) {
    command.optionsGroup(heading);
    for (const option of options) command.addOption(option);
  }
}

/** Gathers the values of an option that may be given several times. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}
