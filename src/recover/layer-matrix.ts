import { Tensor } from '../ir/tensor.ts';
import type { Value } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import type { Layer } from '../ops/rule.ts';

/**
 * The weight of a linear layer as a matrix [rows, features]: a row makes one channel of the output, its features are the
 * numbers it multiplies, by channel of the data (of its own group), then by position in the kernel.
 */
export interface LayerMatrix {
  readonly weight: Value;
  readonly tensor: Tensor;
  readonly rows: number;
  readonly features: number;
  /** Groups of rows, each of which reads its own part of the data's channels. */
  readonly groups: number;
  /** Positions of the kernel: features per channel. */
  readonly kernel: number;
  /** Steps in the tensor's elements from row to row, from channel to channel, and to each position of the kernel. */
  readonly rowStep: number;
  readonly channelStep: number;
  readonly kernelSteps: readonly number[];
}

/** The matrix of a layer; undefined where its weight is no initializer of floats. */
export function layerMatrix({ weight, rows, columns, groups }: Layer): LayerMatrix | undefined {
  const { tensor } = weight;
  if (tensor === undefined || !isFloatType(tensor.type)) return undefined;
  const { dims } = tensor;
  const steps = dims.map((_, dim) => dims.slice(dim + 1).reduce((product, length) => product * length, 1));
  let kernelSteps = [0];
  dims.forEach((length, dim) => {
    if (dim === rows || dim === columns) return;
    kernelSteps = kernelSteps.flatMap((from) => Array.from({ length }, (_, i) => from + i * (steps[dim] ?? 0)));
  });
  const channels = columns === undefined ? 1 : (dims[columns] ?? 0);
  return {
    weight,
    tensor,
    rows: dims[rows] ?? 0,
    features: channels * kernelSteps.length,
    groups,
    kernel: kernelSteps.length,
    rowStep: steps[rows] ?? 0,
    channelStep: columns === undefined ? 0 : (steps[columns] ?? 0),
    kernelSteps,
  };
}

/** The elements of a layer's matrix, row-major. */
export function readMatrix(matrix: LayerMatrix): Float64Array {
  return matrixReader(matrix)(0, matrix.rows);
}

/** Gives the elements of a layer's matrix, row-major, of the rows from one up to another; its tensor is read once. */
export function matrixReader(matrix: LayerMatrix): (from: number, to: number) => Float64Array {
  const data = matrix.tensor.floats();
  return (from, to) => {
    const out = new Float64Array((to - from) * matrix.features);
    let at = 0;
    forEachElement(
      matrix,
      (place) => {
        out[at++] = data[place] as number;
      },
      from,
      to,
    );
    return out;
  };
}

/** The tensor of a layer with other elements, in the type that it has. */
export function writeMatrix(matrix: LayerMatrix, elements: Float64Array | Float32Array): Tensor {
  const { tensor } = matrix;
  const data = new (tensor.type === 'float32' ? Float32Array : Float64Array)(tensor.size);
  let at = 0;
  forEachElement(matrix, (place) => {
    data[place] = elements[at++] as number;
  });
  return withElements(tensor, data);
}

/** Integers for the elements of a layer's matrix, row-major, as a tensor that lies as the weight does. */
export function integerTensor(matrix: LayerMatrix, codes: Int8Array): Tensor {
  const data = new Int8Array(matrix.tensor.size);
  let at = 0;
  forEachElement(matrix, (place) => {
    data[place] = codes[at++] as number;
  });
  return Tensor.of('int8', matrix.tensor.dims, new Uint8Array(data.buffer));
}

/** A tensor of floats with other elements, in the type that it has. */
export function withElements(tensor: Tensor, elements: Float64Array | Float32Array): Tensor {
  return isFloatType(tensor.type) ? tensor.withData(tensor.dims, floatBytes(tensor.type, elements)) : tensor;
}

function forEachElement(
  { rows, features, kernel, rowStep, channelStep, kernelSteps }: LayerMatrix,
  visit: (place: number) => void,
  from = 0,
  to: number = rows,
): void {
  for (let row = from; row < to; row++) {
    for (let channel = 0; channel * kernel < features; channel++) {
      const start = row * rowStep + channel * channelStep;
      for (const step of kernelSteps) visit(start + step);
    }
  }
}
