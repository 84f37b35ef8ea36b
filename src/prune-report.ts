import { environment } from './environment.ts';
import { isPruned } from './gates.ts';
import { evaluateGates, gateOfDrop } from './judge/evaluate-gates.ts';
import { GZIP_LIMIT } from './judge/size.ts';
import type { TestData } from './judge/test-data.ts';
import { type LoadedModel, opsetOf, producerOf, unknownOperators } from './load.ts';
import { gateTexts } from './options/gate-options.ts';
import type { SettledOptions } from './options/prune-options.ts';
import { targetText } from './options/target.ts';
import { quantizationNotes } from './quantization-notes.ts';
import type { FusionReport } from './quantize/fusion.ts';
import type { OpsetChange } from './quantize-report.ts';
import {
  type FidelityReport,
  type GoalReport,
  type LatencyReport,
  type ProofReport,
  type Report,
  SCHEMA_VERSION,
} from './report/report.ts';
import type { Transformed } from './run-transforms.ts';
import { packageVersion } from './version.ts';

/** Calibration samples of which fewer are worth a remark. */
const FEW_SAMPLES = 64;

/** What running the models showed. */
export interface Verdict {
  readonly proof: ProofReport | null;
  readonly fidelity: FidelityReport | null;
  readonly latency: LatencyReport | null;
}

/** What a run found out. */
export interface Findings extends Verdict {
  readonly input: string;
  readonly options: SettledOptions;
  readonly loaded: LoadedModel;
  /** What the transforms did. */
  readonly done: Transformed;
  readonly outline: Report['outline'];
  /** What the result was to come to; null where nobody said. */
  readonly goal: GoalReport | null;
  /** How many tensors are stored as sparse initializers; null where none was to be. */
  readonly sparseTensors: number | null;
  readonly size: Report['size'];
  /** What the runtime makes of integers; null where nobody looked. */
  readonly fusion: FusionReport | null;
  /** The newer operator set that integers needed; null where none was. */
  readonly opset: OpsetChange | null;
  readonly testData: TestData | undefined;
  /** Whether inputs to take statistics over were given. */
  readonly calibrated: boolean;
  readonly seconds: Report['seconds'];
}

/** Everything a run has to say; nothing is written yet. */
export function reportOf(findings: Findings): Report {
  const { input, options, loaded, done, goal, sparseTensors, size, proof, fidelity, latency, seconds } = findings;
  const { model } = loaded;
  return {
    schemaVersion: SCHEMA_VERSION,
    tool: { name: 'onnx-prune', version: packageVersion() },
    input: { path: input, producer: producerOf(model), opset: findings.opset?.from ?? opsetOf(model) },
    output: null,
    options: reportedOptions(options),
    goal,
    size,
    cleaning: { nodesBefore: loaded.nodesInFile, nodesAfter: size.before.nodes },
    lossless: done.lossless,
    pruning: done.pruning,
    recovery: done.recovery,
    weights: done.weights,
    freed: done.freed,
    quantization: done.quantization && { ...done.quantization, fusion: findings.fusion, opset: findings.opset },
    storage: {
      storedTwice: done.storedTwice,
      half: done.half,
      sparseTensors,
      gzip: options.gzip,
    },
    unknownOperators: unknownOperators(model),
    proof,
    fidelity,
    latency,
    gates: gatesOf(findings),
    outline: findings.outline,
    environment: environment(),
    seconds,
    notes: notesOn(findings),
  };
}

/** How the gates came out, `--max-drop` among them. */
function gatesOf({ options, goal, fidelity, latency, size: { before, after } }: Findings): Report['gates'] {
  const stored = options.gzip ? (after.gzipBytes ?? after.fileBytes) : after.fileBytes;
  const evidence = { fidelity, latency, bytes: { before: before.fileBytes, after: stored } };
  return [...(goal?.drop == null ? [] : [gateOfDrop(goal.drop)]), ...evaluateGates(options.gates, evidence)];
}

