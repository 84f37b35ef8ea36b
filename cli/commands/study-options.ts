import { Option } from 'commander';
import { defaultJournal } from '../../src/options/output-path.ts';
import { PRUNE_DEFAULTS } from '../../src/options/prune-defaults.ts';
import { optionalWord } from './optional-word.ts';
import { collect, type SharedOptions } from './shared-options.ts';

/** What the options that sweeps and studies of sensitivity share give. */
export interface StudyCommandOptions extends SharedOptions {
  readonly structured?: string;
  readonly unstructured?: string;
  readonly criterion?: string;
  readonly weightCriterion?: string;
  readonly scope?: string;
  readonly weightScope?: string;
  readonly recover?: string;
  readonly oneShot?: string | boolean;
  readonly int8?: string | boolean;
  readonly calibration?: string;
  readonly samples?: string;
  readonly exclude: readonly string[];
  readonly only: readonly string[];
  readonly align?: string;
  readonly workers?: string;
  readonly journal?: string | false;
  readonly fresh?: boolean;
}

/** What `--help` says of studies without test data. */
export const WITHOUT_TEST =
  "Without --test, what is measured is how far outputs on random inputs are from\nthe original's, not accuracy.";

/** Options that say how each model of a study is pruned. @param several whether some may name several ways, each tried */
export function waysOptions(several: boolean, command: string): Option[] {
  const more = several ? '; several, with commas between them, are compared' : '';
  return [
    new Option('--criterion <name>', `what ranks channels, and weights too unless --weight-criterion does${more}`),
    new Option('--weight-criterion <name>', `what ranks weights${more}`),
    // Of one layer alone, uniform and global are the same.
    ...(several
      ? [
          new Option(
            '--scope <scope>',
            `uniform: the amount from each layer (default); global: from all ranked together${more}`,
          ),
          new Option('--weight-scope <scope>', `uniform, global or lamp, of weights${more}`),
        ]
      : []),
    new Option(
      '--recover <how>',
      `what layers make up for once channels have left: none, bias, or least-squares (default with --calibration)${more}`,
    ),
    optionalWord(
      '--one-shot [method]',
      'choose zeros on --calibration and have the weights that stay take over: auto, wanda, sparsegpt, alps or magnitude',
      command,
    ),
    ...(several
      ? [
          optionalWord(
            '--int8 [mode]',
            'quantize each pruned model to int8 as well: static, dynamic, weights or auto (default where no mode is named)',
            command,
          ),
        ]
      : []),
    new Option('--calibration <file>', 'a few hundred inputs, without labels: .npz, .npy or a directory of them'),
    new Option('--samples <n>', 'how many samples of --calibration are used, spread evenly over it (default: all)'),
    new Option('--exclude <glob>', 'layers that stay as they are, by node or initializer name; repeatable')
      .default([], 'none')
      .argParser(collect),
    new Option('--only <glob>', 'the only layers that may change; repeatable').default([], 'all').argParser(collect),
    new Option(
      '--align <n>',
      `round kept counts to what kernels like: auto, none, or a number (default: ${PRUNE_DEFAULTS.align})`,
    ),
  ];
}

/** Options that say how a study is carried out. */
export function journalOptions(): Option[] {
  return [
    new Option('--workers <n>', 'models that are pruned and judged at the same time; speed is measured one by one'),
    new Option('--journal <file>', 'where each point is noted down, so that the same command goes on after a stop'),
    new Option('--no-journal', 'note nothing down'),
    new Option('--fresh', 'measure all anew, whatever the journal holds'),
  ];
}

/** What a run of a study has besides the report, and what is said where it is stopped. */
export interface StudyRun {
  /** The files that it reads and writes, by what they are called in a sentence. */
  readonly files: Readonly<Record<string, string>>;
  /** Undefined where nothing is kept. */
  readonly stopped: string | undefined;
}

/** The files of a study, and what becomes of it when it is stopped. */
export function studyRun(model: string, kind: 'sweep' | 'sensitivity', options: StudyCommandOptions): StudyRun {
  // commander says true where nobody says anything of an option that may be switched off.
  const journal = typeof options.journal === 'string' ? options.journal : defaultJournal(model, kind);
  if (options.journal === false) return { files: { 'the model': model }, stopped: undefined };
  return {
    files: { 'the model': model, 'the journal': journal },
    stopped: `Stopped; the same command goes on where it was, by ${journal}.`,
  };
}
