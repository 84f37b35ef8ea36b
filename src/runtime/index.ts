/** Everything that runs onnxruntime, in a process of its own. */
export { ActivationStore, type StoreOptions } from './activation-store.ts';
export { type RequestOptions, RuntimeChild, type RuntimeChildOptions } from './child.ts';
export { RuntimeCrash, RuntimeTimeout } from './child-errors.ts';
export { compareSizes } from './compare-sizes.ts';
export { addsBytesExactly, kernelBlock } from './cpu.ts';
export { createEngine } from './engine.ts';
export { type FootprintOptions, measureFootprint } from './footprint.ts';
export { batchSymbols, type InputOptions, makeInputs, resolveDims, symbolsOf } from './inputs.ts';
export { type Launch, workerLaunch } from './launch.ts';
export type { ModelLayout } from './layout.ts';
export { modelInfo } from './model-info.ts';
export { type OpenModel, openModel } from './open-model.ts';
export { optimizeModel } from './optimize-model.ts';
export { profileModel } from './profile-model.ts';
export type { SizeComparison, SizesResult, StageResults } from './protocol.ts';
export { type InnerRounding, type OutputProof, type Proof, prove } from './prove.ts';
export { benchmark, compare, type Outputs, type RunOptions, run, runAll } from './run.ts';
export { findOtherInputs, findRunnableInputs, firstThatRuns, otherSizes, type RunnableInputs } from './runnable.ts';
export type { StageSum } from './running-sum.ts';
export { inferShapes } from './shapes.ts';
export { runSpread, runStage, type SegmentRun, type SpreadRun, type StageOptions, type StageRun } from './stage.ts';
export { checkTensor, elementCount, isFloating, isTensorType } from './tensor.ts';
export type { StoreUsage } from './tensor-store.ts';
export type {
  Accuracy,
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
  ModelTiming,
  NodeTime,
  NonFinite,
  Optimization,
  OutputComparison,
  ProfileOptions,
  Regression,
  SessionSettings,
  SpeedUp,
  TensorData,
  TensorFact,
  TensorType,
  UncomparedOutput,
  ValueInfo,
} from './types.ts';
export { type UnsteadyOutput, unsteadyOutputs } from './unsteady.ts';
export { outputBehind } from './visible.ts';
export { dieWithParent } from './worker-watchdog.ts';
