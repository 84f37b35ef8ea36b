import { basename } from 'node:path';
import { OnnxPruneError } from './errors.ts';
import { checkGraph } from './ir/check.ts';
import type { Evaluator, ShapeOracle } from './ir/facts.ts';
import { importModel, type Model } from './ir/model.ts';
import { normalise } from './normalise/normalise.ts';
import { readModelFile } from './onnx/read.ts';
import { hasRule } from './ops/rules.ts';

/** A model read from a file and brought into the form that rules read. */
export interface LoadedModel {
  readonly path: string;
  readonly model: Model;
  /** Bytes of the .onnx file. */
  readonly bytes: number;
  /** Whether the file keeps weights in other files. */
  readonly hasExternalData: boolean;
  readonly nodesInFile: number;
  /** Whether tidying up folded or rewired anything. */
  readonly rewired: boolean;
}

/**
 * Reads a model and normalises it.
 * @throws OnnxPruneError `bad-file`, `bad-model` as reading and importing do, `runtime-refused` where onnxruntime does not accept it
 */
export async function loadModel(path: string, engine: ShapeOracle & Evaluator): Promise<LoadedModel> {
  const { model: proto, directory, bytes } = await readModelFile(path);
  const model = importModel(proto, directory);
  checkGraph(model.graph);
  if (model.graph.outputs.length === 0) {
    throw new OnnxPruneError(
      'bad-model',
      path,
      `${basename(path)} has no outputs, so nothing in it can matter; export the model again.`,
    );
  }
  const hasExternalData = [...model.graph.initializers].some((value) => value.tensor?.isExternal);
  const nodesInFile = model.graph.nodes.size;
  const rewired = await normalise(model, engine);
  return { path, model, bytes, hasExternalData, nodesInFile, rewired };
}

/** The newest operator set of ONNX's own domain that a model imports. */
export function opsetOf({ graph }: Model): number {
  return graph.scope.opsets.get('') ?? 0;
}

/** The program that wrote a model, as its file says. */
export function producerOf({ proto }: Model): string {
  return [proto.producerName, proto.producerVersion].filter((part) => part).join(' ');
}

/** Operators that no rule knows, with the number of nodes. */
export function unknownOperators({ graph }: Model): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const node of graph.nodes) {
    if (hasRule(node)) continue;
    const name = node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
