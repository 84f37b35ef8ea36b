import { afterAll, describe, expect, test } from 'vitest';
import { importModel, type Model } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { type FusionInput, type FusionReport, fusionOf } from '../../src/quantize/fusion.ts';
import { type NodeCost, nodeCosts } from '../../src/quantize/node-costs.ts';
import { optimizeModel, RuntimeChild } from '../../src/runtime/index.ts';
import { scratch } from '../runtime/models.ts';
import { IMAGE, QuantizedNet, W_SCALE, X_SCALE } from './quantized-nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());
const write = scratch();

let files = 0;
/** What onnxruntime makes of a net. */
async function graphs(net: QuantizedNet): Promise<{ readonly model: Model; readonly optimised: Model }> {
  const target = write(`optimised-${files++}.onnx`, '');
  await optimizeModel(child, net.bytes(), target);
  const { model, directory } = await readModelFile(target);
  return { model: importModel(decodeModel(net.bytes())), optimised: importModel(model, directory) };
}

async function fusion(
  make: (net: QuantizedNet) => string | readonly string[],
  more: Partial<FusionInput> = {},
): Promise<FusionReport> {
  const net = new QuantizedNet();
  for (const output of [make(net)].flat()) net.output(output);
  const { model, optimised } = await graphs(net);
  return fusionOf({ model: model.graph, optimised: optimised.graph, left: new Map(), ...more });
}

const image = (net: QuantizedNet): string => net.quantizedInput('x', IMAGE);

describe('the report on a quantized model', { timeout: 30_000 }, () => {
  test('counts a chain that runs on integers, and what stands at its ends', async () => {
    const report = await fusion((net) => {
      const first = net.levels(net.named('Relu', 'relu', [net.conv('first', image(net))]), { zeroPoint: 0 });
      return net.levels(net.conv('second', first));
    });
    expect(report).toEqual({
      integer: 2,
      float: 0,
      conversions: 2,
      layout: 2,
      other: 0,
      kernels: { QLinearConv: 2 },
      floats: [],
      overruled: [],
      time: null,
    });
  });

  test('counts what moves integers, and not what handles shapes', async () => {
    const report = await fusion((net) => {
      const x = image(net);
      const moved = net.levels(net.named('Transpose', 'moved', [x], { perm: [0, 2, 3, 1] }));
      const shape = net.named('Shape', 'shape', [net.input('other', 'float32', ['N', 'M'])]);
      return net.named('Reshape', 'reshape', [moved, net.named('Cast', 'cast', [shape], { to: 7 })]);
    });
    expect(report.kernels).toMatchObject({ Transpose: 1 });
    expect(report).toMatchObject({ layout: 0, other: 1 });
  });

  test('counts products of integers that give real numbers', async () => {
    const report = await fusion((net) => {
      const x = net.quantizedInput('x', [4, 16]);
      const y = net.named('MatMul', 'product', [x, net.integerWeight('w', [16, 8], 1)]);
      return net.named('Softmax', 'classes', [y]);
    });
    expect(report).toMatchObject({ integer: 1, float: 1, conversions: 1, floats: [] });
    expect(report.kernels).toEqual({ MatMulIntegerToFloat: 1 });
  });

  test('names once what the runtime takes apart', async () => {
    const { floats } = await fusion((net) => {
      const y = net.levels(net.conv('first', image(net)));
      return net.levels(net.conv('second', net.levels(net.named('HardSwish', 'swish', [y]))));
    });
    expect(floats).toEqual([
      {
        node: 'swish',
        operator: 'HardSwish',
        reason: 'there is no integer kernel for HardSwish',
        share: null,
      },
    ]);
  });

  test.each(['product', ''])('finds a product that became one with what stands behind it, named "%s"', async (name) => {
    const { floats } = await fusion((net) => {
      const inputs = [net.quantizedInput('x', [4, 16]), net.integerWeight('w', [16, 8], 1)];
      const y = net.node('MatMul', inputs, {}, { name, outputs: ['product_y'] });
      return net.node(
        'Relu',
        [net.node('Add', [net.vector('b', 8), y], {}, { name: name && 'sum' })],
        {},
        { name: name && 'relu', outputs: ['y'] },
      );
    });
    expect(floats).toMatchObject([
      { operator: 'MatMul', reason: 'its bias, "b", is not quantized, and neither is its output' },
    ]);
  });

  test('gives the reason of who left a node in float', async () => {
    const left = new Map([['conv', 'its error was too large']]);
    const make = (net: QuantizedNet): string =>
      net.named('Conv', 'conv', [net.input('x', 'float32', IMAGE), net.weight('w', [8, 8, 3, 3])]);
    expect((await fusion(make, { left })).floats).toMatchObject([{ node: 'conv', reason: 'its error was too large' }]);
  });
});

