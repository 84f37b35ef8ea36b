import type { ModelProto } from '../../src/onnx/messages.ts';
import { ModelWriter } from './model-writer.ts';

/** Bottlenecks of a MobileNet: kernel, expanded and output channels, stride, and whether channels are weighed. */
interface Bottleneck {
  readonly kernel: number;
  readonly expanded: number;
  readonly to: number;
  readonly stride: number;
  readonly gated: boolean;
  readonly activate: (x: string) => string;
}

/** MobileNetV2 of width 1 as torchvision builds it, batch norm folded, with random weights: 3.5 million parameters. */
export function mobileNetV2(batch: number): ModelProto {
  const net = new ModelWriter();
  const bounds = [net.scalar(0), net.scalar(6)];
  const activate = (x: string): string => net.node('Clip', [x, ...bounds]);
  let x = activate(net.conv(net.input('x', [batch, 3, 224, 224]), 3, 32, 3, 2));
  let channels = 32;
  // Expansion, channels, repetitions, first stride.
  for (const [expansion, to, count, first] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ] as const) {
    for (let block = 0; block < count; block++) {
      const stride = block === 0 ? first : 1;
      const expanded = expansion * channels;
      x = bottleneck(net, x, channels, { kernel: 3, expanded, to, stride, gated: false, activate });
      channels = to;
    }
  }
  x = activate(net.conv(x, channels, 1280, 1));
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])], { axis: 1 });
  net.output(net.gemm(x, 1280, 1000), [batch, 1000]);
  return net.model();
}

/** MobileNetV3-Large as torchvision builds it, batch norm folded, with random weights: 5.5 million parameters. */
export function mobileNetV3(batch: number): ModelProto {
  const net = new ModelWriter();
  const relu = (x: string): string => net.relu(x);
  const swish = (x: string): string => net.node('HardSwish', [x]);
  let x = swish(net.conv(net.input('x', [batch, 3, 224, 224]), 3, 16, 3, 2));
  let channels = 16;
  // Kernel, expanded channels, channels, whether they are weighed, activation, stride.
  for (const [kernel, expanded, to, gated, activate, stride] of [
    [3, 16, 16, false, relu, 1],
    [3, 64, 24, false, relu, 2],
    [3, 72, 24, false, relu, 1],
    [5, 72, 40, true, relu, 2],
    [5, 120, 40, true, relu, 1],
    [5, 120, 40, true, relu, 1],
    [3, 240, 80, false, swish, 2],
    [3, 200, 80, false, swish, 1],
    [3, 184, 80, false, swish, 1],
    [3, 184, 80, false, swish, 1],
    [3, 480, 112, true, swish, 1],
    [3, 672, 112, true, swish, 1],
    [5, 672, 160, true, swish, 2],
    [5, 960, 160, true, swish, 1],
    [5, 960, 160, true, swish, 1],
  ] as const) {
    x = bottleneck(net, x, channels, { kernel, expanded, to, stride, gated, activate });
    channels = to;
  }
  x = swish(net.conv(x, channels, 960, 1));
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])], { axis: 1 });
  net.output(net.gemm(swish(net.gemm(x, 960, 1280)), 1280, 1000), [batch, 1000]);
  return net.model();
}

/** An inverted residual: channels are expanded, convolved one by one, weighed and brought together again. */
function bottleneck(net: ModelWriter, input: string, channels: number, block: Bottleneck): string {
  const { kernel, expanded, to, stride, gated, activate } = block;
  let x = expanded === channels ? input : activate(net.conv(input, channels, expanded, 1));
  x = activate(net.depthwise(x, expanded, kernel, stride));
  if (gated) {
    const narrow = Math.max(8, 8 * Math.round(expanded / 32));
    const gate = net.conv(
      net.relu(net.conv(net.node('GlobalAveragePool', [x]), expanded, narrow, 1)),
      narrow,
      expanded,
      1,
    );
    x = net.node('Mul', [x, net.node('HardSigmoid', [gate])]);
  }
  x = net.conv(x, expanded, to, 1);
  return stride === 1 && channels === to ? net.node('Add', [input, x]) : x;
}

/** Three fully connected layers, 1024-4096-4096-1000: 25 million parameters. */
export function mlp(batch: number): ModelProto {
  const net = new ModelWriter();
  let x = net.relu(net.gemm(net.input('x', [batch, 1024]), 1024, 4096));
  x = net.relu(net.gemm(x, 4096, 4096));
  net.output(net.gemm(x, 4096, 1000), [batch, 1000]);
  return net.model();
}

/** Tokens, width and heads of the encoder. */
const [TOKENS, WIDTH, HEADS] = [128, 768, 12];

/** Two blocks of a BERT-base encoder as exporters write it, on embedded tokens: 14 million parameters. */
export function encoder(batch: number): ModelProto {
  const net = new ModelWriter();
  const root = net.scalar(Math.SQRT2);
  const [one, half, scale] = [net.scalar(1), net.scalar(0.5), net.scalar(Math.sqrt(WIDTH / HEADS))];
  const [split, merged] = [net.integers([0, TOKENS, HEADS, WIDTH / HEADS]), net.integers([0, TOKENS, WIDTH])];
  const linear = (x: string, from: number, to: number): string =>
    net.node('Add', [net.vector(to, 0.01), net.node('MatMul', [x, net.weight([from, to], from)])]);
  const normalize = (x: string): string =>
    net.node('LayerNormalization', [x, net.vector(WIDTH, 1), net.vector(WIDTH, 0)], { axis: -1 });
  const gelu = (x: string): string => {
    const erf = net.node('Erf', [net.node('Div', [x, root])]);
    return net.node('Mul', [net.node('Mul', [x, net.node('Add', [erf, one])]), half]);
  };
  let x = net.input('x', [batch, TOKENS, WIDTH]);
  for (let block = 0; block < 2; block++) {
    const heads = (perm: readonly number[]): string =>
      net.node('Transpose', [net.node('Reshape', [linear(x, WIDTH, WIDTH), split])], { perm });
    const [q, k, v] = [heads([0, 2, 1, 3]), heads([0, 2, 3, 1]), heads([0, 2, 1, 3])];
    const scores = net.node('Softmax', [net.node('Div', [net.node('MatMul', [q, k]), scale])], { axis: -1 });
    const seen = net.node('Transpose', [net.node('MatMul', [scores, v])], { perm: [0, 2, 1, 3] });
    x = normalize(net.node('Add', [linear(net.node('Reshape', [seen, merged]), WIDTH, WIDTH), x]));
    const inner = gelu(linear(x, WIDTH, 4 * WIDTH));
    x = normalize(net.node('Add', [linear(inner, 4 * WIDTH, WIDTH), x]));
  }
  net.output(x, [batch, TOKENS, WIDTH]);
  return net.model();
}

/** An LSTM of 256 units over 50 steps of 256 numbers, and a layer that reads its last state. */
export function lstm(batch: number): ModelProto {
  const net = new ModelWriter();
  const size = 256;
  const x = net.node('Transpose', [net.input('x', [batch, 50, size])], { perm: [1, 0, 2] });
  const weights = [net.weight([1, 4 * size, size], size), net.weight([1, 4 * size, size], size)];
  const last = net.nodeWith('LSTM', [x, ...weights, net.vector(8 * size, 0.01, [1, 8 * size])], 3, {
    hidden_size: size,
  })[1];
  const state = net.node('Squeeze', [last ?? '', net.integers([0])]);
  net.output(net.gemm(state, size, 1000), [batch, 1000]);
  return net.model();
}
