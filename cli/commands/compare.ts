import { Command } from 'commander';
import { outputOptions, runOptions, type SharedOptions } from './shared-options.ts';

const EXAMPLES = `
Examples:
  $ onnx-prune compare model.onnx model.pruned.onnx
  $ onnx-prune compare model.onnx model.pruned.onnx --test test.npz --threads 2`;

/** Runs two models on the same inputs. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('run two models on the same inputs: same outputs? how different? how fast?')
    .argument('<a>', 'the .onnx file to compare with')
    .argument('<b>', 'the .onnx file to judge');
  for (const option of [...runOptions(), ...outputOptions()]) command.addOption(option);
  return command
    .addHelpText('after', EXAMPLES)
    .action((a: string, b: string, options: SharedOptions) => run(a, b, options));
}

async function run(a: string, b: string, options: SharedOptions): Promise<void> {
  const [{ compareModels }, { renderCompare }, { Session }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/compare.ts'),
    import('../session.ts'),
  ]);
  const session = new Session(options, { 'a model that is compared': a, 'the other model': b });
  const { bench, seed, threads, timeout } = options;
  const report = await session.work(() => compareModels(a, b, { bench, seed, threads, timeout }, session.hooks()));
  await session.show(report, renderCompare);
}
