import { readFileSync } from 'node:fs';
import onnxProto from 'onnx-proto';
import type { Report } from '../../src/index.ts';

const { onnx } = onnxProto;
type Axes = Report['pruning']['axes'];

/** The elements of a weight by a decoder that is not ours: numbers of float32, the bits of float16. */
interface Elements {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

/** Every weight of a file by name, those inside bodies and in Constant nodes included. */
export function weightsOf(path: string): Map<string, Elements> {
  const found = new Map<string, Elements>();
  const visit = (graph: onnxProto.onnx.IGraphProto | null | undefined): void => {
    for (const tensor of graph?.initializer ?? []) note(tensor.name, tensor);
    for (const { attribute, opType, output } of graph?.node ?? []) {
      for (const { g, t } of attribute ?? []) {
        visit(g);
        if (opType === 'Constant' && t != null) note(output?.[0], t);
      }
    }
  };
  const note = (name: string | null | undefined, tensor: onnxProto.onnx.ITensorProto): void => {
    const values = valuesOf(tensor);
    if (values !== undefined) found.set(name ?? '', { dims: (tensor.dims ?? []).map(Number), values });
  };
  visit(onnx.ModelProto.decode(readFileSync(path)).graph);
  return found;
}

function valuesOf({ dataType, rawData, floatData }: onnxProto.onnx.ITensorProto): number[] | undefined {
  const { FLOAT, FLOAT16 } = onnx.TensorProto.DataType;
  const { buffer } = Uint8Array.from(rawData ?? []);
  if (dataType === FLOAT16) return [...new Uint16Array(buffer)];
  if (dataType !== FLOAT) return undefined;
  return floatData != null && floatData.length > 0 ? [...floatData] : [...new Float32Array(buffer)];
}

/** A weight without what a report says has left. */
export function replay(name: string, { dims, values }: Elements, axes: Axes): Elements {
  let cut: Elements = { dims, values };
  for (const each of axes) if (each.initializer === name) cut = keep(cut, each.axis, each.kept);
  return cut;
}

function keep({ dims, values }: Elements, axis: number, kept: readonly number[]): Elements {
  const product = (of: readonly number[]): number => of.reduce((size, dim) => size * dim, 1);
  const [outer, length, inner] = [product(dims.slice(0, axis)), dims[axis] ?? 0, product(dims.slice(axis + 1))];
  const rows = Array.from({ length: outer }, (_, o) =>
    kept.map((index) => values.slice((o * length + index) * inner, (o * length + index + 1) * inner)),
  );
  return { dims: dims.with(axis, kept.length), values: rows.flat(2) };
}
