import { dataTypeNumber, isFloat } from '../ir/data-type.ts';
import type { Evaluator } from '../ir/facts.ts';
import type { Model } from '../ir/model.ts';
import type { Node } from '../ir/node.ts';
import { Tensor } from '../ir/tensor.ts';
import { elementTypeOf } from '../ir/value.ts';
import { floatBytes, isFloatType } from '../numeric/float-bytes.ts';
import { copyMessage, type ModelProto, type TensorProto } from '../onnx/messages.ts';

/**
 * Runs an elementwise node by itself, on vectors in the place of some of its inputs; the other inputs are the constants that they
 * are.
 *
 * @param operands a vector for each input, all of the same length; undefined where the input is a constant of its own or left out
 * @returns the first output as numbers; undefined where an input is neither, or the runtime does not run it
 */
export async function evaluateOnVectors(
  model: Model,
  node: Node,
  operands: readonly (Float64Array | undefined)[],
  evaluator: Evaluator,
): Promise<Float64Array | undefined> {
  const initializer: TensorProto[] = [];
  const names: string[] = [];
  for (const [index, value] of node.inputs.entries()) {
    const vector = operands[index];
    const type = value && elementTypeOf(value);
    const name = value === undefined ? '' : `operand_${index}`;
    names.push(name);
    if (value === undefined || type === undefined) continue;
    if (vector === undefined) {
      if (value.tensor === undefined || value.tensor.isStored) return undefined;
      initializer.push(Object.assign(copyMessage(value.tensor.proto), { name }));
    } else {
      if (!isFloatType(type)) return undefined;
      initializer.push({ ...Tensor.of(type, [vector.length], floatBytes(type, vector)).proto, name });
    }
  }
  const out = node.outputs[0];
  if (out === undefined || !isFloat(elementTypeOf(out))) return undefined;
  const proto: ModelProto = {
    irVersion: Math.max(4, Number(model.proto.irVersion ?? 8)),
    opsetImport: model.proto.opsetImport ?? [],
    graph: {
      name: 'vectors',
      node: [
        Object.assign(copyMessage(node.proto), {
          input: names,
          output: ['result'],
          attribute: [...node.attributes.values()].map(({ proto: attribute }) => attribute),
        }),
      ],
      initializer,
      input: [],
      output: [{ name: 'result', type: { tensorType: { elemType: dataTypeNumber(elementTypeOf(out)) } } }],
    },
  };
  const result = (await evaluator.evaluate(proto)).get('result');
  return result === undefined ? undefined : Float64Array.from(result.floats());
}
