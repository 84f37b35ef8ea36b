import { OnnxPruneError } from './errors.ts';
import { checkCalibrationGiven } from './options/calibration-options.ts';
import { checkHooks } from './options/check-hooks.ts';
import { checkDropMeasurable } from './options/goals.ts';
import { defaultOutput, isCompressedName } from './options/output-path.ts';
import { parseModelPath } from './options/parse.ts';
import { checkPruneOptions, type PruneHooks, type PruneOptions } from './options/prune-options.ts';
import { type KnownOriginal, PruneRun } from './prune-run.ts';
import type { Report } from './report/report.ts';
import { RuntimeChild } from './runtime/index.ts';
import { withWorkspace } from './workspace.ts';

/**
 * Prunes an ONNX file: reads it, removes the least important channels, proves that the rewiring is right, measures what
 * it cost and gained, and writes the smaller file.
 *
 * @param input path of the .onnx file, which is never touched
 * @returns the report; its `output` says where the result is
 * @throws OnnxPruneError `bad-option`, `bad-file`, `bad-model`, `bad-data` for what the caller can mend, `runtime-refused`
 *   where onnxruntime does not run the model; `CheckFailed` when the proof fails or nothing changed under
 *   `requireChange`. Nothing is written then.
 *
 * @example
 * const report = await prune('model.onnx', { structured: 0.5 });
 */
export async function prune(input: string, options: PruneOptions, hooks: PruneHooks = {}): Promise<Report> {
  return pruneIn(undefined, input, options, hooks);
}

/**
 * The same, in a process for onnxruntime that is lent, and stays; undefined for one of the run's own.
 * @param known what is not to be found out once more
 */
export async function pruneIn(
  lent: RuntimeChild | undefined,
  input: string,
  options: PruneOptions,
  given: PruneHooks,
  known?: KnownOriginal,
): Promise<Report> {
  parseModelPath(input);
  const hooks = checkHooks(given);
  const checked = checkPruneOptions(options, hooks.calibration !== undefined);
  checkCalibrationGiven(checked, hooks.calibration !== undefined);
  checkDropMeasurable(checked, hooks.testData !== undefined || hooks.calibration !== undefined);
  if (checked.changedOnly && hooks.testData !== undefined) {
    throw new OnnxPruneError(
      'bad-option',
      '--changed-only',
      '--changed-only compares on random inputs of the part that changed, and --test on data of the whole model; give one of them.',
    );
  }
  const output = options.output ?? defaultOutput(input, checked.gzip);
  if (checked.gzip && !isCompressedName(output)) {
    throw new OnnxPruneError(
      'bad-option',
      output,
      `--gzip compresses the result, so -o "${output}" must end in .gz: "${output}.gz".`,
    );
  }
  // A file that is called .gz is to be one.
  const settled = { ...checked, gzip: checked.gzip || isCompressedName(output) };
  const child = lent ?? new RuntimeChild({ deadlineMs: settled.timeout * 1000, deadlineHint: 'raise --timeout' });
  const run = new PruneRun(child, input, { path: output, isNamed: options.output !== undefined }, settled, hooks);
  try {
    return await withWorkspace(async (path) => {
      try {
        return await run.execute(path, known);
      } finally {
        // While the folder is there still, since some systems remove no open file.
        await run.closeData();
      }
    });
  } finally {
    if (lent === undefined) child.close();
  }
}
