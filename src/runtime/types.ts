/** How hard onnxruntime rewrites a graph before it runs it; its own names, `all` is what its users get by default. */
export type Optimization = 'disabled' | 'basic' | 'extended' | 'layout' | 'all';

/** onnxruntime's names of the element types that can cross into JavaScript. */
export type TensorType =
  | 'float32'
  | 'float64'
  | 'float16'
  | 'int8'
  | 'uint8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'uint32'
  | 'int64'
  | 'uint64'
  | 'bool'
  | 'string';

/**
 * Element storage of a `HostTensor`: float16 as Uint16Array bits, bool as Uint8Array of 0 and 1, (u)int64 as bigint
 * arrays.
 */
export type TensorData =
  | Float32Array
  | Float64Array
  | Uint16Array
  | Int16Array
  | Uint8Array
  | Int8Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | readonly string[];

/** A tensor in ordinary memory, row-major, as it travels between the parent and the onnxruntime process. */
export interface HostTensor {
  /** An onnxruntime type name: see `TensorType`. */
  readonly type: string;
  /** Sizes per axis; `[]` is a scalar. */
  readonly dims: readonly number[];
  /** As many elements as the product of `dims`. */
  readonly data: TensorData;
}

/** One batch: a tensor for every input of the model, by input name. Names the model does not have are ignored. */
export type Feeds = Readonly<Record<string, HostTensor>>;

/** A model: the path of its file (preferred: nothing is copied, external data is found), or its bytes. */
export type ModelSource = string | Uint8Array;

/** How a session is made. */
export interface SessionSettings {
  /** Default `all`. */
  readonly optimization?: Optimization | undefined;
  /** Threads inside an operator; default 1, which is also the most reproducible. */
  readonly threads?: number | undefined;
  /** The folder of the external data of a model that comes as bytes. */
  readonly dataFolder?: string | undefined;
}

/** One input or output as onnxruntime declares it. */
export interface ValueInfo {
  readonly name: string;
  /** False for sequences, maps and optionals: then `type` is '' and `dims` is empty. */
  readonly isTensor: boolean;
  readonly type: string;
  /**
   * Size, symbolic name, or undefined per axis. onnxruntime reports an unknown rank as no axes at all, so an empty
   * list can mean either a scalar or an unknown rank; `inferShapes` tells the two apart.
   */
  readonly dims: readonly (number | string | undefined)[];
}

