import { Command } from 'commander';
import { type GateCommandOptions, gateOptions } from './gate-options.ts';
import { addGroups, engineOptions, outputOptions, runOptions, type SharedOptions } from './shared-options.ts';

interface Options extends SharedOptions, GateCommandOptions {
  readonly maxDrop?: string;
  readonly calibration?: string;
  readonly samples?: string;
  readonly memory?: string;
}

const EXAMPLES = `
Examples:
  $ onnx-prune compare model.onnx model.pruned.onnx
  $ onnx-prune compare model.onnx model.pruned.onnx --test test.npz --threads 2
  $ onnx-prune check model.onnx model.int8.onnx --test test.npz --max-drop 0.5% --min-speedup 1.5
  $ onnx-prune check model.onnx candidate.onnx --min-cosine 0.999 --max-size 50% --report compare.html

Exit status: 0 done and all gates passed, 1 a bug in onnx-prune, 2 bad usage or
             bad input, 3 a gate failed, 130 stopped by Ctrl-C`;

/** Runs two models on the same inputs, and holds the second against limits. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .alias('check')
    .description(
      'run two models on the same inputs: same outputs? how different, how fast, how large? and check that the second keeps to limits',
    )
    .argument('<a>', 'the .onnx file to compare with')
    .argument('<b>', 'the .onnx file to judge')
    .optionsGroup('Judging:')
    .option(
      '--calibration <file>',
      'further inputs, without labels, to compare outputs on: .npz, .npy or a directory of them',
    )
    .option('--samples <n>', 'how many samples of --calibration are used, spread evenly over it (default: all)')
    .option(
      '--memory <size>',
      'weights of one model that may be in memory; a model with more is run part by part, and not timed (default: all)',
    )
    .optionsGroup('Gates:')
    .option(
      '--max-drop <points>',
      'right answers that B may lose against A, such as 1% (by the labels of --test; else answers unlike A’s)',
    );
  addGroups(command, { 'Gates:': gateOptions(), 'Judging:': runOptions(), 'What is shown:': outputOptions() });
  return command.addHelpText('after', EXAMPLES).action((a: string, b: string, options: Options) => run(a, b, options));
}

async function run(a: string, b: string, options: Options): Promise<void> {
  const [{ ComparisonFailed, compareModels }, { renderCompare }, { Session }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/compare.ts'),
    import('../session.ts'),
  ]);
  const session = new Session(options, { 'a model that is compared': a, 'the other model': b });
  const { calibration } = options;
  try {
    const report = await session.work(() => compareModels(a, b, engineOptions(options), session.hooks(calibration)));
    await session.show(report, renderCompare);
  } catch (error) {
    if (error instanceof ComparisonFailed) await session.show(error.report, renderCompare);
    throw error;
  }
}
