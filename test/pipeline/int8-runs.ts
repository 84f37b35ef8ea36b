import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import type { PruneHooks, PruneOptions, Report, TestData } from '../../src/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { prune } from '../support/shared-runtime.ts';
import { freshFolder } from './folder.ts';

const { onnx } = onnxProto;

/** An initializer of integers of 8 bits, as onnx-proto's decoder sees it. */
export interface StoredIntegers {
  readonly dims: readonly number[];
  readonly codes: Int8Array;
}

/** What an independent decoder says of a model. */
export interface DecodedModel {
  /** int8 initializers of more than one axis: weights. */
  readonly weights: ReadonlyMap<string, StoredIntegers>;
  /** How often each operator stands in the model's own graph. */
  readonly operators: Readonly<Record<string, number>>;
  readonly opset: number;
  /** Element types of initializers, by name, as ONNX numbers them. */
  readonly types: ReadonlyMap<string, number>;
}

/** Reads a model. */
export function decoded(path: string): DecodedModel {
  const { graph, opsetImport } = onnx.ModelProto.decode(readFileSync(path));
  const operators: Record<string, number> = {};
  for (const { opType } of graph?.node ?? []) operators[opType ?? ''] = (operators[opType ?? ''] ?? 0) + 1;
  const initializers = graph?.initializer ?? [];
  const weights = initializers.flatMap(({ name, dims, dataType, rawData }) =>
    dataType === onnx.TensorProto.DataType.INT8 && (dims?.length ?? 0) > 1
      ? [[name ?? '', { dims: (dims ?? []).map(Number), codes: Int8Array.from(rawData ?? []) }] as const]
      : [],
  );
  return {
    weights: new Map(weights),
    operators,
    opset: Number(opsetImport?.find(({ domain }) => !domain)?.version ?? 0),
    types: new Map(initializers.map(({ name, dataType }) => [name ?? '', dataType ?? 0])),
  };
}

/** A finished run. */
export interface Int8Run {
  readonly report: Report;
  readonly quantization: NonNullable<Report['quantization']>;
  readonly output: string;
}

/** Data that a run is given, as they are. */
export interface RunData {
  readonly calibration?: TestData | undefined;
  readonly testData?: TestData | undefined;
}

/** Hooks that give data. */
export function given({ calibration, testData }: RunData): PruneHooks {
  return {
    ...(calibration && { calibration: async () => calibration }),
    ...(testData && { testData: async () => testData }),
  };
}

/** Runs with integers, without timing, and says what became of the numbers. */
export async function quantize(
  model: ModelBuilder | string,
  options: PruneOptions,
  data: RunData = {},
): Promise<Int8Run> {
  const folder = freshFolder();
  const input = model instanceof ModelBuilder ? folder.write('m.onnx', model.bytes()) : model;
  const output = options.output ?? folder.path('small.onnx');
  const report = await prune(input, { int8: true, bench: false, output, ...options }, given(data));
  const { quantization } = report;
  if (quantization === null) throw new Error('nothing says what became of the numbers');
  return { report, quantization, output };
}

/** How the layers of a run came out, by node: on integers, or why not. */
export function outcome({ quantization: { layers, floats } }: Int8Run): Record<string, string> {
  return Object.fromEntries([
    ...layers.map(({ node, how }) => [node, how] as const),
    ...floats.map(({ node, reason }) => [node, reason] as const),
  ]);
}
