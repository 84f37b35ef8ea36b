import { OnnxPruneError } from '../errors.ts';
import type { DataType } from '../ir/data-type.ts';
import type { Evaluator, ShapeOracle } from '../ir/facts.ts';
import { Tensor } from '../ir/tensor.ts';
import { encodeModel } from '../onnx/codec.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { run } from './run.ts';
import { inferShapes } from './shapes.ts';
import { isTensorType } from './tensor.ts';
import type { HostTensor } from './types.ts';

/** onnxruntime as the inner folders ask for it: shapes, and the values of small models without inputs. */
export function createEngine(child: RuntimeChild, options: RequestOptions = {}): ShapeOracle & Evaluator {
  return {
    inferShapes: (model) => inferShapes(model, child, options),
    async evaluate(model) {
      try {
        const outputs = await run(child, encodeModel(model), {}, options);
        return new Map(Object.entries(outputs).flatMap(([name, tensor]) => asConstant(name, tensor)));
      } catch (error) {
        // Folding is a service: a part that the runtime cannot run by itself stays in the graph as it is.
        if (error instanceof OnnxPruneError && error.code === 'runtime-refused' && !options.signal?.aborted) return new Map();
        throw error;
      }
    },
  };
}

function asConstant(name: string, { type, dims, data }: HostTensor): [string, Tensor][] {
  if (!isTensorType(type) || type === 'string' || !ArrayBuffer.isView(data)) return [];
  const known: DataType = type;
  return [[name, Tensor.of(known, dims, new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]];
}
