import type { ModelProto } from '../../src/onnx/messages.ts';
import { ModelWriter } from './model-writer.ts';

/**
 * VGG-16 as torchvision builds it, with random weights: 138 million parameters, 553 MB.
 * @param span largest absolute weight of all layers; by default that of each keeps activations near 1, so that those of large
 *   layers are small
 */
export function vgg16(span?: number): ModelProto {
  const net = new ModelWriter(span);
  let x = net.input('image', [1, 3, 224, 224]);
  let channels = 3;
  for (const stage of [
    [64, 64],
    [128, 128],
    [256, 256, 256],
    [512, 512, 512],
    [512, 512, 512],
  ]) {
    for (const width of stage) {
      x = net.relu(net.conv(x, channels, width));
      channels = width;
    }
    x = net.node('MaxPool', [x], { kernel_shape: [2, 2], strides: [2, 2] });
  }
  x = net.node('Flatten', [x], { axis: 1 });
  x = net.relu(net.gemm(x, 512 * 7 * 7, 4096));
  x = net.relu(net.gemm(x, 4096, 4096));
  x = net.gemm(x, 4096, 1000);
  net.output(x, [1, 1000]);
  return net.model();
}

/** ResNet-18 as torchvision builds it, batch norm folded, with random weights: 11.7 million parameters. Any batch by default. */
export function resnet18(batch: number | string = 'N'): ModelProto {
  const net = new ModelWriter();
  let x = net.relu(net.conv(net.input('image', [batch, 3, 224, 224]), 3, 64, 7, 2));
  x = net.node('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] });
  let channels = 64;
  for (const [stage, width] of [64, 128, 256, 512].entries()) {
    for (let block = 0; block < 2; block++) {
      const stride = stage > 0 && block === 0 ? 2 : 1;
      const branch = net.conv(net.relu(net.conv(x, channels, width, 3, stride)), width, width);
      const shortcut = stride === 1 ? x : net.conv(x, channels, width, 1, stride);
      x = net.relu(net.node('Add', [branch, shortcut]));
      channels = width;
    }
  }
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])], { axis: 1 });
  net.output(net.gemm(x, channels, 1000), [batch, 1000]);
  return net.model();
}

/** Three stages of plain 3x3 convolutions, 64, 128 and 256 channels from 56x56 down: big enough that kernels count. */
export function wideConvNet(): ModelProto {
  const net = new ModelWriter();
  let x = net.input('image', [1, 3, 56, 56]);
  let channels = 3;
  for (const [stage, width] of [64, 128, 256].entries()) {
    for (let layer = 0; layer < 3; layer++) {
      x = net.relu(net.conv(x, channels, width, 3, stage > 0 && layer === 0 ? 2 : 1));
      channels = width;
    }
  }
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])], { axis: 1 });
  net.output(net.gemm(x, channels, 10), [1, 10]);
  return net.model();
}

/**
 * A residual chain of about `nodes` nodes: every block adds to the trunk what a Conv makes of two concatenated
 * branches, so the trunk is one group that spans the whole graph and each block has groups of its own.
 */
export function residualChain(nodes: number): ModelProto {
  const net = new ModelWriter();
  const width = 16;
  let x = net.conv(net.input('image', [1, 3, 8, 8]), 3, width);
  while (net.size < nodes - 3) {
    const left = net.relu(batchNorm(net, net.conv(x, width, width), width));
    const right = net.relu(batchNorm(net, net.conv(x, width, width, 1), width));
    const both = net.node('Concat', [left, right], { axis: 1 });
    x = net.relu(net.node('Add', [x, net.conv(both, 2 * width, width, 1)]));
  }
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])], { axis: 1 });
  net.output(net.gemm(x, width, 10), [1, 10]);
  return net.model();
}

function batchNorm(net: ModelWriter, x: string, width: number): string {
  const vectors = [1, 0, 0, 1].map((value) => net.vector(width, value));
  return net.node('BatchNormalization', [x, ...vectors]);
}

/** Eleven 3x3 convolutions of 512 channels: 26 million weights. */
export function rankingNet(): ModelProto {
  const net = new ModelWriter();
  let x = net.conv(net.input('image', [1, 3, 8, 8]), 3, 512);
  for (let layer = 0; layer < 11; layer++) x = net.relu(net.conv(x, 512, 512));
  x = net.node('Flatten', [net.node('GlobalAveragePool', [x])], { axis: 1 });
  net.output(net.gemm(x, 512, 10), [1, 10]);
  return net.model();
}
