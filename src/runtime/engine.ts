import { OnnxPruneError } from '../errors.ts';
import type { DataType } from '../ir/data-type.ts';
import type { Engine } from '../ir/facts.ts';
import { Tensor } from '../ir/tensor.ts';
import { encodeModel } from '../onnx/codec.ts';
import type { RequestOptions, RuntimeChild } from './child.ts';
import { observeShapes } from './observe.ts';
import { run } from './run.ts';
import { inferShapes } from './shapes.ts';
import { isTensorType } from './tensor.ts';
import type { HostTensor } from './types.ts';

/** onnxruntime as the inner folders ask for it. */
export function createEngine(child: RuntimeChild, options: RequestOptions = {}): Engine {
  return {
    inferShapes: (model) => inferShapes(model, child, options),
    observeShapes: (model, names) => observeShapes(child, model, names, options),
    async evaluate(model) {
      try {
        const outputs = await run(child, encodeModel(model), {}, options);
        return new Map(Object.entries(outputs).flatMap(([name, tensor]) => asConstant(name, tensor)));
      } catch (error) {
        // Folding is a service: a part that the runtime cannot run by itself stays in the graph as it is.
        if (error instanceof OnnxPruneError && error.code === 'runtime-refused' && !options.signal?.aborted)
          return new Map();
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
