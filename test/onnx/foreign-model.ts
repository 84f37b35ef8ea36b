import onnxProto from 'onnx-proto';
import { OnnxPruneError } from '../../src/errors.ts';
import { decodeModel } from '../../src/onnx/codec.ts';

/** A model as another program writes it. */
export function foreignModel(): Uint8Array {
  const { AttributeProto, ModelProto, TensorProto } = onnxProto.onnx;
  return ModelProto.encode({
    irVersion: 8,
    producerName: 'oracle',
    graph: {
      name: 'g',
      node: [
        {
          input: ['x', '', 'w'],
          output: ['y'],
          opType: 'Conv',
          attribute: [
            { name: 'i', type: AttributeProto.AttributeType.INT, i: 0 },
            { name: 'f', type: AttributeProto.AttributeType.FLOAT, f: 0 },
            { name: 's', type: AttributeProto.AttributeType.STRING, s: new Uint8Array() },
            { name: 'ints', type: AttributeProto.AttributeType.INTS, ints: [1, -1, Number.MIN_SAFE_INTEGER] },
          ],
        },
      ],
      initializer: [
        { name: 'w', dims: [50, 20], dataType: TensorProto.DataType.FLOAT, rawData: new Uint8Array(4000).fill(3) },
        { name: 'v', dims: [50, 50], dataType: TensorProto.DataType.FLOAT, rawData: new Uint8Array(10000).fill(4) },
        { name: 'f', dims: [2], dataType: TensorProto.DataType.FLOAT, floatData: [0.5, -0.25] },
        { name: 'scalar', dataType: TensorProto.DataType.INT64, int64Data: [-7] },
      ],
      input: [
        {
          name: 'x',
          type: {
            tensorType: { elemType: 1, shape: { dim: [{ dimParam: 'N' }, { dimValue: 3 }, { dimValue: 0 }, {}] } },
          },
        },
      ],
      output: [{ name: 'y', type: { tensorType: { elemType: 1, shape: {} } } }],
    },
    opsetImport: [{ domain: '', version: 17 }],
  }).finish();
}

/** The error with which these bytes are refused as a model. */
export function refusal(bytes: Uint8Array): OnnxPruneError {
  try {
    decodeModel(bytes, 'some.onnx');
  } catch (error) {
    if (error instanceof OnnxPruneError) return error;
    throw error;
  }
  throw new Error('the model was accepted');
}
