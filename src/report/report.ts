import type { RecoveryReport } from '../channel-rounds.ts';
import type { PruneOptions } from '../options/prune-options.ts';
import type { TargetKind } from '../options/target.ts';
import type { FusionReport } from '../quantize/fusion.ts';
import type { OpsetChange } from '../quantize-report.ts';
import type { Quantized } from '../quantize-within.ts';
import type {
  Accuracy,
  Footprint,
  ModelTiming,
  OutputComparison,
  OutputProof,
  Regression,
  UncomparedOutput,
  UnsteadyOutput,
} from '../runtime/index.ts';
import type { PruneChannelsReport } from '../transforms/prune-channels.ts';
import type { PruneWeightsReport } from '../transforms/prune-weights.ts';
import type { RemoveRedundantReport } from '../transforms/remove-redundant.ts';
import type { StoreHalfReport } from '../transforms/store-half.ts';
import type { LayerDistribution } from './distribution.ts';
import type { GateReport } from './gates.ts';
import type { Outline } from './outline.ts';

/** Version of the report's shape. It grows by one when a field changes its meaning or goes; new fields may come at any time. */
export const SCHEMA_VERSION = 1;

/** Size of a model. */
export interface ModelSize {
  /** Elements of all initializers that hold real numbers. */
  readonly parameters: number;
  /** Those of them that are not zero. */
  readonly nonZeros: number;
  /** Multiply-accumulates of one sample, over the nodes whose sizes are known; open lengths count as 1. */
  readonly macs: number;
  /** Nodes that multiply but whose sizes are unknown, so that `macs` leaves them out. */
  readonly macsUnknown: number;
  readonly nodes: number;
  /** Bytes of the .onnx file and of its external data. */
  readonly fileBytes: number;
  /** Bytes after gzip, level 6; null where it was not measured. */
  readonly gzipBytes: number | null;
}

/** What tidying up before pruning did; outputs stay equal. */
export interface CleaningReport {
  readonly nodesBefore: number;
  readonly nodesAfter: number;
}

/** Whether the rewiring is right. */
export interface ProofReport {
  readonly passed: boolean;
  /** Cut against masked, per output. */
  readonly cut: readonly OutputProof[];
  /**
   * Cut against masked inside the graph: at the values that enter its unchanged end, and at those before the first
   * decisions. Heard only where an output failed, since an operator may turn a rounding error into another decision, or
   * says little, since it is the same whatever the input.
   */
  readonly frontier: readonly OutputProof[];
  /** Outputs that failed by themselves and passed by what is in `frontier`. */
  readonly judgedByFrontier: readonly string[];
  /** The tidied model against the original, per output; empty where tidying changed nothing. */
  readonly cleaned: readonly OutputProof[];
  /** What the models ran on, in words. */
  readonly inputs: string;
  /** Outputs of the original that are not the same when it runs again; looked for, and there, only where the proof failed. */
  readonly unsteady?: readonly UnsteadyOutput[];
}

/** What models were run on. */
export type JudgedOn = 'test data' | 'calibration data' | 'random inputs' | 'random inputs of the part that changed';

/** How far the result is from the original: a measurement, not a verdict. */
export interface FidelityReport {
  readonly on: JudgedOn;
  readonly samples: number;
  readonly outputs: readonly OutputComparison[];
  /** Right answers before (`hitsA`) and after (`hitsB`), where the data have labels. */
  readonly accuracy: Accuracy | null;
  /** Mean squared errors before (`mseA`) and after (`mseB`), where the labels are numbers of an output's own shape. */
  readonly regression: Regression | null;
  /** Outputs that are no tensors and could not be compared. */
  readonly uncompared: readonly UncomparedOutput[];
  /** What about the comparison a reader might not expect, as sentences without their full stops; absent where there is nothing. */
  readonly notes?: readonly string[];
}

/** How fast both models run, timed in turn in one process. */
export interface LatencyReport {
  readonly threads: number;
  /** Samples per run. */
  readonly batch: number;
  readonly rounds: number;
  readonly before: ModelTiming;
  readonly after: ModelTiming;
}