describe('a node left in float on purpose between quantizers', { timeout: 30_000 }, () => {
  const left = new Map([['conv', 'its error was too large']]);
  const conv = (net: QuantizedNet): string =>
    net.named('Conv', 'conv', [image(net), net.weight('w', [8, 8, 3, 3])], { pads: [1, 1, 1, 1] });

  test('is told where the runtime overrules that', async () => {
    const report = await fusion((net) => net.levels(conv(net)), { left });
    expect(report).toMatchObject({ kernels: { QLinearConv: 1 }, floats: [], overruled: ['conv'] });
  });

  test('stays there behind an activation that does nothing, and is found under its name', async () => {
    const report = await fusion(
      (net) => net.levels(net.named('LeakyRelu', 'same', [conv(net)], { alpha: { float: 1 } })),
      { left },
    );
    expect(report).toMatchObject({ kernels: {}, overruled: [] });
    expect(report.floats).toMatchObject([{ node: 'conv', reason: 'its error was too large' }]);
  });
});

describe('the reason why a node stayed in float', { timeout: 30_000 }, () => {
  const cases: readonly (readonly [string, string, (net: QuantizedNet) => string | readonly string[], string])[] = [
    [
      'no quantizer at the end of the model',
      'conv',
      (net) => net.conv('conv', image(net)),
      'there is no quantizer behind its output: the model gives "conv_y" out in float',
    ],
    [
      'no quantizer in the middle',
      'conv',
      (net) => net.levels(net.named('Tanh', 'tanh', [net.conv('conv', image(net))])),
      'there is no quantizer behind its output: "tanh" reads it in float',
    ],
    [
      'a second reader that passes by the quantizer',
      'conv',
      (net) => {
        const y = net.conv('conv', image(net));
        return [net.levels(net.conv('next', net.levels(y))), net.named('Tanh', 'tanh', [y])];
      },
      'its output is quantized, but read in float by "tanh" besides',
    ],
    [
      'an output of the model in front of the quantizer',
      'product',
      (net) => {
        const y = net.named('MatMul', 'product', [
          net.quantizedInput('x', [4, 16]),
          net.integerWeight('w', [16, 8], 1),
        ]);
        return [y, net.levels(y)];
      },
      'its output is quantized, but the model gives "product_y" out in float besides',
    ],
    [
      'an activation that its quantizer cannot stand for',
      'conv',
      (net) => net.levels(net.named('Relu', 'relu', [net.conv('conv', image(net))])),
      'the quantizer behind "relu" holds numbers that Relu cuts off, so that it cannot stand for it',
    ],
    [
      'a bias of another scale',
      'conv',
      (net) => net.levels(net.conv('conv', image(net), net.integerBias('b', 8, 1.2 * X_SCALE * W_SCALE))),
      'the scale of its bias, "b", is not that of its data times that of its weight',
    ],
    [
      'a bias of real numbers, and no quantizer either',
      'gemm',
      (net) => {
        const inputs = [net.quantizedInput('x', [4, 16]), net.integerWeight('w', [8, 16]), net.vector('b', 8)];
        return net.named('Gemm', 'gemm', inputs, { transB: 1 });
      },
      'its bias, "b", is not quantized, and neither is its output',
    ],
    [
      'a bias of real numbers that is added behind the product',
      'product',
      (net) => {
        const inputs = [net.quantizedInput('x', [4, 16]), net.integerWeight('w', [16, 8], 1)];
        return net.named('Add', 'sum', [net.named('MatMul', 'product', inputs), net.vector('b', 8)]);
      },
      'its bias, "b", is not quantized, and neither is its output',
    ],
    [
      'a factor before the bias',
      'gemm',
      (net) => {
        const inputs = [net.quantizedInput('x', [4, 16]), net.integerWeight('w', [8, 16]), net.integerBias('b', 8)];
        return net.levels(net.named('Gemm', 'gemm', inputs, { transB: 1, alpha: { float: 0.5 } }));
      },
      'its alpha or beta is not 1, and the integer kernel adds the bias as it is',
    ],
    [
      'a constant on the left',
      'product',
      (net) => {
        const inputs = [net.integerWeight('w', [1, 16]), net.quantizedInput('x', [16, 8])];
        return net.levels(net.named('MatMul', 'product', inputs));
      },
      'its constant is the first operand, where the integer kernel takes it as the second',
    ],
    [
      'one of several outputs that is read in float',
      'split',
      (net) => {
        const inputs = [image(net), net.constant('parts', 'int64', [2], [4, 4])];
        const outputs = ['left', 'right'];
        net.nodes('Split', inputs, 2, { axis: 1 }, { name: 'split', outputs });
        return [net.levels('left'), 'right'];
      },
      'there is no quantizer behind its output "right"',
    ],
    [
      'a bound that the quantizer goes beyond',
      'conv',
      (net) => {
        const bounds = [net.constant('least', 'float32', [], [0]), net.constant('most', 'float32', [], [6])];
        const y = net.named('Clip', 'clip', [net.conv('conv', image(net)), ...bounds]);
        return net.levels(y, { scale: 7 / 255, zeroPoint: 0 });
      },
      'the quantizer behind "clip" holds numbers that Clip cuts off, so that it cannot stand for it',
    ],
    [
      'elements between neighbours',
      'resize',
      (net) => {
        const scales = net.constant('scales', 'float32', [4], [1, 1, 2, 2]);
        return net.levels(net.named('Resize', 'resize', [image(net), '', scales], { mode: 'linear' }));
      },
      'Resize has an integer kernel for the nearest neighbour only',
    ],
    [
      'data that are not quantized',
      'conv',
      (net) => net.levels(net.conv('conv', net.input('x', 'float32', IMAGE))),
      'what it reads, "x", is not quantized',
    ],
    [
      'a constant that is not quantized',
      'sum',
      (net) => net.levels(net.named('Add', 'sum', [image(net), net.vector('c', 6)])),
      'its constant, "c", is not quantized',
    ],
    [
      'operands of two types',
      'sum',
      (net) => {
        const other = net.integerWeight('other', [1, 6], 0);
        return net.levels(net.named('Add', 'sum', [image(net), other]));
      },
      'its operands are integers of different types: uint8 and int8',
    ],
    [
      'another scale behind what only moves',
      'reshape',
      (net) => {
        const moved = net.named('Reshape', 'reshape', [image(net), net.constant('shape', 'int64', [2], [8, 36])]);
        return net.levels(moved, { scale: 0.1 });
      },
      'its output has another scale or zero point than its input, so that integers cannot just be moved',
    ],
    [
      'an operator without an integer kernel',
      'up',
      (net) => net.levels(net.named('ConvTranspose', 'up', [image(net), net.integerWeight('w', [8, 8, 2, 2], 1)])),
      'there is no integer kernel for ConvTranspose',
    ],
  ];

  test.each(cases)('is %s', async (_, node, make, reason) => {
    const { floats } = await fusion(make);
    expect(floats.filter((each) => each.node === node)).toMatchObject([{ node, reason }]);
  });
});

