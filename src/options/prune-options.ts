import type { CriterionName } from '../criteria/criteria.ts';
import { OnnxPruneError } from '../errors.ts';
import type { DataRoom, SampleSource } from '../judge/sample-source.ts';
import type { TestData } from '../judge/test-data.ts';
import type { InputSpec } from '../runtime/index.ts';
import type { Progress } from '../stopwatch.ts';
import type { LayerRule } from '../transforms/select-groups.ts';
import { type CalibrationOptions, type CalibrationWishes, checkCalibrationOptions } from './calibration-options.ts';
import { checkGateOptions, GATE_KEYS, type GateLimits, type GateOptions } from './gate-options.ts';
import { checkGoals, type GoalOptions, type Goals } from './goals.ts';
import { checkInt8Options, type Int8Options, type Int8Wishes } from './int8-options.ts';
import { parseMemory } from './memory-option.ts';
import {
  parseAlign,
  parseAmount,
  parseFlag,
  parseFraction,
  parsePath,
  parsePatterns,
  parseWhole,
  rejectUnknownKeys,
} from './parse.ts';
import { PRUNE_DEFAULTS } from './prune-defaults.ts';
import { parseRankings, type Rankings } from './ranking.ts';
import { checkRecipeLayers, type RecipeLayer } from './recipe.ts';
import { checkRecoveryOptions, type RecoveryOptions, type RecoveryWishes } from './recovery-options.ts';
import { checkScopes, checkWeightWishes, type WeightOptions, type WeightWishes } from './weight-options.ts';

export { PRUNE_DEFAULTS } from './prune-defaults.ts';

/** What to remove, and what to check. Every value may also be given as the command line takes it. */
export interface PruneOptions
  extends WeightOptions,
    GoalOptions,
    GateOptions,
    CalibrationOptions,
    RecoveryOptions,
    Int8Options {
  /**
   * Fraction of the channels of each group to remove: 0.5 or "50%". One of `structured`, `heads`, `headDim`, `unstructured`, `threshold`,
   * `pattern`, `layers`, `target`, `maxDrop`, `int8`, `lossless`, `fp16Storage`, `sparseFormat` and `gzip` must be given.
   */
  readonly structured?: number | string | undefined;
  /** Fraction of the heads of each attention to remove, instead of `structured`. */
  readonly heads?: number | string | undefined;
  /** Fraction of the dimensions inside the heads of each attention to remove, instead of whole heads or besides them. */
  readonly headDim?: number | string | undefined;
  /**
   * Removes what can leave without changing the outputs: before all else unless false, and alone where nothing else is
   * asked for.
   */
  readonly lossless?: boolean | undefined;
  /** Writes tensors as sparse initializers where those are smaller; by default where the input has any. */
  readonly sparseFormat?: boolean | undefined;
  /** Writes float32 weights as float16, with a Cast that the runtime folds when it loads the model. */
  readonly fp16Storage?: boolean | undefined;
  /** Writes the model compressed, as `.onnx.gz`. */
  readonly gzip?: boolean | undefined;
  /** What is wanted of single layers; the last entry that matches a layer decides. */
  readonly layers?: readonly RecipeLayer[] | undefined;
  /** Include channels over which an operator takes statistics (LayerNormalization and the like). */
  readonly allowApproximate?: boolean | undefined;
  /** File to write; default `<input>.pruned.onnx`. */
  readonly output?: string | undefined;
  /** Replace the output where it exists. */
  readonly force?: boolean | undefined;
  /**
   * How channels are ranked (`fan-out`, `l1`, `l2`, `bn-scale`, `fpgm`), weights (`magnitude`), or both (`random`, or a formula such
   * as "abs(w) * sqrt(mean_square_in)").
   */
  readonly criterion?: CriterionName | string | undefined;
  /**
   * Remove the amount from each group or tensor, rank all together, or, weights only, all together by layer-adaptive magnitude.
   * With calibration data, channels that `reconstruction` ranks together leave where the outputs were measured to lose least.
   */
  readonly scope?: 'uniform' | 'global' | 'lamp' | string | undefined;
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
  /**
   * Prove and compare only the part of the model that changed, on random inputs of its own; what is around it is the same, and is
   * not run. Latency is not measured then.
   */
  readonly changedOnly?: boolean | undefined;
  /** Measure latency. */
  readonly bench?: boolean | undefined;
  /** Do everything but write. */
  readonly dryRun?: boolean | undefined;
  /** Fail where nothing could be removed. */
  readonly requireChange?: boolean | undefined;
  /** Write the result even where it fails a gate, a goal or `requireChange`; the run fails all the same. Never where the proof failed. */
  readonly keep?: boolean | undefined;
  /** Decides random inputs and the criterion `random`. */
  readonly seed?: number | string | undefined;
  /** Threads inside an operator when latency is measured. */
  readonly threads?: number | string | undefined;
  /** Seconds that one run of onnxruntime's process may take. */
  readonly timeout?: number | string | undefined;
  /**
   * Bytes of weights that may be in memory, a number or such as "512MB". A model with more is worked on tensor by tensor, its weights in
   * files, and run part by part; latency is not measured then.
   */
  readonly memory?: number | string | undefined;
}

