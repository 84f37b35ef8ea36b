/** The words that options take, each list written once: options are checked by them and shells complete them. */

/** Of `--int8`. */
export const MODES = ['auto', 'static', 'dynamic', 'weights'] as const;
/** Of `--ranges`. */
export const RANGES = ['minmax', 'percentile', 'entropy', 'mse'] as const;
/** Of `--rounding`. */
export const ROUNDINGS = ['nearest', 'gptq'] as const;
/** Of `--recover`. */
export const RECOVERIES = ['none', 'bias', 'least-squares'] as const;
/** Of `--one-shot`. */
export const METHODS = ['auto', 'wanda', 'sparsegpt', 'alps', 'magnitude'] as const;
/** Of `--scope` and `--weight-scope`. */
export const SCOPES = ['uniform', 'global', 'lamp'] as const;
/** Of `--schedule`. */
export const SCHEDULES = ['constant', 'polynomial'] as const;
