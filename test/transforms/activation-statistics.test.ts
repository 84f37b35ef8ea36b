import { expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { probeActivations } from '../../src/transforms/activation-statistics.ts';
import { ModelBuilder } from '../support/build.ts';

test.each([
  [11, 1],
  [17, 1],
  [18, 2],
])('in operator set %i a probed copy reduces, and the model itself stays', (opset, inputs) => {
  const b = new ModelBuilder({ opset });
  const x = b.input('x', 'float16', ['N', 3, 4]);
  // A name that a probe would like to have.
  b.output(b.node('Neg', [x], {}, { outputs: ['x_mean'] }), 'float16', ['N', 3, 4]);
  const model = importModel(decodeModel(b.bytes()));
  const [value] = model.graph.inputs;
  if (value === undefined) throw new Error('no input');
  const probed = probeActivations(model, [{ value, dim: -2 }]);
  checkGraph(probed.model.graph);
  expect(probed.probes).toEqual([{ value, mean: 'x_mean_2', meanSquare: 'x_mean_square_1' }]);
  expect(probed.model.graph.outputs.map(({ name }) => name)).toEqual(['x_mean', 'x_mean_2', 'x_mean_square_1']);
  const added = [...probed.model.graph.nodes].slice(1);
  expect(added.map(({ opType }) => opType)).toEqual(['Cast', 'Mul', ...Array(4).fill('ReduceMean')]);
  const reduced = added.slice(2).map((node) => {
    expect(node.inputs.length).toBe(inputs);
    return node.inputs[1]?.tensor?.integers() ?? node.attributes.get('axes')?.proto.ints?.map(Number);
  });
  expect(reduced).toEqual([[2], [0], [2], [0]]);
  expect(model.graph.nodes.size).toBe(1);
  expect(model.graph.outputs.map(({ name }) => name)).toEqual(['x_mean']);
});