/** What onnxruntime says about a model that it accepts. */
export interface ModelInfo {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/**
 * What is known of a tensor without running the model: its element type and each axis' size, symbolic name or
 * undefined.
 */
export interface TensorFact {
  readonly type: string;
  /** Absent where not even the rank is known. */
  readonly dims?: readonly (number | string | undefined)[];
}

/** An input to be made up: as declared by the model. */
export interface InputSpec {
  readonly name: string;
  readonly type: string;
  readonly dims: readonly (number | string | undefined)[];
  /** Integers are drawn from [0, bound); default 2, which suits masks and any vocabulary. */
  readonly bound?: number | undefined;
}

/** Counts of NaN and infinite elements, and whether both sides have the same ones at the same places. */
export interface NonFinite {
  readonly a: number;
  readonly b: number;
  readonly agree: boolean;
}

/** How far output `name` of model B is from that of model A, over all batches; sums are kept in float64. */
export interface OutputComparison {
  readonly name: string;
  readonly type: string;
  /** Dims of A's output in the last batch. */
  readonly dims: readonly number[];
  /** Elements compared. */
  readonly count: number;
  /**
   * Why the outputs cannot be compared (B lacks it, other type, other shape); the numbers then cover the other
   * batches.
   */
  readonly problem: string | undefined;
  /** Every element equal; NaN equals NaN. */
  readonly identical: boolean;
  /** Elements that differ. */
  readonly mismatches: number;
  /** All elements of A equal each other over all batches: equality with B then says little. */
  readonly constant: boolean;
  /** a·b / (‖a‖‖b‖) over the finite elements; 1 when both are zero, 0 when one is. Undefined unless floating. */
  readonly cosine: number | undefined;
  /**
   * ‖a − b‖ / ‖a‖ over the finite elements; 0 when both are zero, Infinity when only A is. Undefined unless floating.
   */
  readonly relativeL2: number | undefined;
  /** max |a − b| over the finite elements; of booleans 1 where one differs. Undefined for words. */
  readonly maxAbsError: number | undefined;
  /** max |a| over the finite elements. Undefined unless floating. */
  readonly maxAbsReference: number | undefined;
  /**
   * Fraction of rows (along the last axis) whose first maximum is at the same index; undefined for rows of length 1.
   */
  readonly argmaxAgreement: number | undefined;
  readonly nonFinite: NonFinite;
}

/** Right answers of two models on labelled data. */
export interface Accuracy {
  /** The output whose largest element along the last axis is the answer; of one number per sample, whether it is above 0.5. */
  readonly output: string;
  /** Labelled elements; negative labels (customary for padding) are left out. */
  readonly total: number;
  readonly hitsA: number;
  readonly hitsB: number;
  /** Labels among the five largest elements; null where there are five classes or fewer. */
  readonly top5A: number | null;
  readonly top5B: number | null;
  /**
   * Mean cross-entropy in nats over the labelled elements. Rows that are probabilities, or logarithms of them, already are
   * taken as they are; else softmax of the row. NaN without such elements, and where B did not answer all of them.
   */
  readonly lossA: number;
  readonly lossB: number;
}

/** How far two models are from targets that are numbers. */
export interface Regression {
  /** The first floating output of the shape of the targets, axes of length 1 aside. */
  readonly output: string;
  /** Elements. */
  readonly total: number;
  /** Mean squared errors; NaN where B lacks the output, or has it in another shape. */
  readonly mseA: number;
  readonly mseB: number;
}

/** An output that is no tensor and could not be compared. */
export interface UncomparedOutput {
  readonly name: string;
  /** Why, in words that end the sentence "not compared: …". */
  readonly reason: string;
}

/** What a model takes by itself, in a process of its own. */
export interface Footprint {
  /** Most bytes of memory that the process held while it loaded and ran the model. */
  readonly peakBytes: number;
  /** What it held with onnxruntime loaded and no model yet. */
  readonly baseBytes: number;
  /** Time to load the model and get its session ready, in ms: median of several loads. */
  readonly loadMs: number;
  readonly loads: number;
}

/** Answer of `compare`. */
export interface Comparison {
  readonly outputs: readonly OutputComparison[];
  /**
   * Present when labels were given that are classes, and a floating output fits them: see `TruthMeasure`.
   */
  readonly accuracy: Accuracy | undefined;
  /** Present when labels were given that are numbers of an output's own shape rather than classes. */
  readonly regression: Regression | undefined;
  /** Outputs of A or B that are no tensors and could not be made into some. */
  readonly uncompared: readonly UncomparedOutput[];
  /** What about the comparison a reader might not expect, as sentences without their full stops. */
  readonly notes: readonly string[];
}

/** What `compare` runs. */
export interface CompareOptions {
  readonly a?: SessionSettings | undefined;
  readonly b?: SessionSettings | undefined;
  /** One tensor per batch: numbers of classes, or numbers that an output should have; see `TruthMeasure`. */
  readonly labels?: readonly HostTensor[] | undefined;
}

/** How a benchmark samples. */
export interface BenchmarkOptions {
  readonly threads?: number | undefined;
  readonly optimization?: Optimization | undefined;
  /** Rounds to reach; each times every model once. Default 30. */
  readonly rounds?: number | undefined;
  /** Keep going at least this long, in ms, so that fast models get many rounds. Default 1000. */
  readonly minMs?: number | undefined;
  /** Stop once this long, in ms, has gone by, though never before 5 rounds. Default 20000. */
  readonly budgetMs?: number | undefined;
}

/** How much faster a model is than the first: ratios first/this of the times of the same round. */
export interface SpeedUp {
  readonly median: number;
  /** Lower and upper quartile of the ratios. */
  readonly p25: number;
  readonly p75: number;
  /** The interquartile range does not contain 1. */
  readonly significant: boolean;
}

/** Times of one model, in ms per run. */
export interface ModelTiming {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly min: number;
  /** Timed runs in all. */
  readonly runs: number;
  /** Runs per sample: models faster than 1 ms are timed in bursts. */
  readonly burst: number;
  /** Time to load the model and get its session ready, in ms: the first time. */
  readonly loadMs: number;
  /** Against the first model; undefined for the first model itself. */
  readonly speedUp: SpeedUp | undefined;
}

/** Answer of `benchmark`: one timing per model, in the order given. */
export interface Benchmark {
  readonly models: readonly ModelTiming[];
  readonly rounds: number;
  /** Sessions that each model was timed in, one after the other. */
  readonly sessions: number;
  readonly threads: number;
}

/** How long one node of the graph that onnxruntime runs takes. */
export interface NodeTime {
  /** The node's name in the graph as optimised; nodes without a name are called by operator and number. */
  readonly name: string;
  readonly operator: string;
  /** µs per run, on average over the faster half of the runs, without the nodes inside its bodies. */
  readonly microseconds: number;
}

/** How `profileModel` samples. */
export interface ProfileOptions {
  /** Timed runs, after some that warm up. Default 20. */
  readonly runs?: number | undefined;
  readonly threads?: number | undefined;
}
