import { present } from '../errors.ts';
import type { Value } from '../ir/value.ts';
import { dequantize, type Spread } from '../numeric/dequantize.ts';
import type { Floats } from '../numeric/slices.ts';
import type { ChannelMap, ConstantParameter } from './group.ts';

/**
 * The data of an initializer as the real numbers that they stand for: integers that the graph takes for quantized
 * numbers
 * are scaled, so that channels with scales of their own can be compared.
 */
export function realValuesOf(map: ChannelMap, value: Value): Floats {
  const tensor = present(value.tensor, `the data of "${value.name}"`);
  const quantization = map.quantizations.get(value);
  const stored = tensor.floats();
  if (quantization === undefined) return stored;
  const { scale, zeroPoint } = quantization;
  return dequantize(
    stored,
    tensor.dims,
    spread(scale, tensor.dims.length, 1),
    spread(zeroPoint, tensor.dims.length, 0),
  );
}

function spread(parameter: ConstantParameter | undefined, rank: number, absent: number): Spread {
  const strides = Array<number>(rank).fill(0);
  if (parameter === undefined) return { values: Float32Array.of(absent), strides };
  const { tensor, dims } = parameter;
  let stride = 1;
  for (let own = dims.length - 1; own >= 0; own--) {
    const length = tensor.dims[own] ?? 1;
    if (length !== 1) strides[dims[own] ?? 0] = stride;
    stride *= length;
  }
  return { values: tensor.floats(), strides };
}
