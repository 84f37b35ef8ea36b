import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { OnnxPruneError } from '../../src/errors.ts';
import { nearest } from '../../src/options.ts';
import { defaultOutput } from '../../src/output-path.ts';
import { PRUNE_DEFAULTS } from '../../src/prune-options.ts';
import { collect, outputOptions, runOptions, type SharedOptions } from './shared-options.ts';

interface Options extends SharedOptions {
  readonly structured?: string;
  readonly heads?: string;
  readonly headDim?: string;
  readonly recipe?: string;
  readonly allowApproximate?: boolean;
  readonly output?: string;
  readonly force?: boolean;
  readonly criterion: string;
  readonly scope: string;
  readonly maxRatio: string;
  readonly align: string;
  readonly exclude: readonly string[];
  readonly only: readonly string[];
  readonly verify: boolean;
  readonly dryRun?: boolean;
  readonly requireChange?: boolean;
}

const EXAMPLES = `
Examples:
  $ onnx-prune model.onnx --structured 50%
  $ onnx-prune model.onnx --structured 30% --scope global --test test.npz -o small.onnx
  $ onnx-prune model.onnx --structured 50% --exclude "*head*" --json > report.json
  $ onnx-prune bert.onnx --heads 25% --structured 50%
  $ onnx-prune inspect model.onnx --json | jq .recipe > recipe.json
  $ onnx-prune model.onnx --recipe recipe.json

Exit status: 0 done, 1 a bug in onnx-prune, 2 bad usage or bad input, 3 a check or gate failed.`;

/** The default command: make a model smaller. */
export function pruneCommand(): Command {
  const command = new Command('prune')
    .description(
      'remove channels from a trained model, prove that the rewiring is right, and measure what it cost and gained',
    )
    .argument('<model>', 'the .onnx file; it is never touched')
    .option('--structured <amount>', 'channels to remove from each group, such as 50% or 0.5')
    .option('--heads <amount>', 'attention heads to remove, where it is not the amount of --structured')
    .option(
      '--head-dim <amount>',
      'dimensions to remove inside attention heads, instead of whole heads or besides them',
    )
    .option(
      '--recipe <file>',
      'JSON file of options and of amounts, criteria and exclusions per layer; see "inspect --json"',
    )
    .option(
      '--allow-approximate',
      'also channels over which LayerNormalization and the like take statistics: cutting those changes more than masking',
    )
    .option('-o, --output <file>', 'file to write (default: MODEL.pruned.onnx beside the model)')
    .option('--force', 'replace the output where it exists')
    .option(
      '--criterion <name>',
      'which channels matter least: fan-out, l1, l2, bn-scale, fpgm, random',
      PRUNE_DEFAULTS.criterion,
    )
    .option(
      '--scope <scope>',
      'uniform: the amount from each group; global: from all groups ranked together',
      PRUNE_DEFAULTS.scope,
    )
    .option('--max-ratio <amount>', 'no group loses a larger part than this', '100%')
    .option(
      '--align <n>',
      'round kept counts to what kernels like: auto (by this CPU), none, or a number of channels',
      PRUNE_DEFAULTS.align,
    )
    .addOption(
      new Option('--exclude <glob>', 'layers whose channels stay, by node or initializer name; repeatable')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(
      new Option('--only <glob>', 'the only layers whose channels may leave; repeatable')
        .default([], 'all')
        .argParser(collect),
    )
    .option('--no-verify', 'skip the proof and the comparison of outputs')
    .option('--dry-run', 'do everything but write the result')
    .option('--require-change', 'fail with exit status 3 where nothing could be removed');
  for (const option of [...runOptions(), ...outputOptions()]) command.addOption(option);
  return command
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments()
    .action((model: string, options: Options, command: Command) => {
      checkWords(command.args);
      return run(model, options, command);
    });
}

/** Refuses a second word, and a first one that was meant to be another command. */
function checkWords(words: readonly string[]): void {
  const [first = '', ...more] = words;
  const command = existsSync(first) ? undefined : nearest(first, ['prune', 'inspect', 'compare']);
  if (command === undefined && more.length === 0) return;
  const meant = command === undefined ? 'name one at a time' : `did you mean "onnx-prune ${command}"`;
  throw new OnnxPruneError(
    'bad-option',
    first,
    more.length === 0
      ? `${first} does not exist; ${meant}?`
      : `Expected one model, but got ${words.length} words: ${words.join(', ')}; ${meant}${command === undefined ? '.' : '?'}`,
  );
}

async function run(model: string, options: Options, command: Command): Promise<void> {
  const { structured, heads, headDim, recipe } = options;
  if ([structured, heads, headDim, recipe].every((each) => each === undefined)) {
    throw new OnnxPruneError(
      'bad-option',
      '--structured',
      `Say how much to remove, with --structured, --heads, --head-dim or --recipe, for example: onnx-prune ${model} --structured 50% ("onnx-prune inspect ${model}" shows what can be removed).`,
    );
  }
  const [{ CheckFailed, prune }, { renderReport }, { Session }, { readRecipe }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/prune.ts'),
    import('../session.ts'),
    import('../recipe.ts'),
  ]);
  const {
    test: _test,
    json: _json,
    report: _report,
    quiet: _quiet,
    verbose: _verbose,
    recipe: _file,
    ...wanted
  } = options;
  const base = recipe === undefined ? undefined : readRecipe(recipe);
  // What the command line says itself goes before the recipe, and that before what options are when nobody says.
  const said = base === undefined ? wanted : explicit(wanted, command);
  const output = said.output ?? base?.output;
  const session = new Session(options, {
    'the model': model,
    'the output': typeof output === 'string' ? output : defaultOutput(model),
    ...(recipe !== undefined && { 'the recipe': recipe }),
  });
  try {
    const report = await session.work(() => prune(model, { ...base, ...said }, session.hooks()));
    await session.show(report, renderReport);
  } catch (error) {
    if (error instanceof CheckFailed) await session.show(error.report, renderReport);
    throw error;
  }
}

/** The options that were given on the command line. */
function explicit<T extends object>(options: T, command: Command): Partial<T> {
  const given: Partial<T> = { ...options };
  for (const key in given) if (command.getOptionValueSource(key) !== 'cli') delete given[key];
  return given;
}
