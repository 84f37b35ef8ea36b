import type { Graph } from '../ir/graph.ts';
import type { Node } from '../ir/node.ts';
import { canBeDense, denseTensor } from '../ir/sparse-tensor.ts';
import { Tensor } from '../ir/tensor.ts';
import { DataType } from '../onnx/messages.ts';

/**
 * Turns Constant nodes into initializers of the same name, whatever attribute carries the data.
 * Left alone: sparse texts, and constants that are graph outputs, whose name would then stand twice.
 * Source: ONNX operator Constant, attributes value, sparse_value, value_float(s), value_int(s), value_string(s).
 */
export function constantNodesToInitializers(graph: Graph): boolean {
  let changed = false;
  for (const node of [...graph.nodes]) {
    const output = node.outputs[0];
    if (node.opType !== 'Constant' || node.domain !== '' || output === undefined || graph.isOutput(output)) continue;
    const tensor = tensorOf(node);
    if (tensor === undefined) continue;
    graph.replaceByInitializer(node, tensor);
    changed = true;
  }
  return changed;
}

function tensorOf(node: Node): Tensor | undefined {
  const { directory } = node.graph.scope;
  for (const [name, { proto }] of node.attributes) {
    switch (name) {
      case 'value':
        return proto.t ? new Tensor(proto.t, directory) : undefined;
      case 'sparse_value':
        return proto.sparseTensor && canBeDense(proto.sparseTensor)
          ? denseTensor(proto.sparseTensor, directory)
          : undefined;
      case 'value_float':
        return new Tensor({ dims: [], dataType: DataType.FLOAT, floatData: [proto.f ?? 0] });
      case 'value_floats':
        return new Tensor({
          dims: [proto.floats?.length ?? 0],
          dataType: DataType.FLOAT,
          floatData: proto.floats ?? [],
        });
      case 'value_int':
        return new Tensor({ dims: [], dataType: DataType.INT64, int64Data: [proto.i ?? 0] });
      case 'value_ints':
        return new Tensor({ dims: [proto.ints?.length ?? 0], dataType: DataType.INT64, int64Data: proto.ints ?? [] });
      case 'value_string':
        return new Tensor({ dims: [], dataType: DataType.STRING, stringData: [proto.s ?? new Uint8Array()] });
      case 'value_strings':
        return new Tensor({
          dims: [proto.strings?.length ?? 0],
          dataType: DataType.STRING,
          stringData: proto.strings ?? [],
        });
    }
  }
  return undefined;
}
