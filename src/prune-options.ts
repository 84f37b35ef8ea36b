import type { CriterionName } from './criteria/criteria.ts';
import { OnnxPruneError } from './errors.ts';
import type { TestData } from './judge/test-data.ts';
import {
  parseAlign,
  parseAmount,
  parseChoice,
  parseCriterion,
  parseFlag,
  parseFraction,
  parsePath,
  parsePatterns,
  parseWhole,
  rejectUnknownKeys,
} from './options.ts';
import { checkRecipeLayers, type RecipeLayer } from './recipe.ts';
import type { InputSpec } from './runtime/index.ts';
import type { Progress } from './stopwatch.ts';
import type { LayerRule } from './transforms/select-groups.ts';

/** What to remove, and what to check. Every value may also be given as the command line takes it. */
export interface PruneOptions {
  /** Fraction of the channels of each group to remove: 0.5 or "50%". One of `structured`, `heads`, `headDim` and `layers` must be given. */
  readonly structured?: number | string | undefined;
  /** Fraction of the heads of each attention to remove, instead of `structured`. */
  readonly heads?: number | string | undefined;
  /** Fraction of the dimensions inside the heads of each attention to remove, instead of whole heads or besides them. */
  readonly headDim?: number | string | undefined;
  /** What is wanted of single layers; the last entry that matches a layer decides. */
  readonly layers?: readonly RecipeLayer[] | undefined;
  /** Include channels over which an operator takes statistics (LayerNormalization and the like). */
  readonly allowApproximate?: boolean | undefined;
  /** File to write; default `<input>.pruned.onnx`. */
  readonly output?: string | undefined;
  /** Replace the output where it exists. */
  readonly force?: boolean | undefined;
  /** How units are ranked. */
  readonly criterion?: CriterionName | string | undefined;
  /** Remove the amount from each group, or rank all groups together. */
  readonly scope?: 'uniform' | 'global' | string | undefined;
  /** No group loses a larger fraction than this. */
  readonly maxRatio?: number | string | undefined;
  /** Round kept counts to multiples that kernels like: by this CPU, not at all, or this number of channels. */
  readonly align?: 'auto' | 'none' | number | string | undefined;
  /** Layers (node or initializer names, globs) whose channels stay. */
  readonly exclude?: readonly string[] | undefined;
  /** The only layers whose channels may leave. */
  readonly only?: readonly string[] | undefined;
  /** Prove the rewiring and measure fidelity. */
  readonly verify?: boolean | undefined;
  /** Measure latency. */
  readonly bench?: boolean | undefined;
  /** Do everything but write. */
  readonly dryRun?: boolean | undefined;
  /** Fail where nothing could be removed. */
  readonly requireChange?: boolean | undefined;
  /** Decides random inputs and the criterion `random`. */
  readonly seed?: number | string | undefined;
  /** Threads inside an operator when latency is measured. */
  readonly threads?: number | string | undefined;
  /** Seconds that one run of onnxruntime's process may take. */
  readonly timeout?: number | string | undefined;
}

/** What a caller may hook in. */
export interface PruneHooks {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Aborting stops at once and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
  /** Real inputs for the proof, fidelity and latency, asked for once the model's inputs are known. */
  readonly testData?: ((inputs: readonly InputSpec[]) => Promise<TestData>) | undefined;
}

/** What options are when nobody says. */
export const PRUNE_DEFAULTS = {
  criterion: 'fan-out',
  scope: 'uniform',
  maxRatio: 1,
  align: 'auto',
  verify: true,
  bench: true,
  seed: 0,
  threads: 1,
  timeout: 300,
} as const;

/** More threads than any machine has cores; onnxruntime would make each of them and hardly get on. */
export const MOST_THREADS = 1024;

/** Options after checking, defaults filled in. */
export interface SettledOptions {
  readonly structured: number | undefined;
  readonly heads: number | undefined;
  readonly headDim: number | undefined;
  readonly layers: readonly LayerRule[];
  readonly allowApproximate: boolean;
  readonly force: boolean;
  readonly criterion: CriterionName;
  readonly scope: 'uniform' | 'global';
  readonly maxRatio: number;
  readonly align: 'auto' | 'none' | number;
  readonly exclude: readonly string[];
  readonly only: readonly string[];
  readonly verify: boolean;
  readonly bench: boolean;
  readonly dryRun: boolean;
  readonly requireChange: boolean;
  readonly seed: number;
  readonly threads: number;
  readonly timeout: number;
}

const KEYS = [
  'structured',
  'heads',
  'headDim',
  'layers',
  'allowApproximate',
  'output',
  'force',
  'criterion',
  'scope',
  'maxRatio',
  'align',
  'exclude',
  'only',
  'verify',
  'bench',
  'dryRun',
  'requireChange',
  'seed',
  'threads',
  'timeout',
] as const satisfies readonly (keyof PruneOptions)[];

/** Checks every option once. @throws OnnxPruneError `bad-option` naming the option, what it must be and what it is */
export function checkPruneOptions(options: PruneOptions): SettledOptions {
  rejectUnknownKeys(options, KEYS);
  const defaults = PRUNE_DEFAULTS;
  const amount = (option: string, found: number | string | undefined): number | undefined =>
    found === undefined ? undefined : parseAmount(option, found);
  const amounts = {
    structured: amount('--structured', options.structured),
    heads: amount('--heads', options.heads),
    headDim: amount('--head-dim', options.headDim),
  };
  if (options.output !== undefined) parsePath('--output', options.output);
  const layers = checkRecipeLayers(options.layers ?? []);
  if (Object.values(amounts).every((each) => each === undefined) && !layers.some((each) => each.amount !== undefined)) {
    throw new OnnxPruneError(
      'bad-option',
      '--structured',
      'Nothing says how much to remove: give --structured (such as "50%"), --heads, --head-dim, or a recipe with amounts.',
    );
  }
  return {
    ...amounts,
    layers,
    allowApproximate: parseFlag('allowApproximate', options.allowApproximate ?? false),
    force: parseFlag('force', options.force ?? false),
    criterion: parseCriterion('--criterion', options.criterion ?? defaults.criterion),
    scope: parseChoice('--scope', options.scope ?? defaults.scope, ['uniform', 'global']),
    maxRatio: parseFraction('--max-ratio', options.maxRatio ?? defaults.maxRatio, { value: 1, included: true }),
    align: parseAlign('--align', options.align ?? defaults.align),
    exclude: parsePatterns('--exclude', options.exclude ?? []),
    only: parsePatterns('--only', options.only ?? []),
    verify: parseFlag('verify', options.verify ?? defaults.verify),
    bench: parseFlag('bench', options.bench ?? defaults.bench),
    dryRun: parseFlag('dryRun', options.dryRun ?? false),
    requireChange: parseFlag('requireChange', options.requireChange ?? false),
    seed: parseWhole('--seed', options.seed ?? defaults.seed, 0),
    threads: parseWhole('--threads', options.threads ?? defaults.threads, 1, MOST_THREADS),
    timeout: parseWhole('--timeout', options.timeout ?? defaults.timeout, 1),
  };
}
