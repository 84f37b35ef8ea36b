import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { OnnxPruneError } from '../../src/errors.ts';
import { nearestWord } from '../../src/numeric/nearest-word.ts';
import { defaultOutput } from '../../src/options/output-path.ts';
import { PRUNE_DEFAULTS } from '../../src/options/prune-defaults.ts';
import { checkNotTaken } from '../../src/report/file-place.ts';
import { formulaHelp } from '../formula-help.ts';
import { type GateCommandOptions, gateOptions, keepOption } from './gate-options.ts';
import { type Int8CommandOptions, int8Options } from './int8-options.ts';
import { optionalWord } from './optional-word.ts';
import {
  addGroups,
  collect,
  dataFiles,
  engineOptions,
  memoryOption,
  outputOptions,
  runOptions,
  type SharedOptions,
} from './shared-options.ts';

interface Options extends SharedOptions, Int8CommandOptions, GateCommandOptions {
  readonly structured?: string;
  readonly heads?: string;
  readonly headDim?: string;
  readonly target?: string;
  readonly maxDrop?: string;
  readonly unstructured?: string;
  readonly threshold?: string;
  readonly pattern?: string;
  readonly include: readonly string[];
  readonly schedule?: string;
  readonly steps?: string;
  readonly initial?: string;
  readonly lossless?: boolean;
  readonly sparseFormat?: boolean;
  readonly fp16Storage?: boolean;
  readonly gzip?: boolean;
  readonly calibration?: string;
  readonly recover?: string;
  readonly oneShot?: string | boolean;
  readonly samples?: string;
  readonly batch?: string;
  readonly recipe?: string;
  readonly allowApproximate?: boolean;
  readonly output?: string;
  readonly force?: boolean;
  readonly criterion?: string;
  readonly weightCriterion?: string;
  readonly scope: string;
  readonly weightScope?: string;
  readonly maxRatio: string;
  readonly align: string;
  readonly exclude: readonly string[];
  readonly only: readonly string[];
  readonly verify: boolean;
  readonly dryRun?: boolean;
  readonly requireChange?: boolean;
  readonly keep?: boolean;
}

const EXAMPLES = `
Examples:
  $ onnx-prune model.onnx --structured 50%
  $ onnx-prune model.onnx --structured 30% --scope global --test test.npz -o small.onnx
  $ onnx-prune model.onnx --structured 50% --exclude "*head*" --json > report.json
  $ onnx-prune model.onnx --structured 50% --calibration data.npz --test test.npz
  $ onnx-prune model.onnx --target macs=50% --calibration data.npz
  $ onnx-prune model.onnx --max-drop 1% --calibration data.npz --test test.npz
  $ onnx-prune model.onnx --unstructured 90% --scope global --gzip
  $ onnx-prune model.onnx --pattern 2:4
  $ onnx-prune model.onnx --unstructured 80% --one-shot --calibration data.npz
  $ onnx-prune model.onnx --structured 30% --unstructured 60%
  $ onnx-prune model.onnx --unstructured 50% --criterion "abs(w) * sqrt(mean_square_in)" --calibration data.npz
  $ onnx-prune model.onnx --structured 30% --int8 --calibration data.npz
  $ onnx-prune model.onnx --lossless
  $ onnx-prune bert.onnx --heads 25% --structured 50%
  $ onnx-prune inspect model.onnx --json | jq .recipe > recipe.json
  $ onnx-prune model.onnx --recipe recipe.json

Exit status: 0 done, 1 a bug in onnx-prune, 2 bad usage or bad input,
             3 a check or gate failed, 130 stopped by Ctrl-C`;

