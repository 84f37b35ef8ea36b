import { Command } from 'commander';
import { optionalWord } from './optional-word.ts';
import { addGroups, engineOptions, outputOptions, runOptions } from './shared-options.ts';
import { journalOptions, type StudyCommandOptions, studyRun, WITHOUT_TEST, waysOptions } from './study-options.ts';

interface Options extends StudyCommandOptions {
  readonly tolerance?: string;
  readonly suggest?: string | boolean;
  readonly force?: boolean;
}

const EXAMPLES = `
${WITHOUT_TEST}

Examples:
  $ onnx-prune sensitivity model.onnx --test test.npz
  $ onnx-prune sensitivity model.onnx --structured 25,50,75 --tolerance 0.5% --test test.npz
  $ onnx-prune sensitivity model.onnx --unstructured 50:95:15 --test test.npz --report layers.html
  $ onnx-prune sensitivity model.onnx --test test.npz --suggest recipe.json
  $ onnx-prune model.onnx --recipe recipe.json

Exit status: 0 done, 1 a bug in onnx-prune, 2 bad usage or bad input,
             130 stopped by Ctrl-C`;

/** Prunes each layer alone by several amounts, and says which are fragile. */
export function sensitivityCommand(): Command {
  const command = new Command('sensitivity')
    .description('prune each layer alone by several amounts and show which are fragile; writes no model')
    .argument('<model>', 'the .onnx file; it is never touched')
    .option(
      '--structured <amounts>',
      'percents of channels to remove from one group at a time: from:to:step such as 10:90:20, or a list such as 10,30,50 (default, where neither is given: 25,50,75)',
    )
    .option('--unstructured <amounts>', 'percents of one weight at a time to make zero, written alike')
    .option('--tolerance <points>', 'right answers that a layer may cost and still bear its amount (default: 1%)')
    .addOption(
      optionalWord(
        '--suggest [file]',
        'write a recipe by which as much as can be leaves while all layers together keep to the tolerance (default file: MODEL.recipe.json beside the model)',
        'onnx-prune sensitivity',
      ),
    )
    .option('--force', 'replace the file of --suggest where it exists');
  addGroups(command, {
    'How each model is pruned:': waysOptions(false, 'onnx-prune sensitivity'),
    'How the study is carried out:': journalOptions(),
    'Judging:': runOptions(),
    'What is shown:': outputOptions(),
  });
  return command.addHelpText('after', EXAMPLES).action((model: string, options: Options) => run(model, options));
}

async function run(model: string, options: Options): Promise<void> {
  const [{ sensitivity }, { checkRecipeFile, defaultRecipe, writeRecipe }, { renderSensitivity }, { Session }] =
    await Promise.all([
      import('../../src/index.ts'),
      import('../../src/report/recipe-file.ts'),
      import('../render/sensitivity.ts'),
      import('../session.ts'),
    ]);
  const { suggest, force, ...rest } = options;
  const recipe = typeof suggest === 'string' ? suggest : suggest ? defaultRecipe(model) : undefined;
  const { files, stopped } = studyRun(model, 'sensitivity', options);
  const session = new Session(options, { ...files, ...(recipe !== undefined && { 'the recipe': recipe }) }, stopped);
  if (recipe !== undefined) checkRecipeFile('--suggest', recipe, files, force ?? false);
  const wanted = { ...engineOptions(rest), ...(recipe !== undefined && { suggest: true }) };
  const report = await session.work(() => sensitivity(model, wanted, session.hooks(options.calibration)));
  const { suggestion } = report;
  const written = suggestion === null ? undefined : recipe;
  if (suggestion !== null && written !== undefined) await writeRecipe(written, suggestion.recipe);
  await session.show(report, (each, look) =>
    renderSensitivity(each, look, { recipe: written, calibration: options.calibration }),
  );
}