/** How the result is stored. */
export interface StorageReport {
  /** Tensors equal to others that are stored once: those that the file had several times, and those that became equal. */
  readonly storedTwice: { readonly tensors: number; readonly bytes: number };
  /** What is stored as float16; null unless it was asked for. */
  readonly half: StoreHalfReport | null;
  /** Tensors that are sparse initializers, since that is smaller; null where none was to be. */
  readonly sparseTensors: number | null;
  readonly gzip: boolean;
}

/** What made the figures. */
export interface EnvironmentReport {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly kernelBlock: number;
}

/** What a result was to come down to, and what it came to: parameters, multiplications, bytes, or milliseconds per run. */
export interface TargetReport {
  readonly kind: TargetKind;
  readonly limit: number;
  readonly original: number;
  readonly reached: number;
  readonly met: boolean;
}

/** How many answers might be lost, and how many are: fractions of 1. */
export interface DropReport {
  readonly limit: number;
  readonly reached: number;
  readonly met: boolean;
  /** Whether answers are those that labels call right, or those that the original gives. */
  readonly by: 'accuracy' | 'agreement';
  /** The output whose largest number along the last axis is the answer. */
  readonly output: string;
  readonly on: 'test data' | 'held-out calibration data';
  readonly answers: number;
}

/** An amount that was tried, and what the result came to: in the unit of the target, or as the fraction of answers lost. */
export interface GoalTry {
  readonly amount: number;
  readonly reached: number;
  readonly met: boolean;
}

/** How an amount was found. */
export interface SoughtReport {
  readonly of: 'channels' | 'weights';
  readonly by: 'target' | 'drop';
  /** The amount, a fraction of 1; where none kept to the goal, the one that came nearest. */
  readonly amount: number;
  readonly found: boolean;
  /** In the order in which they were tried. */
  readonly tries: readonly GoalTry[];
}

/** What a result was to come to, and how it came there. */
export interface GoalReport {
  readonly target: TargetReport | null;
  readonly drop: DropReport | null;
  /** Null where the amount was given. */
  readonly sought: SoughtReport | null;
}

/** What runs on integers, and what the runtime makes of it. */
export interface QuantizationReport extends Quantized {
  /** Operator sets before and after, where the model had to be brought to a newer one. */
  readonly opset: OpsetChange | null;
  /** Null under --no-verify, and where nothing was quantized. */
  readonly fusion: FusionReport | null;
}

/** Everything a pruning run has to say. Plain data; `JSON.stringify` of it is the report file. */
export interface Report {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** The command that does it again, word by word; absent where no command did it. */
  readonly command?: readonly string[];
  readonly tool: { readonly name: 'onnx-prune'; readonly version: string };
  readonly input: { readonly path: string; readonly producer: string; readonly opset: number };
  /** Where the result was written; null on a dry run. */
  readonly output: { readonly path: string } | null;
  /** The options as they were understood. */
  readonly options: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Null where no goal was set. */
  readonly goal: GoalReport | null;
  readonly size: { readonly before: ModelSize; readonly after: ModelSize };
  readonly cleaning: CleaningReport;
  /** What left without changing the outputs, before all else; null under --no-lossless. */
  readonly lossless: RemoveRedundantReport | null;
  /** Channels that left by the amount, in the numbering that the lossless step left. */
  readonly pruning: PruneChannelsReport;
  /** What the layers behind those channels made up for, on calibration data; null where nothing was to be. */
  readonly recovery: RecoveryReport | null;
  /** Single weights that became zero; null where none were to. */
  readonly weights: PruneWeightsReport | null;
  /** What those zeros freed: channels that nothing reads any more, or that are zero or constant. */
  readonly freed: RemoveRedundantReport | null;
  /** What runs on integers; null where nothing was to. */
  readonly quantization: QuantizationReport | null;
  readonly storage: StorageReport;
  /** Operators without a rule, and how many nodes have them: what they touch stays whole. */
  readonly unknownOperators: Readonly<Record<string, number>>;
  /** Null under --no-verify. */
  readonly proof: ProofReport | null;
  readonly fidelity: FidelityReport | null;
  /** Null under --no-bench. */
  readonly latency: LatencyReport | null;
  /** How the gates came out that were given. */
  readonly gates: readonly GateReport[];
  /** The layers before and after, and how they hang together; null for models of more than 10,000 of them. */
  readonly outline: Outline | null;
  readonly environment: EnvironmentReport;
  /** Seconds that each stage took. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Remarks a person should read. */
  readonly notes: readonly string[];
}