/** What a caller may hook in. */
export interface PruneHooks {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Aborting stops at once and leaves nothing behind. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Inputs that statistics of activations are taken over, for formulas that read them: in memory, or a source that is read
   * in batches, and closed when the run ends.
   */
  readonly calibration?:
    | ((inputs: readonly InputSpec[], room: DataRoom) => Promise<SampleSource | TestData>)
    | undefined;
  /** Real inputs for the proof, fidelity and latency, asked for once the model's inputs are known. */
  readonly testData?: ((inputs: readonly InputSpec[]) => Promise<TestData>) | undefined;
}

/** More threads than any machine has cores; onnxruntime would make each of them and hardly get on. */
export const MOST_THREADS = 1024;

/** Options after checking, defaults filled in. */
export interface SettledOptions extends Goals, CalibrationWishes, RecoveryWishes {
  /** Undefined, too, while the amount of channels is sought. */
  readonly structured: number | undefined;
  readonly heads: number | undefined;
  readonly headDim: number | undefined;
  readonly layers: readonly LayerRule[];
  readonly allowApproximate: boolean;
  readonly force: boolean;
  /** Whether channels are to be removed beyond those that leave without a trace. */
  readonly prunesChannels: boolean;
  /** Makes none zero while the amount of weights is sought. */
  readonly weights: WeightWishes | undefined;
  readonly include: readonly string[];
  /** What runs on integers; undefined where nothing is to. */
  readonly int8: Int8Wishes | undefined;
  readonly lossless: boolean;
  readonly sparseFormat: boolean | undefined;
  readonly fp16Storage: boolean;
  readonly gzip: boolean;
  readonly ranking: Rankings;
  readonly scope: 'uniform' | 'global';
  readonly weightScope: 'uniform' | 'global' | 'lamp';
  readonly maxRatio: number;
  readonly align: 'auto' | 'none' | number;
  readonly exclude: readonly string[];
  readonly only: readonly string[];
  readonly verify: boolean;
  readonly changedOnly: boolean;
  readonly bench: boolean;
  readonly dryRun: boolean;
  readonly requireChange: boolean;
  readonly gates: GateLimits;
  readonly keep: boolean;
  readonly seed: number;
  readonly threads: number;
  readonly timeout: number;
  readonly memory: number;
}

const KEYS: readonly (keyof PruneOptions)[] = [
  ...GATE_KEYS,
  'structured',
  'heads',
  'headDim',
  'target',
  'maxDrop',
  'unstructured',
  'threshold',
  'pattern',
  'include',
  'schedule',
  'steps',
  'initial',
  'lossless',
  'sparseFormat',
  'fp16Storage',
  'gzip',
  'layers',
  'allowApproximate',
  'output',
  'force',
  'criterion',
  'weightCriterion',
  'recover',
  'oneShot',
  'int8',
  'ranges',
  'rounding',
  'bits',
  'portable',
  'equalize',
  'float',
  'scope',
  'weightScope',
  'samples',
  'batch',
  'maxRatio',
  'align',
  'exclude',
  'only',
  'verify',
  'changedOnly',
  'bench',
  'dryRun',
  'requireChange',
  'keep',
  'seed',
  'threads',
  'timeout',
  'memory',
];

/**
 * Checks every option once.
 * @param calibrated whether calibration data are given: channels are ranked by what is lost on them then, and layers make up for it
 * @throws OnnxPruneError `bad-option` naming the option, what it must be and what it is
 */
