import { Command } from 'commander';
import { outputOptions, type SharedOptions } from './shared-options.ts';

const EXAMPLES = `
Examples:
  $ onnx-prune inspect model.onnx
  $ onnx-prune inspect model.onnx --json | jq '.groups[].name'`;

/** Says what a model consists of and what of it can be pruned. */
export function inspectCommand(): Command {
  const command = new Command('inspect')
    .description('list layers, groups of channels that can be pruned, and what cannot and why')
    .argument('<model>', 'the .onnx file');
  for (const option of outputOptions()) command.addOption(option);
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: Partial<SharedOptions>) => run(model, options));
}

async function run(model: string, options: Partial<SharedOptions>): Promise<void> {
  const [{ inspect }, { renderInspect }, { Session }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/inspect.ts'),
    import('../session.ts'),
  ]);
  const session = new Session(options, { 'the model': model });
  // Pages draw the graph and show how weights are distributed.
  const weights = options.report !== undefined;
  const report = await session.work(() => inspect(model, { ...session.progressHooks, weights }));
  await session.show(report, renderInspect);
}
