import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';

const { onnx } = onnxProto;

/** A weight as onnx-proto's decoder sees it. */
export interface DecodedWeight {
  readonly dims: readonly number[];
  /** float32 elements; empty for other types and for typed fields. */
  readonly floats: Float32Array;
  readonly dataType: number;
}

/** The initializers of a model file, by a decoder that is not ours. */
export function decodeWeights(path: string): ReadonlyMap<string, DecodedWeight> {
  const { graph } = onnx.ModelProto.decode(readFileSync(path));
  return new Map(
    (graph?.initializer ?? []).map(({ name, dims, rawData, dataType }) => {
      const bytes = dataType === onnx.TensorProto.DataType.FLOAT ? Uint8Array.from(rawData ?? []) : new Uint8Array();
      return [
        name ?? '',
        { dims: (dims ?? []).map(Number), floats: new Float32Array(bytes.buffer), dataType: dataType ?? 0 },
      ];
    }),
  );
}

/** Elements of all floating-point initializers. */
export function countParameters(path: string): number {
  const { FLOAT, FLOAT16, DOUBLE, BFLOAT16 } = onnx.TensorProto.DataType;
  const floating: readonly number[] = [FLOAT, FLOAT16, DOUBLE, BFLOAT16];
  let count = 0;
  for (const { dims, dataType } of decodeWeights(path).values()) {
    if (floating.includes(dataType)) count += dims.reduce((product, dim) => product * dim, 1);
  }
  return count;
}

/** The number of nodes of a model file. */
export function countNodes(path: string): number {
  return onnx.ModelProto.decode(readFileSync(path)).graph?.node?.length ?? 0;
}

/** The IR version of a model file, and the names of its graph inputs. */
export function headerOf(path: string): { irVersion: number; inputs: readonly string[] } {
  const { irVersion, graph } = onnx.ModelProto.decode(readFileSync(path));
  return { irVersion: Number(irVersion), inputs: (graph?.input ?? []).map(({ name }) => name ?? '') };
}

/** The slices `kept` of a weight along an axis. */
export function takeSlices(weight: DecodedWeight, axis: number, kept: readonly number[]): Float32Array {
  const inner = weight.dims.slice(axis + 1).reduce((product, dim) => product * dim, 1);
  const outer = weight.dims.slice(0, axis).reduce((product, dim) => product * dim, 1);
  const length = weight.dims[axis] ?? 1;
  const taken = new Float32Array(outer * kept.length * inner);
  for (let o = 0; o < outer; o++) {
    for (const [to, from] of kept.entries()) {
      const start = (o * length + from) * inner;
      taken.set(weight.floats.subarray(start, start + inner), (o * kept.length + to) * inner);
    }
  }
  return taken;
}
