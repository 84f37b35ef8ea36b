import onnxProto from 'onnx-proto';
import { OnnxPruneError } from '../../src/errors.ts';
import { checkGraph } from '../../src/ir/check.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder, type ModelOptions } from './build.ts';

const { onnx } = onnxProto;

/** A model as onnx-proto's own message, to be bent into what no exporter writes. */
export type Bent = onnxProto.onnx.ModelProto;

/** The lists of its graph, to be changed in place or replaced. */
export interface BentGraph {
  node: onnxProto.onnx.INodeProto[];
  initializer: onnxProto.onnx.ITensorProto[];
  input: onnxProto.onnx.IValueInfoProto[];
  output: onnxProto.onnx.IValueInfoProto[];
  valueInfo: onnxProto.onnx.IValueInfoProto[];
}

/** x [N, 8] -> Gemm "g1" (w1 [16, 8], b1) -> h0 -> Relu "r" -> h -> Gemm "g2" (w2 [4, 16]) -> y [N, 4]. */
export function smallNet(options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  const x = b.input('x', 'float32', ['N', 8]);
  const first = [x, b.weight('w1', [16, 8]), b.vector('b1', 16)];
  const h0 = b.node('Gemm', first, { transB: 1 }, { name: 'g1', outputs: ['h0'] });
  const h = b.node('Relu', [h0], {}, { name: 'r', outputs: ['h'] });
  b.node('Gemm', [h, b.weight('w2', [4, 16])], { transB: 1 }, { name: 'g2', outputs: ['y'] });
  b.output('y', 'float32', ['N', 4]);
  return b;
}

/** The bytes of a net after somebody had a hand in it. */
export function bend(change: (graph: BentGraph, model: Bent) => void, net: ModelBuilder = smallNet()): Uint8Array {
  const model = onnx.ModelProto.decode(net.bytes());
  const lists: BentGraph = {
    node: model.graph?.node ?? [],
    initializer: model.graph?.initializer ?? [],
    input: model.graph?.input ?? [],
    output: model.graph?.output ?? [],
    valueInfo: model.graph?.valueInfo ?? [],
  };
  change(lists, model);
  model.graph = { ...model.graph, ...lists };
  return onnx.ModelProto.encode(model).finish();
}

/** The initializer of a name, to be bent. */
export function tensorOf(graph: BentGraph, name: string): onnxProto.onnx.ITensorProto {
  const found = graph.initializer.find((tensor) => tensor.name === name);
  if (found === undefined) throw new Error(`there is no initializer ${name}`);
  return found;
}

/** The node of a name, to be bent. */
export function nodeOf(graph: BentGraph, name: string): onnxProto.onnx.INodeProto {
  const found = graph.node.find((node) => node.name === name);
  if (found === undefined) throw new Error(`there is no node ${name}`);
  return found;
}

/** The graph of a file's bytes, checked as reading a file does. */
export function importBytes(bytes: Uint8Array, directory?: string): Model {
  const model = importModel(decodeModel(bytes, 'some.onnx'), directory);
  checkGraph(model.graph);
  return model;
}

/** What something is refused with; an error that is none of the package's own is passed on. */
export function refusalOf(work: () => unknown): OnnxPruneError {
  try {
    work();
  } catch (error) {
    if (error instanceof OnnxPruneError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

/** The same of work that takes its time. */
export async function laterRefusal(work: Promise<unknown>): Promise<OnnxPruneError> {
  const outcome = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  return refusalOf(() => {
    if (outcome !== undefined) throw outcome;
  });
}
