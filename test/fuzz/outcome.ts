/** What became of a case. */
export interface Outcome {
  /** `done`, the code of a proper refusal, `none` where the mutations left no file, or `finding`. */
  readonly kind: string;
  /** What was refused, or what is wrong. */
  readonly message: string;
  /** Where from, for findings. */
  readonly stack?: string | undefined;
}