export function checkPruneOptions(options: PruneOptions, calibrated = false): SettledOptions {
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
  const int8 = checkInt8Options(options, calibrated);
  const hasAmount =
    Object.values(amounts).some((each) => each !== undefined) || layers.some((each) => each.amount !== undefined);
  const storesOtherwise = options.fp16Storage || options.sparseFormat || options.gzip;
  const { unstructured, threshold, pattern } = options;
  const hasOtherWork =
    hasAmount ||
    [unstructured, threshold, pattern].some((each) => each !== undefined) ||
    options.lossless === true ||
    int8 !== undefined ||
    storesOtherwise === true;
  const goals = checkGoals(options, options, hasOtherWork);
  const weights = checkWeightWishes(goals.sought === 'weights' ? { ...options, unstructured: 0 } : options);
  const asksForChannels =
    goals.sought === 'channels' ||
    Object.values(amounts).some((each) => each !== undefined) ||
    (weights === undefined && layers.some((each) => each.amount !== undefined));
  const scopes = checkScopes(options, asksForChannels, weights);
  const isAsked =
    asksForChannels || weights !== undefined || options.lossless === true || int8 !== undefined || storesOtherwise;
  if (!isAsked) {
    throw new OnnxPruneError(
      'bad-option',
      '--structured',
      'Nothing says how much to remove: give --structured or --unstructured (such as "50%"), --heads, --head-dim, --threshold, --pattern, a recipe with amounts, --target, --max-drop, --int8, or --lossless.',
    );
  }
  const verify = parseFlag('verify', options.verify ?? defaults.verify);
  const changedOnly = parseFlag('changedOnly', options.changedOnly ?? false);
  if (changedOnly && !verify)
    throw new OnnxPruneError(
      'bad-option',
      '--changed-only',
      '--changed-only says what is proven and compared, and --no-verify that nothing is; give one of them.',
    );
  const bench = parseFlag('bench', options.bench ?? defaults.bench) && !changedOnly;
  return {
    ...amounts,
    ...goals,
    prunesChannels: asksForChannels,
    weights,
    include: parsePatterns('--include', options.include ?? []),
    int8,
    lossless: parseFlag('lossless', options.lossless ?? defaults.lossless),
    sparseFormat: options.sparseFormat === undefined ? undefined : parseFlag('sparseFormat', options.sparseFormat),
    fp16Storage: parseFlag('fp16Storage', options.fp16Storage ?? false),
    gzip: parseFlag('gzip', options.gzip ?? false),
    layers,
    allowApproximate: parseFlag('allowApproximate', options.allowApproximate ?? false),
    force: parseFlag('force', options.force ?? false),
    ranking: parseRankings(options.criterion, options.weightCriterion, {
      channels: asksForChannels,
      weights: weights !== undefined,
      calibrated,
    }),
    ...checkRecoveryOptions(options, {
      calibrated,
      prunesChannels: asksForChannels,
      scheduled: options.schedule !== undefined,
      weights: weights?.how.kind,
    }),
    ...scopes,
    ...checkCalibrationOptions(options),
    maxRatio: parseFraction('--max-ratio', options.maxRatio ?? defaults.maxRatio, { value: 1, included: true }),
    align: parseAlign('--align', options.align ?? defaults.align),
    exclude: parsePatterns('--exclude', options.exclude ?? []),
    only: parsePatterns('--only', options.only ?? []),
    verify,
    changedOnly,
    bench,
    gates: checkGateOptions(options, { verify, bench }),
    keep: parseFlag('keep', options.keep ?? false),
    dryRun: parseFlag('dryRun', options.dryRun ?? false),
    requireChange: parseFlag('requireChange', options.requireChange ?? false),
    seed: parseWhole('--seed', options.seed ?? defaults.seed, 0),
    threads: parseWhole('--threads', options.threads ?? defaults.threads, 1, MOST_THREADS),
    timeout: parseWhole('--timeout', options.timeout ?? defaults.timeout, 1),
    memory: parseMemory('--memory', options.memory ?? defaults.memory),
  };
}

/** The options of a try at the amount that is sought; as they are where none is. @param amount fraction to remove, 0 to 1 */
export function withAmount(options: SettledOptions, amount: number): SettledOptions {
  if (options.sought === 'channels') return { ...options, structured: amount };
  if (options.sought === 'weights')
    return { ...options, weights: { how: { kind: 'amount', amount }, schedule: undefined } };
  return options;
}
