import type { Engine } from '../../src/ir/facts.ts';
import type { TensorProto, ValueInfoProto } from '../../src/onnx/messages.ts';
import { normals } from '../support/random.ts';

/** Says nothing: not every type has kernels, and what the nets of these tests declare is enough. */
export const silent: Engine = {
  inferShapes: async () => new Map(),
  observeShapes: async () => new Map(),
  evaluate: async () => new Map(),
};

/** A declaration with dims. */
export function declared(name: string, elemType: number, dims: readonly number[]): ValueInfoProto {
  return { name, type: { tensorType: { elemType, shape: { dim: dims.map((dimValue) => ({ dimValue })) } } } };
}

/** A tensor of standard normal float32 numbers. */
export function floatTensor(name: string, dims: readonly number[], seed: number): TensorProto {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return { name, dims: [...dims], dataType: 1, rawData: new Uint8Array(normals(count, seed).buffer) };
}
