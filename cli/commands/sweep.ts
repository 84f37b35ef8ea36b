import { Command } from 'commander';
import { addGroups, engineOptions, outputOptions, runOptions } from './shared-options.ts';
import { journalOptions, type StudyCommandOptions, studyRun, WITHOUT_TEST, waysOptions } from './study-options.ts';

const EXAMPLES = `
${WITHOUT_TEST}

Examples:
  $ onnx-prune sweep model.onnx --test test.npz
  $ onnx-prune sweep model.onnx --structured 0:80:10 --test test.npz --report sweep.html
  $ onnx-prune sweep model.onnx --structured 25,50,75 --criterion l2,fpgm --test test.npz
  $ onnx-prune sweep model.onnx --unstructured 0:95:5 --weight-scope uniform,lamp --test test.npz
  $ onnx-prune sweep model.onnx --structured 0:80:20 --recover none,bias,least-squares --calibration data.npz --test test.npz
  $ onnx-prune sweep model.onnx --structured 0:90:10 --workers 4 --no-bench --report sweep.csv

Exit status: 0 done, 1 a bug in onnx-prune, 2 bad usage or bad input,
             130 stopped by Ctrl-C`;

/** Prunes a model by many amounts, in one or several ways, and says what each costs and gains. */
export function sweepCommand(): Command {
  const command = new Command('sweep')
    .description(
      'prune by many amounts and show what each costs in accuracy and gains in size and speed; writes no model',
    )
    .argument('<model>', 'the .onnx file; it is never touched')
    .option(
      '--structured <amounts>',
      'percents of channels to remove: from:to:step such as 0:90:10, a list such as 25,50,75, or both, 0:80:20,95 (default, where neither is given: 0:90:10)',
    )
    .option('--unstructured <amounts>', 'percents of weights to make zero, written alike');
  addGroups(command, {
    'How each model is pruned:': waysOptions(true, 'onnx-prune sweep'),
    'How the study is carried out:': journalOptions(),
    'Judging:': runOptions(),
    'What is shown:': outputOptions(),
  });
  return command
    .addHelpText('after', EXAMPLES)
    .action((model: string, options: StudyCommandOptions) => run(model, options));
}

async function run(model: string, options: StudyCommandOptions): Promise<void> {
  const [{ sweep }, { renderSweep }, { Session }] = await Promise.all([
    import('../../src/index.ts'),
    import('../render/sweep.ts'),
    import('../session.ts'),
  ]);
  const { files, stopped } = studyRun(model, 'sweep', options);
  const session = new Session(options, files, stopped);
  const report = await session.work(() => sweep(model, engineOptions(options), session.hooks(options.calibration)));
  await session.show(report, renderSweep);
}
