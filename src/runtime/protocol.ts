import type { ErrorCode } from '../errors.ts';
import type { Histogram } from '../numeric/histogram.ts';
import type { Layouts } from './layout.ts';
import type { StageSum } from './running-sum.ts';
import type { StoreUsage } from './tensor-store.ts';
import type {
  Benchmark,
  BenchmarkOptions,
  CompareOptions,
  Comparison,
  Feeds,
  Footprint,
  HostTensor,
  InputSpec,
  ModelInfo,
  ModelSource,
  NodeTime,
  OutputComparison,
  SessionSettings,
  UncomparedOutput,
} from './types.ts';

/**
 * What the onnxruntime process can be asked, and what it answers. Everything here is plain data that structured clone
 * can carry.
 */
export interface Requests {
  readonly info: { readonly params: { source: ModelSource; settings: SessionSettings }; readonly result: ModelInfo };
  readonly run: {
    readonly params: {
      source: ModelSource;
      batches: readonly Feeds[];
      outputs: readonly string[] | undefined;
      settings: SessionSettings;
    };
    readonly result: readonly Readonly<Record<string, HostTensor>>[];
  };
  readonly open: {
    readonly params: { key: string; source: ModelSource; settings: SessionSettings };
    readonly result: ModelInfo;
  };
  readonly runOpen: {
    readonly params: { key: string; feeds: Feeds; outputs: readonly string[] | undefined };
    readonly result: Readonly<Record<string, HostTensor>>;
  };
  readonly release: { readonly params: { key: string }; readonly result: undefined };
  readonly storeOpen: {
    readonly params: { key: string; folder: string; memoryLimit: number };
    readonly result: undefined;
  };
  readonly storePut: { readonly params: { key: string; batch: number; tensors: Feeds }; readonly result: undefined };
  readonly storeDrop: { readonly params: { key: string; names: readonly string[] }; readonly result: undefined };
  readonly storeUsage: { readonly params: { key: string }; readonly result: StoreUsage };
  readonly storeClose: { readonly params: { key: string }; readonly result: undefined };
  readonly stageOpen: {
    readonly params: { key: string; source: ModelSource; settings: SessionSettings; stage: StageParams };
    readonly result: undefined;
  };
  readonly stageRun: { readonly params: { key: string; batch: number }; readonly result: undefined };
  readonly stageResults: { readonly params: { key: string }; readonly result: StageResults };
  readonly stageClose: { readonly params: { key: string }; readonly result: undefined };
  readonly probe: {
    readonly params: { source: ModelSource; specs: readonly InputSpec[]; seed: number; trials: readonly Trial[] };
    readonly result: ProbeResult;
  };
  readonly compare: {
    /** `passOver`: outputs that are no tensors are passed over; else the answer only names them, where there are any. */
    readonly params: {
      a: ModelSource;
      b: ModelSource;
      batches: readonly Feeds[];
      options: CompareOptions;
      passOver: boolean;
    };
    readonly result: Comparison;
  };
  readonly compareSizes: {
    readonly params: {
      a: ModelSource;
      b: ModelSource;
      specs: readonly InputSpec[];
      seed: number;
      trials: readonly Trial[];
      most: number;
      options: CompareOptions;
      passOver: boolean;
    };
    readonly result: SizesResult;
  };
  readonly benchmark: {
    readonly params: { sources: readonly ModelSource[]; batches: readonly Feeds[]; options: BenchmarkOptions };
    readonly result: Benchmark;
  };
  readonly footprint: {
    readonly params: { source: ModelSource; feeds: Feeds; budgetMs: number; settings: SessionSettings };
    readonly result: Footprint;
  };
  readonly optimize: {
    readonly params: { source: ModelSource; target: string; settings: SessionSettings };
    readonly result: undefined;
  };
  readonly profile: {
    /** `prefix`: how the files that onnxruntime writes begin, a folder of their own included. */
    readonly params: {
      source: ModelSource;
      batches: readonly Feeds[];
      runs: number;
      prefix: string;
      settings: SessionSettings;
    };
    readonly result: readonly NodeTime[];
  };
}

