/** The options that are gates, as they are written on the command line. */
export type GateName =
  | '--max-drop'
  | '--min-agreement'
  | '--min-cosine'
  | '--max-error'
  | '--min-speedup'
  | '--max-size'
  | '--max-latency';

/** How one gate came out. */
export interface GateReport {
  readonly gate: GateName;
  /** `fraction`: of 1, shown as percent or points; `number`: a plain one; `ratio`: of speeds; `bytes`; `ms` per run. */
  readonly unit: 'fraction' | 'number' | 'ratio' | 'bytes' | 'ms';
  /** Null where it is a share of something that was not measured. */
  readonly limit: number | null;
  /** What was measured: the worst output's, where outputs are judged one by one. Null where it came to no number (NaN, or outputs that cannot be compared). */
  readonly found: number | null;
  readonly passed: boolean;
  /** How far `found` is on the good side of the limit; below 0 where it failed, null where nothing was found. */
  readonly margin: number | null;
  /** What `found` was taken from: the output and the data, in words for a person. */
  readonly of: string;
}