describe('times of nodes', () => {
  test('are told apart by order where the runtime makes up names, and shared where it did not run all of them', () => {
    const net = new QuantizedNet();
    const x = net.input('x', 'float32', [2]);
    net.output(net.node('Exp', [net.node('Exp', [x], {}, { name: '' })], {}, { name: '' }));
    const nodes = [...importModel(decodeModel(net.bytes())).graph.nodes];
    const made = (name: string, microseconds: number): NodeCost => ({ name, operator: 'Exp', microseconds });
    const parts = (times: readonly NodeCost[]): readonly number[] => [...nodeCosts(nodes, times).values()];
    expect(parts([made('Exp_7', 3), made('Exp_9', 1)])).toEqual([0.75, 0.25]);
    expect(parts([made('Exp_7', 3)])).toEqual([0.5, 0.5]);
    expect(parts([])).toEqual([]);
  });
});

describe('times', { timeout: 30_000 }, () => {
  test('are parts of a run, and a node counts with what makes real numbers for it alone', async () => {
    const net = new QuantizedNet();
    net.output(net.levels(net.named('Tanh', 'tanh', [net.levels(net.conv('conv', image(net)))])));
    const { model, optimised } = await graphs(net);
    const nodes = [...optimised.graph.nodes];
    const times = nodes.map(({ name, opType }) => ({
      name,
      operator: opType,
      microseconds: opType === 'Tanh' ? 30 : 10,
    }));
    const total = 10 * nodes.length + 20;
    const { floats, time } = fusionOf({
      model: model.graph,
      optimised: optimised.graph,
      left: new Map(),
      times,
    });
    expect(floats).toMatchObject([{ node: 'tanh', share: 40 / total }]);
    expect(time).toEqual({
      integer: 10 / total,
      float: 30 / total,
      conversions: expect.closeTo(40 / total, 12),
      layout: expect.closeTo(20 / total, 12),
      other: 0,
    });
  });
});
