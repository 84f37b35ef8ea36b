import { externalLocation } from '../onnx/external-data.ts';
import { type AttributeProto, copyMessage, type SparseTensorProto, type TensorProto } from '../onnx/messages.ts';
import { Tensor } from './tensor.ts';

/**
 * An attribute whose tensors hold their data themselves; the same one where all of them do already.
 * @param directory folder that external data are read from
 * @throws OnnxPruneError as `Tensor.raw` does
 */
export function embedTensors(attribute: AttributeProto, directory: string | undefined): AttributeProto {
  const { t, tensors, sparseTensor, sparseTensors } = attribute;
  const halves = [...(sparseTensors ?? []), ...(sparseTensor ? [sparseTensor] : [])].flatMap(halvesOf);
  if (![...(t ? [t] : []), ...(tensors ?? []), ...halves].some(isExternal)) return attribute;
  const embed = (proto: TensorProto): TensorProto => {
    if (!isExternal(proto)) return proto;
    const tensor = new Tensor(proto, directory);
    return tensor.withData(tensor.dims, tensor.data()).proto;
  };
  const embedHalves = (sparse: SparseTensorProto): SparseTensorProto =>
    Object.assign(copyMessage(sparse), {
      ...(sparse.values && { values: embed(sparse.values) }),
      ...(sparse.indices && { indices: embed(sparse.indices) }),
    });
  return Object.assign(copyMessage(attribute), {
    ...(t && { t: embed(t) }),
    ...(tensors && { tensors: tensors.map(embed) }),
    ...(sparseTensor && { sparseTensor: embedHalves(sparseTensor) }),
    ...(sparseTensors && { sparseTensors: sparseTensors.map(embedHalves) }),
  });
}

function halvesOf({ values, indices }: SparseTensorProto): TensorProto[] {
  return [values, indices].filter((half) => half !== undefined);
}

function isExternal(tensor: TensorProto): boolean {
  return externalLocation(tensor) !== undefined;
}
