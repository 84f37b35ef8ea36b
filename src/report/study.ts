import type { LayerDistribution } from './distribution.ts';
import type { EnvironmentReport, ModelSize, SCHEMA_VERSION } from './report.ts';

/** What one run of a study came to: a model pruned by one amount in one way. */
export interface StudyPoint {
  /** Fraction that was asked for. */
  readonly amount: number;
  /** Fraction of channels that left (channels), or of all weights that are zero (weights). */
  readonly reached: number;
  /** Null where the run failed. */
  readonly figures: PointFigures | null;
  /** Why the run failed, in a sentence; null where it did not. */
  readonly problem: string | null;
}

/** What was measured of a pruned model. */
export interface PointFigures {
  readonly size: ModelSize;
  readonly quality: Quality;
  /** Null under --no-bench. */
  readonly latency: PointLatency | null;
}

/** How good a model is on the data. */
export interface Quality {
  /** Right answers (top-1) as a fraction of the labelled ones; null without labels. */
  readonly accuracy: number | null;
  /** Right answers among the five largest; null without labels, or with five classes and fewer. */
  readonly top5: number | null;
  /** Mean cross-entropy in nats, or, for labels that are numbers, mean squared error; null without labels. */
  readonly loss: number | null;
  /** Answers that are the original's, as a fraction; null where no output has classes. 1 for the original. */
  readonly agreement: number | null;
  /** The smallest cosine of any output with the original's; null where none is a floating one. */
  readonly cosine: number | null;
}

/** How fast a point runs, timed in turn with the original. */
export interface PointLatency {
  /** ms per run. */
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  /** The original's median of the same rounds, in ms. */
  readonly original: number;
  /** Against the original: median of ratios of the same round, and their quartiles. */
  readonly speedUp: number;
  readonly p25: number;
  readonly p75: number;
  readonly significant: boolean;
}

/** One line of a sweep: one way to prune, at all amounts. */
export interface SweepSeries {
  /** Whether channels leave or single weights become zero. */
  readonly of: 'channels' | 'weights';
  /** What makes it differ from the other lines: option and value, such as { criterion: "l2" }; empty where it is the only way. */
  readonly choices: Readonly<Record<string, string>>;
  /** A name that no other series has, such as "channels, l2". */
  readonly name: string;
  /** In the order of the amounts. */
  readonly points: readonly StudyPoint[];
}

/** What `sweep` has to say of a model. */
export interface SweepReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly kind: 'sweep';
  /** The command that makes it again, word by word; absent where no command made it. */
  readonly command?: readonly string[];
  readonly tool: { readonly name: 'onnx-prune'; readonly version: string };
  readonly input: { readonly path: string };
  /** What the models ran on. */
  readonly on: 'test data' | 'random inputs';
  readonly samples: number;
  /**
   * Answers that were compared, those with labels where there are any: a sample may have many, such as one for each of its words;
   * null where outputs have no classes.
   */
  readonly answers: number | null;
  /** The unpruned model. */
  readonly original: { readonly size: ModelSize; readonly quality: Quality };
  readonly series: readonly SweepSeries[];
  /** Of the original. */
  readonly distributions: readonly LayerDistribution[];
  /** Threads of the runs that were timed; null under --no-bench. */
  readonly threads: number | null;
  /** Points that were taken from an earlier, interrupted sweep. */
  readonly resumed: number;
  readonly environment: EnvironmentReport;
  readonly seconds: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

/** How a model bears that one group of channels, or one weight, alone is pruned. */
export interface SensitivityRow {
  /** Name of the group, or of the weight's initializer. */
  readonly name: string;
  /** The nodes that make the channels, or hold the weight. */
  readonly nodes: readonly string[];
  /** Channels, or weights. */
  readonly size: number;
  /** Channels that leave together, such as those of a head; 1 for weights. */
  readonly unit: number;
  /** What the units are where they are heads of an attention, or dimensions inside them. */
  readonly part: 'heads' | 'head-dim' | null;
  /** In the order of the amounts. */
  readonly points: readonly StudyPoint[];
  /** The largest amount tried that keeps to the tolerance, and all smaller ones too; 0 where none does. */
  readonly bears: number;
}

/** What `sensitivity` has to say of a model. */
export interface SensitivityReport {
  readonly schemaVersion: typeof SCHEMA_VERSION;
  readonly kind: 'sensitivity';
  readonly command?: readonly string[];
  readonly tool: SweepReport['tool'];
  readonly input: SweepReport['input'];
  readonly on: SweepReport['on'];
  readonly samples: number;
  readonly answers: SweepReport['answers'];
  readonly of: 'channels' | 'weights';
  /** How the drop is counted: right answers lost, answers unlike the original, or 1 - cosine where no output has classes. */
  readonly by: 'accuracy' | 'agreement' | 'cosine';
  /** Fractions, ascending. */
  readonly amounts: readonly number[];
  /** Drop up to which an amount is borne, a fraction of 1. */
  readonly tolerance: number;
  readonly original: SweepReport['original'];
  /** Fragile ones first. */
  readonly rows: readonly SensitivityRow[];
  /** How much may leave of each so that all together keep to the tolerance; null unless it was asked for, or where there is nothing. */
  readonly suggestion: Suggestion | null;
  readonly resumed: number;
  readonly environment: EnvironmentReport;
  readonly seconds: Readonly<Record<string, number>>;
  readonly notes: readonly string[];
}

/** The recipe by which most leaves within the tolerance. */
export interface Suggestion {
  readonly recipe: Readonly<Record<string, unknown>>;
  readonly point: StudyPoint;
  /** Whether the point keeps to the tolerance. */
  readonly holds: boolean;
}
