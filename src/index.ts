/** The public API. What is not listed here is internal and may change at any time. */
export type { RecoveryReport } from './channel-rounds.ts';
export { type CompareOptions, compareModels } from './compare.ts';
export { type CriterionName, criteria } from './criteria/criteria.ts';
export { FORMULA_FUNCTIONS } from './criteria/formula/translate.ts';
export { FORMULA_VARIABLES, type VariableFact } from './criteria/formula/variables.ts';
export { type ErrorCode, OnnxPruneError } from './errors.ts';
export { CheckFailed, ComparisonFailed } from './gates.ts';
export { type InspectOptions, inspect } from './inspect.ts';
export type { DataRoom, SampleBatch, SampleSource } from './judge/sample-source.ts';
export type { TestData } from './judge/test-data.ts';
export type { GateOptions } from './options/gate-options.ts';
export type { Int8Mode, Int8Options, Ranges, Rounding } from './options/int8-options.ts';
export { PRUNE_DEFAULTS, type PruneHooks, type PruneOptions } from './options/prune-options.ts';
export type { SensitivityOptions, StudyOptions, SweepOptions } from './options/study-options.ts';
export { prune } from './pipeline.ts';
export type { EqualizedSite } from './quantize/equalize/equalize.ts';
export type { FloatNode, FusionReport } from './quantize/fusion.ts';
export type { IntegerKind } from './quantize/kinds.ts';
export type { FloatLayer, OpsetChange, QuantizedLayer, QuantizeReport } from './quantize-report.ts';
export type { FloatSearch, FloatTry, Quantized } from './quantize-within.ts';
export type { ByMagnitude, OneShotMethod, OneShotReport, SparseLayer } from './recover/one-shot.ts';
export type { RecoveredLayer } from './recover/recover.ts';
export type { LayerDistribution } from './report/distribution.ts';
export type { GateName, GateReport } from './report/gates.ts';
export { type AnyReport, renderJson } from './report/json.ts';
export type { NodeFigures, Outline, OutlineNode } from './report/outline.ts';
export {
  type CleaningReport,
  type ComparedModel,
  type CompareReport,
  type DropReport,
  type EnvironmentReport,
  type FidelityReport,
  type GoalReport,
  type GoalTry,
  type GroupOutline,
  type InspectReport,
  type LatencyReport,
  type LayerReport,
  type ModelSize,
  type ProofReport,
  type QuantizationReport,
  type Report,
  SCHEMA_VERSION,
  type SizeTrial,
  type SoughtReport,
  type StorageReport,
  type TargetReport,
} from './report/report.ts';
export type {
  PointFigures,
  PointLatency,
  Quality,
  SensitivityReport,
  SensitivityRow,
  StudyPoint,
  Suggestion,
  SweepReport,
  SweepSeries,
} from './report/study.ts';
export { checkReportPath, writeReport } from './report/write.ts';
export type {
  Accuracy,
  Feeds,
  Footprint,
  HostTensor,
  InputSpec,
  ModelTiming,
  OutputComparison,
  OutputProof,
  Regression,
  SpeedUp,
  UncomparedOutput,
} from './runtime/index.ts';
export { sensitivity } from './sensitivity.ts';
export type { Progress } from './stopwatch.ts';
export { sweep } from './sweep.ts';
export type { AxisCut, GroupReport, KeptLayer } from './transforms/describe-groups.ts';
export type { RedundantChannel, RedundantGroup } from './transforms/describe-redundant.ts';
export type { PrunedLayer, WholeWeights } from './transforms/describe-weights.ts';
export type { PruneChannelsReport } from './transforms/prune-channels.ts';
export type { PruneWeightsReport } from './transforms/prune-weights.ts';
export type { RemoveRedundantReport } from './transforms/remove-redundant.ts';
export type { StoreHalfReport } from './transforms/store-half.ts';
