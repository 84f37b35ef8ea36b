import { Command, Option } from 'commander';
import { defaultOutput } from '../../src/options/output-path.ts';
import { checkNotTaken } from '../../src/report/file-place.ts';
import { type GateCommandOptions, gateOptions, keepOption } from './gate-options.ts';
import { type Int8CommandOptions, int8Options } from './int8-options.ts';
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
  readonly exclude: readonly string[];
  readonly maxDrop?: string;
  readonly gzip?: boolean;
  readonly calibration?: string;
  readonly samples?: string;
  readonly batch?: string;
  readonly output?: string;
  readonly force?: boolean;
  readonly verify: boolean;
  readonly dryRun?: boolean;
  readonly requireChange?: boolean;
  readonly keep?: boolean;
}

const EXAMPLES = `
Examples:
  $ onnx-prune quantize model.onnx --calibration data.npz --test test.npz
                                         convolutions and all: writes model.int8.onnx
  $ onnx-prune quantize transformer.onnx
                                         matrix products need no data
  $ onnx-prune quantize model.onnx --calibration data.npz --max-drop 0.3% --test test.npz
                                         as many layers as keep the accuracy
  $ onnx-prune quantize model.onnx --calibration data.npz --float "*head*" --ranges percentile
                                         layers named by you stay in float32
  $ onnx-prune quantize llm.onnx --int8 weights --bits 4
                                         weights alone: an eighth of the size
  $ onnx-prune model.onnx --structured 30% --int8 --calibration data.npz
                                         prune and quantize in one run

Exit status: 0 done, 1 a bug in onnx-prune, 2 bad usage or bad input,
             3 a check or gate failed, 130 stopped by Ctrl-C`;

/** Quantizes a model to int8, and does nothing else. */
export function quantizeCommand(): Command {
  const command = new Command('quantize')
    .description(
      'quantize a model to int8, check which layers onnxruntime does run on int8, and measure what it cost and gained',
    )
    .argument('<model>', 'the .onnx file; it is never touched')
    .optionsGroup('Learning from data:')
    .option(
      '--calibration <file>',
      'a few hundred inputs, without labels, that the ranges of activations are taken from (convolutions need them): .npz, .npy or a directory of them',
    )
    .option('--samples <n>', 'how many samples of --calibration are used, spread evenly over it (default: all)')
    .option('--batch <n>', 'samples of --calibration at a time, where the model leaves that open (default: 32)')
    .optionsGroup('Gates:')
    .option(
      '--max-drop <points>',
      'right answers that may be lost, such as 0.3%: the layers that are furthest off go back to float32 until it holds',
    );
  addGroups(command, { '8-bit integers:': int8Options(true) });
  command
    .optionsGroup('8-bit integers:')
    .addOption(
      new Option('--exclude <glob>', 'the same as --float, as other commands call it; repeatable')
        .default([], 'none')
        .argParser(collect),
    )
    .optionsGroup('How the result is stored:')
    .option('--gzip', 'write the result compressed, as .onnx.gz, which every command reads')
    .option('-o, --output <file>', 'file to write (default: MODEL.int8.onnx beside the model)')
    .option('--force', 'replace the output where it exists')
    .optionsGroup('Judging:')
    .option('--no-verify', 'skip the comparison of outputs')
    .option('--changed-only', 'prove and compare only the part that changed, on random inputs of its own')
    .option('--dry-run', 'do everything but write the result')
    .optionsGroup('Gates:')
    .option('--require-change', 'fail with exit status 3 where nothing could be quantized');
  addGroups(command, {
    'Gates:': [...gateOptions(), keepOption()],
    'Judging:': [...runOptions(), memoryOption()],
    'What is shown:': outputOptions(),
  });
  return command.addHelpText('after', () => EXAMPLES).action((model: string, options: Options) => run(model, options));
}

async function run(model: string, options: Options): Promise<void> {
  const [{ CheckFailed, prune }, { renderReport }, { Session }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/prune.ts'),
    import('../session.ts'),
  ]);
  const wanted = engineOptions(options);
  const output = options.output ?? defaultOutput(model, options.gzip, 'int8');
  checkNotTaken('-o', output, dataFiles(options));
  const session = new Session(options, { 'the model': model, 'the output': output });
  const settings = { ...wanted, int8: wanted.int8 ?? 'auto', lossless: false, output };
  try {
    const report = await session.work(() => prune(model, settings, session.hooks(options.calibration)));
    await session.show(report, renderReport);
  } catch (error) {
    if (error instanceof CheckFailed) await session.show(error.report, renderReport);
    throw error;
  }
}