/** What a stage has found so far, by output: see `StageRun`. */
export interface StageResults {
  readonly sums: ReadonlyMap<string, readonly StageSum[]>;
  readonly histograms: ReadonlyMap<string, Histogram>;
  readonly most: ReadonlyMap<string, Float64Array>;
}

/** What a stage does with a store: see `StageRun`. */
export interface StageParams {
  /** The store's key. */
  readonly store: string;
  readonly take: Readonly<Record<string, string>>;
  readonly keep: Readonly<Record<string, string>>;
  readonly sum: readonly string[];
  readonly parts: number;
  readonly spread: readonly string[];
  readonly most: readonly string[];
}

/** One choice of sizes for the symbolic axes. */
export interface Trial {
  readonly batch: number;
  readonly dims: ReadonlyMap<string, number>;
  /** Symbols that count samples though neither their name nor their place says so. */
  readonly samples?: readonly string[] | undefined;
}

/** Index of the first trial that ran, or the last error. */
export type ProbeResult = { readonly found: number } | { readonly found: undefined; readonly lastError: string };

/** What came of two models at sizes that A runs with. */
export interface SizeComparison {
  /** Index of the trial. */
  readonly trial: number;
  readonly outputs: readonly OutputComparison[];
  /** Why B does not run with them. */
  readonly refusal: string | undefined;
}

/** The trials that A runs with, and outputs of either model that are no tensors. */
export interface SizesResult {
  readonly sizes: readonly SizeComparison[];
  readonly uncompared: readonly UncomparedOutput[];
}

/** Hears how far a request is. */
export type Tell = (done: number, total: number) => void;

/** The name of a request. */
export type RequestKind = keyof Requests;
/** What a request needs. */
export type Params<K extends RequestKind> = Requests[K]['params'];
/** What a request answers. */
export type Result<K extends RequestKind> = Requests[K]['result'];

/** A request on its way to the process. */
export interface RequestMessage<K extends RequestKind = RequestKind> {
  readonly id: number;
  readonly kind: K;
  readonly params: Params<K>;
  /** Of models that the process has not heard of. */
  readonly layouts?: Layouts | undefined;
}

/** An error, flattened so that it survives the way between processes. */
export interface FailureMessage {
  readonly id: number;
  readonly ok: false;
  readonly code: ErrorCode;
  readonly subject: string;
  readonly message: string;
}

/** An answer on its way back. */
export interface SuccessMessage<K extends RequestKind> {
  readonly id: number;
  readonly ok: true;
  readonly kind: K;
  readonly result: Result<K>;
}

/** How far a request is, on the way of its answer. */
export interface ProgressMessage {
  readonly id: number;
  readonly progress: { readonly done: number; readonly total: number };
}

/** Which model request `id` works on, on the way of its answer. */
export interface AttentionMessage {
  readonly id: number;
  /** Undefined for all that the request is about. */
  readonly attention: { readonly subject: string | undefined };
}

/** Sent once, when onnxruntime is loaded. */
export const READY = 'ready';

function field(message: unknown, key: string): unknown {
  return typeof message === 'object' && message !== null ? Reflect.get(message, key) : undefined;
}

/** Whether a message is a request. Both ends are this package, so the id is proof enough. */
export function isRequest(message: unknown): message is RequestMessage {
  return typeof field(message, 'id') === 'number' && typeof field(message, 'kind') === 'string';
}

/** Whether a message reports that request `id` failed. */
export function isFailure(message: unknown, id: number): message is FailureMessage {
  return field(message, 'id') === id && field(message, 'ok') === false;
}

/** Whether a message is the answer to request `id` of this kind. */
export function isSuccess<K extends RequestKind>(message: unknown, id: number, kind: K): message is SuccessMessage<K> {
  return field(message, 'id') === id && field(message, 'ok') === true && field(message, 'kind') === kind;
}

/** Whether a message tells how far request `id` is. */
export function isProgress(message: unknown, id: number): message is ProgressMessage {
  return field(message, 'id') === id && field(message, 'progress') !== undefined;
}

/** Whether a message tells which model request `id` works on. */
export function isAttention(message: unknown, id: number): message is AttentionMessage {
  return field(message, 'id') === id && field(message, 'attention') !== undefined;
}