/** The default command: make a model smaller. */
export function pruneCommand(): Command {
  const command = new Command('prune')
    .description(
      'remove channels or weights from a trained model, prove that the rewiring is right, and measure what it cost and gained',
    )
    .argument('<model>', 'the .onnx file; it is never touched')
    .optionsGroup('What leaves:')
    .option('--structured <amount>', 'channels to remove from each group, such as 50% or 0.5')
    .option('--heads <amount>', 'attention heads to remove, where it is not the amount of --structured')
    .option(
      '--head-dim <amount>',
      'dimensions to remove inside attention heads, instead of whole heads or besides them',
    )
    .option(
      '--target <what=most>',
      'find the amount by what may stay: params=, macs=, latency= or size=, as a number (1.5M, 5ms, 500KB) or as a percent, which is what stays: macs=40% removes 60%',
    )
    .option(
      '--max-drop <points>',
      'right answers that may be lost, such as 1% (by the labels of --test; else answers unlike the original, on held-out --calibration): finds the most that can be removed, or checks the amount that is given',
    )
    .option(
      '--unstructured <amount>',
      'weights to make zero, such as 90%; after channels left, where both are given; auto: found by --target size= or --max-drop',
    )
    .option(
      '--threshold <t>',
      'make weights zero whose score (magnitude, unless --criterion says otherwise) is below this',
    )
    .option('--pattern <n:m>', 'make all but n of every m weights along the summed axis zero, such as 2:4')
    .addOption(
      new Option(
        '--include <glob>',
        'biases, normalizations, embeddings whose elements may become zero too; repeatable',
      )
        .default([], 'none')
        .argParser(collect),
    )
    .option('--schedule <kind>', 'reach the amount of --unstructured in steps: constant or polynomial')
    .option(
      '--steps <n>',
      `steps of the schedule (default: ${PRUNE_DEFAULTS.steps}); without one, rounds in which channels leave, with recovery after each`,
    )
    .option(
      '--initial <amount>',
      `sparsity that a polynomial schedule starts from (default: ${PRUNE_DEFAULTS.initial}%)`,
    )
    .addOption(
      new Option(
        '--lossless',
        'remove what changes no output (unread, zero, constant, duplicate channels) and nothing else',
      ),
    )
    .option('--no-lossless', 'do not remove that first')
    .optionsGroup('How the result is stored:')
    .option(
      '--sparse-format',
      'store tensors as sparse initializers where that is smaller (default: as the model does)',
    )
    .option('--no-sparse-format', 'store all tensors densely')
    .option('--fp16-storage', 'store float32 weights as float16, widened when the model is loaded')
    .option('--gzip', 'write the result compressed, as .onnx.gz, which every command reads')
    .optionsGroup('What is chosen, and by what:')
    .option(
      '--recipe <file>',
      'JSON file of options and of amounts, criteria and exclusions per layer; see "inspect --json"',
    )
    .option(
      '--allow-approximate',
      'also channels over which LayerNormalization and the like take statistics: cutting those changes more than masking',
    )
    .optionsGroup('How the result is stored:')
    .option('-o, --output <file>', 'file to write (default: MODEL.pruned.onnx beside the model)')
    .option('--force', 'replace the output where it exists')
    .optionsGroup('What is chosen, and by what:')
    .option(
      '--criterion <name>',
      `what matters least: channels by reconstruction (default with --calibration), fan-out, l1, l2, bn-scale, fpgm; weights by magnitude; both by random or a formula such as "abs(w) * row_norm" (default: ${PRUNE_DEFAULTS.criterion}, ${PRUNE_DEFAULTS.weightCriterion})`,
    )
    .option('--weight-criterion <name>', 'what ranks weights, where it is not --criterion')
    .option(
      '--scope <scope>',
      'uniform: the amount from each layer; global: from all ranked together; lamp: weights only, together by layer-adaptive magnitude',
      PRUNE_DEFAULTS.scope,
    )
    .option('--weight-scope <scope>', 'how the amount of weights is shared out, where it is not as --scope says')
    .optionsGroup('Learning from data:')
    .option(
      '--calibration <file>',
      'a few hundred inputs, without labels, to learn from what can leave and to make up for it: .npz, .npy or a directory of them',
    )
    .option(
      '--recover <how>',
      'what layers make up for once channels have left: none, bias, or least-squares (default with --calibration)',
    )
    .addOption(
      optionalWord(
        '--one-shot [method]',
        'choose zeros on calibration data and have the weights that stay take over: auto tries all on each layer, else wanda, sparsegpt, alps or magnitude',
      ),
    )
    .option('--samples <n>', 'how many samples of --calibration are used, spread evenly over it (default: all)')
    .option('--batch <n>', 'samples of --calibration at a time, where the model leaves that open (default: 32)')
    .optionsGroup('What is chosen, and by what:')
    .option('--max-ratio <amount>', 'no group loses a larger part than this', '100%')
    .option(
      '--align <n>',
      'round kept counts to what kernels like: auto (by this CPU), none, or a number of channels',
      PRUNE_DEFAULTS.align,
    )
    .addOption(
      new Option('--exclude <glob>', 'layers that stay as they are, by node or initializer name; repeatable')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(
      new Option('--only <glob>', 'the only layers that may change; repeatable').default([], 'all').argParser(collect),
    )
    .optionsGroup('Judging:')
    .option('--no-verify', 'skip the proof and the comparison of outputs')
    .option('--changed-only', 'prove and compare only the part that changed, on random inputs of its own')
    .option('--dry-run', 'do everything but write the result')
    .optionsGroup('Gates:')
    .option('--require-change', 'fail with exit status 3 where nothing could be removed');
  addGroups(command, {
    '8-bit integers:': int8Options(),
    'Gates:': [...gateOptions(), keepOption()],
    'Judging:': [...runOptions(), memoryOption()],
    'What is shown:': outputOptions(),
  });
  return command
    .addHelpText('after', () => `${formulaHelp()}\n${EXAMPLES}`)
    .allowExcessArguments()
    .action((model: string, options: Options, command: Command) => {
      const hasGlob = [options.exclude, options.only, options.include, options.float].some(({ length }) => length > 0);
      checkWords(command.args, command.parent?.commands ?? [], hasGlob);
      return run(model, options, command);
    });
}

/**
 * Refuses a second word, and a first one that was meant to be another command.
 * @param hasGlob whether some option has a glob, of which the shell may have made the words
 */
function checkWords(words: readonly string[], commands: readonly Command[], hasGlob: boolean): void {
  const [first = '', ...more] = words;
  const names = commands.flatMap((each) => [each.name(), ...each.aliases()]);
  const command = existsSync(first) ? undefined : nearestWord(first, names);
  if (command === undefined && more.length === 0) return;
  const meant =
    command === undefined
      ? `name one at a time${hasGlob ? ', and put globs into quotes, or the shell puts files in their place' : ''}`
      : `did you mean "onnx-prune ${command}"`;
  throw new OnnxPruneError(
    'bad-option',
    first,
    more.length === 0
      ? `${first} does not exist; ${meant}?`
      : `Expected one model, but got ${words.length} words: ${words.join(', ')}; ${meant}${command === undefined ? '.' : '?'}`,
  );
}

async function run(model: string, options: Options, command: Command): Promise<void> {
  const { structured, heads, headDim, unstructured, threshold, pattern, recipe, lossless } = options;
  const { fp16Storage, sparseFormat, gzip, target, maxDrop, int8 } = options;
  const amounts = [structured, heads, headDim, unstructured, threshold, pattern, recipe, target, maxDrop, int8];
  if (amounts.every((each) => each === undefined) && !lossless && !fp16Storage && !sparseFormat && !gzip) {
    throw new OnnxPruneError(
      'bad-option',
      '--structured',
      `Say how much to remove, with --structured, --unstructured, --heads, --head-dim, --threshold, --pattern or --recipe, or what it must come to, with --target or --max-drop, for example: onnx-prune ${model} --structured 50% ("onnx-prune inspect ${model}" shows what can be removed), --int8 for integers, or --lossless for what costs nothing.`,
    );
  }
  const [{ CheckFailed, prune }, { renderReport }, { Session }, { readRecipe }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/prune.ts'),
    import('../session.ts'),
    import('../recipe.ts'),
  ]);
  const { recipe: _file, ...wanted } = engineOptions(options);
  const base = recipe === undefined ? undefined : readRecipe(recipe);
  // What the command line says itself goes before the recipe, and that before what options are when nobody says.
  const said = base === undefined ? wanted : explicit(wanted, command);
  const wish = said.output ?? base?.output;
  const output = typeof wish === 'string' ? wish : defaultOutput(model, gzip);
  const read = { ...(recipe !== undefined && { 'the recipe': recipe }), ...dataFiles(options) };
  checkNotTaken('-o', output, read);
  const session = new Session(options, { 'the model': model, 'the output': output, ...read });
  try {
    const report = await session.work(() => prune(model, { ...base, ...said }, session.hooks(options.calibration)));
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