/** Remarks a person should read. */
function notesOn({
  options,
  loaded,
  done,
  size,
  proof,
  fidelity,
  latency,
  fusion,
  testData,
  calibrated,
  sparseTensors,
}: Findings): string[] {
  const { pruning } = done;
  const notes: string[] = [];
  const has = (part: 'heads' | 'head-dim'): boolean => pruning.groups.some((group) => group.part === part);
  if (options.heads !== undefined && !has('heads'))
    notes.push('--heads was given, but no attention heads were found that can leave.');
  if (options.headDim !== undefined && !has('head-dim'))
    notes.push('--head-dim was given, but no dimensions inside attention heads were found that can leave.');
  if (testData?.labels !== undefined && fidelity?.accuracy === null && fidelity.regression === null) {
    notes.push(
      `The labels of shape [${testData.labels.dims.join(', ')}] fit no output, so no accuracy was measured: an output of class scores has the shape of the labels and the classes as its last axis, one of numbers the shape of the labels.`,
    );
  }
  if (calibrated && !readsCalibration(options))
    notes.push(
      'Calibration data were given, but nothing reads them: formulas for --criterion do, and, where channels leave, --criterion reconstruction and --recover; where weights become zero, --one-shot; and --int8.',
    );
  const learnt = Math.min(
    done.recovery?.samples || FEW_SAMPLES,
    done.weights?.oneShot?.samples ?? FEW_SAMPLES,
    done.quantization?.samples || FEW_SAMPLES,
  );
  if (learnt < FEW_SAMPLES)
    notes.push(
      `Layers were corrected on ${learnt === 1 ? '1 calibration sample' : `${learnt} calibration samples`} alone; a few hundred make what is learnt hold for other inputs, too.`,
    );
  const cut = pruning.groups.filter(({ before, after }) => after < before);
  const mixers = [...new Set(cut.flatMap(({ approximate }) => approximate))];
  if (mixers.length > 0)
    notes.push(
      `${mixers.length === 1 ? '1 node takes' : `${mixers.length} nodes take`} statistics over channels of which some left (${mixers.slice(0, 3).join(', ')}${mixers.length > 3 ? ', …' : ''}); the proof takes them over those that stay, so it says nothing of what that does to accuracy.`,
    );
  notes.push(...quantizationNotes({ quantization: done.quantization, fusion, latency }));
  const storesOnly =
    !options.prunesChannels &&
    options.weights === undefined &&
    options.int8 === undefined &&
    (options.gzip || sparseTensors !== null);
  const isSaid = done.quantization !== null && done.quantization.untouched !== null;
  if (!storesOnly && !isSaid && !isPruned({ ...done, storage: { storedTwice: done.storedTwice, half: done.half } }))
    notes.push(whyNothing(size.before.parameters, loaded, options));
  const empty = (done.weights?.layers ?? []).filter((layer) => layer.zerosAfter === layer.weights && layer.weights > 0);
  if (empty.length > 0) {
    const names = empty.map(({ initializer }) => initializer);
    notes.push(
      `All weights of ${names.slice(0, 3).join(', ')}${names.length > 3 ? ', …' : ''} are zero now, so that what follows no longer depends on what they read; ask for less, or leave them out with --exclude.`,
    );
  }
  const emptied = pruning.groups.filter(({ asked, after }) => asked === 0 && after > 0).map(({ name }) => name);
  if (emptied.length > 0)
    notes.push(
      `The amount would have emptied ${emptied.join(', ')}; the least that can stay, and what alignment wants, was kept.`,
    );
  if (loaded.asRead !== undefined && options.bench)
    notes.push(
      'The model has more weights than --memory, so they stayed in files, and speed was not measured; raise --memory for that.',
    );
  if (size.before.gzipBytes === null)
    notes.push(
      `The gzip size was not measured: the file is larger than ${GZIP_LIMIT / 1e6} MB (--gzip measures it, and writes the result compressed).`,
    );
  if (
    proof !== null &&
    proof.cut.length > 0 &&
    proof.cut.every((output) => !output.informative) &&
    !proof.frontier.some((end) => end.informative)
  ) {
    notes.push(
      'The outputs are the same for all inputs that the proof ran on, so that it says little; give real inputs with --test.',
    );
  }
  return notes;
}

/** Whether anything that was asked for looks at calibration data. */
function readsCalibration({ ranking, recover, oneShot, int8, prunesChannels }: SettledOptions): boolean {
  const { formula, weightFormula, channels } = ranking;
  return (
    [formula, weightFormula].some((each) => each !== undefined) ||
    recover !== 'none' ||
    oneShot !== undefined ||
    int8 !== undefined ||
    (prunesChannels && channels === 'reconstruction')
  );
}

/** Why a run changed nothing. */
function whyNothing(parameters: number, { model }: LoadedModel, options: SettledOptions): string {
  if (parameters > 0 && options.int8 !== undefined && options.weights === undefined && !options.prunesChannels)
    return 'Nothing was quantized; what stays in float32, and why, is said above.';
  if (parameters > 0 && options.weights !== undefined)
    return 'Nothing was changed: the weights are as sparse as asked for already, or the amount was too small for any.';
  if (parameters > 0 && !options.prunesChannels)
    return 'Nothing was changed: no channel is unread, zero, constant, or a multiple of another.';
  if (parameters > 0)
    return 'Nothing was removed: no group of channels was free to leave, or the amount was too small for any.';
  // Classical machine learning: tree ensembles, linear models, scalers.
  const learned = Object.keys(unknownOperators(model)).filter((name) => name.startsWith('ai.onnx.ml.'));
  const where =
    learned.length === 0
      ? ''
      : `: ${learned.join(', ')} ${learned.length === 1 ? 'keeps' : 'keep'} what was learned in attributes, which are not cut`;
  return `There is nothing to prune, since no tensor of the model holds weights${where}.`;
}

/** The options as they were understood; those that were not given are left out. */
function reportedOptions(settled: SettledOptions): Report['options'] {
  const {
    layers,
    weights,
    ranking,
    prunesChannels,
    sparseFormat,
    target,
    int8,
    gates,
    sought: _sought,
    ...options
  } = settled;
  const { how, schedule } = weights ?? {};
  const flat = {
    ...options,
    ...gateTexts(gates),
    ...(prunesChannels && { criterion: ranking.formula ?? ranking.channels }),
    ...(weights !== undefined && { weightCriterion: ranking.weightFormula ?? ranking.weights }),
    ...(how?.kind === 'amount' && { unstructured: how.amount }),
    ...(how?.kind === 'threshold' && { threshold: how.threshold }),
    ...(how?.kind === 'pattern' && { pattern: `${how.keep}:${how.of}` }),
    ...(target !== undefined && { target: targetText(target) }),
    ...(int8 !== undefined && { ...int8, int8: int8.mode, mode: undefined }),
    ...(schedule !== undefined && { schedule: schedule.kind, steps: schedule.steps, initial: schedule.initial }),
    sparseFormat,
  };
  const given = Object.entries(flat).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]));
  const rules = layers.map((layer) => JSON.stringify(layer));
  return { ...Object.fromEntries(given), ...(rules.length > 0 && { layers: rules }) };
}