/** A layer as `inspect` lists it. */
export interface LayerReport {
  readonly node: string;
  readonly operator: string;
  /** Dims of its output; symbols by name, unknown lengths as '?'. */
  readonly output: readonly (number | string)[];
  readonly parameters: number;
  /** Null where sizes are unknown. */
  readonly macs: number | null;
}

/** A group of channels as `inspect` lists it. */
export interface GroupOutline {
  readonly name: string;
  readonly producers: readonly string[];
  readonly consumers: readonly string[];
  readonly channels: number;
  /** Channels that leave together. */
  readonly unit: number;
  /** What the units are where they are heads of an attention, or dimensions inside them. */
  readonly part: 'heads' | 'head-dim' | null;
  /** Parameters that its channels have a share in: what would leave if all of them did. */
  readonly parameters: number;
  readonly cuts: readonly { readonly initializer: string; readonly axis: number; readonly length: number }[];
}

/** What `inspect` has to say of a model. */
export interface InspectReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** See `Report`. */
  readonly command?: readonly string[];
  readonly input: Report['input'] & { readonly irVersion: number; readonly fileBytes: number };
  readonly inputs: readonly {
    readonly name: string;
    readonly type: string;
    readonly dims: readonly (number | string)[];
  }[];
  readonly outputs: InspectReport['inputs'];
  readonly operators: Readonly<Record<string, number>>;
  readonly unknownOperators: Readonly<Record<string, number>>;
  readonly parameters: number;
  readonly macs: number;
  readonly macsUnknown: number;
  readonly layers: readonly LayerReport[];
  readonly groups: readonly GroupOutline[];
  /** Parameters of the weights that the groups have channels of. */
  readonly prunableParameters: number;
  readonly kept: PruneChannelsReport['kept'];
  /** How the weights of each layer are distributed; empty where nobody asked. */
  readonly distributions: readonly LayerDistribution[];
  /** See `Report`; `after` is as `before`. Null where nobody asked, too. */
  readonly outline: Outline | null;
  /** A recipe to start from: options for `prune`, with an entry for every group. */
  readonly recipe: PruneOptions;
}

/** Whether two models agree at sizes of open axes that a single run does not tell of. */
export interface SizeTrial {
  /** Samples, and the other open axes by their symbol. */
  readonly batch: number;
  readonly dims: Readonly<Record<string, number>>;
  /** The largest relative L2 error and the smallest cosine of any floating output; null where none is. */
  readonly relativeL2: number | null;
  readonly cosine: number | null;
  /** Why one of the models did not run, or their outputs cannot be compared; null where all went well. */
  readonly problem: string | null;
  /** Whether B ran and gave all outputs, of the types and shapes of A's. */
  readonly fits: boolean;
}

/** One of two models that are compared. */
export interface ComparedModel {
  readonly path: string;
  /** Bytes of the .onnx file and of its external data. */
  readonly fileBytes: number;
  /** Null under --no-bench. */
  readonly footprint: Footprint | null;
}

/** What `compare` has to say of two models. */
export interface CompareReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  /** See `Report`. */
  readonly command?: readonly string[];
  readonly a: ComparedModel;
  readonly b: ComparedModel;
  /** On the test data; without any, on the calibration data; without any, on random inputs. */
  readonly fidelity: FidelityReport;
  /** Where both test and calibration data were given: on the latter. */
  readonly onCalibration: FidelityReport | null;
  /** Further sizes of open axes, on random inputs; empty where the models leave none open. */
  readonly sizes: readonly SizeTrial[];
  /** On `threads` threads; null under --no-bench. */
  readonly latency: LatencyReport | null;
  /** On all cores; null under --no-bench, and where that is as many. */
  readonly latencyAllCores: LatencyReport | null;
  readonly gates: readonly GateReport[];
  readonly environment: EnvironmentReport;
  readonly seconds: Readonly<Record<string, number>>;
}
