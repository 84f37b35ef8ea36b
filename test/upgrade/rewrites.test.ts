import { afterAll, describe, expect, test } from 'vitest';
import { nodesIn } from '../../src/ir/node.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { type Attributes, type Dims, ModelBuilder } from '../support/build.ts';
import { upgraded } from './upgraded.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

interface Old {
  readonly opset: number;
  readonly dims?: Dims;
  /** 13 if left out. */
  readonly target?: number;
  /** What the nodes that changed do now; none if left out. */
  readonly changed?: readonly RegExp[];
  /** How far outputs may be from what they were; 0 if left out. */
  readonly within?: number;
  readonly build: (b: ModelBuilder, x: string) => string | readonly string[];
}

/** A node of this operator between x and y, with constants as its further inputs. */
const node =
  (opType: string, attributes: Attributes = {}, constants: readonly (readonly number[])[] = []) =>
  (b: ModelBuilder, x: string): string =>
    b.node(opType, [x, ...constants.map((each, i) => b.constant(`c${i}`, 'int64', [each.length], each))], attributes);

const scaled =
  (opType: string, scales: readonly number[], attributes: Attributes = {}) =>
  (b: ModelBuilder, x: string): string =>
    b.node(opType, [x, b.constant('scales', 'float32', [scales.length], scales)], attributes);

const IMAGE: Dims = ['N', 4, 6, 6];
const float = (value: number): { float: number } => ({ float: value });

const axesChanged = [/axes from an input/];
const wide = [/Flatten/];

const CASES: Readonly<Record<string, Old>> = {
  'Squeeze of axes': { opset: 9, dims: ['N', 1, 5, 1], changed: axesChanged, build: node('Squeeze', { axes: [1, 3] }) },
  'Squeeze of one negative axis': {
    opset: 11,
    dims: ['N', 5, 1],
    changed: axesChanged,
    build: node('Squeeze', { axes: [-1] }),
  },
  'Squeeze of all': { opset: 11, dims: [1, 5, 1], build: node('Squeeze') },
  Unsqueeze: { opset: 12, changed: axesChanged, build: node('Unsqueeze', { axes: [0, 3] }) },
  'ReduceSum of axes': { opset: 10, changed: axesChanged, build: node('ReduceSum', { axes: [2, 3], keepdims: 0 }) },
  'ReduceSum of all': { opset: 10, build: node('ReduceSum', { keepdims: 0 }) },
  'ReduceMean, which keeps its axes until 18': { opset: 10, build: node('ReduceMean', { axes: [2, 3] }) },
  'ReduceMean at 18': { opset: 10, target: 18, changed: axesChanged, build: node('ReduceMean', { axes: [2, 3] }) },
  'ReduceMax of all at 20': { opset: 11, target: 20, build: node('ReduceMax', { keepdims: 0 }) },
  'ReduceL2 at 21': { opset: 13, target: 21, changed: axesChanged, build: node('ReduceL2', { axes: [-1] }) },
  'Split of lengths': {
    opset: 11,
    changed: [/lengths of its parts/],
    build: (b, x) => b.nodes('Split', [x], 2, { axis: 1, split: [1, 3] }),
  },
  'Split of equal parts': { opset: 9, build: (b, x) => b.nodes('Split', [x], 2, { axis: 1 }) },
  'Split of equal parts at 18': {
    opset: 9,
    target: 18,
    changed: [/equal parts/],
    build: (b, x) => b.nodes('Split', [x], 3, { axis: 2 }),
  },
  TopK: {
    opset: 9,
    changed: [/count from an input/],
    build: (b, x) => b.nodes('TopK', [x], 2, { axis: 1, k: 2 }),
  },
  'Slice to the end': {
    opset: 9,
    changed: [/starts, ends and axes/],
    build: node('Slice', { starts: [1, -3], ends: [9223372036854775807n, -1], axes: [1, 3] }),
  },
  'Slice without axes': { opset: 9, changed: [/starts/], build: node('Slice', { starts: [0, 1], ends: [2, 2] }) },
  'Clip of both bounds': { opset: 9, changed: [/bounds/], build: node('Clip', { min: float(-0.5), max: float(0.1) }) },
  'Clip of one bound': { opset: 7, changed: [/bounds/], build: node('Clip', { min: float(0.25) }) },
  'Clip of none': { opset: 10, build: node('Clip') },
  'Pad with nothing': { opset: 9, changed: [/pads/], build: node('Pad', { pads: [0, 0, 1, 2, 0, 0, 0, -1] }) },
  'Pad with a number': {
    opset: 10,
    changed: [/pads/],
    build: node('Pad', { mode: 'constant', pads: [0, 1, 0, 0, 0, 0, 2, 0], value: float(1.5) }),
  },
  'Pad with what is there': {
    opset: 9,
    changed: [/pads/],
    build: node('Pad', { mode: 'reflect', pads: [0, 0, 1, 1, 0, 0, 1, 1], value: float(0) }),
  },
  'Pad at 21': {
    opset: 9,
    target: 21,
    changed: [/pads/],
    build: node('Pad', { mode: 'edge', pads: [0, 0, 1, 1, 0, 0, 1, 1] }),
  },
  'Softmax along the last axis': { opset: 9, dims: ['N', 7], build: node('Softmax') },
  'Softmax along the last of three axes': { opset: 11, dims: ['N', 3, 7], build: node('Softmax', { axis: 2 }) },
  'Softmax along -1': { opset: 11, dims: ['N', 3, 7], build: node('Softmax', { axis: -1 }) },
  'Softmax of two axes': { opset: 9, dims: ['N', 3, 7], changed: wide, build: node('Softmax') },
  'Softmax of all axes': { opset: 11, dims: [2, 3, 7], changed: wide, build: node('Softmax', { axis: 0 }) },
  'Softmax of two axes from behind': {
    opset: 11,
    dims: ['N', 3, 7],
    changed: wide,
    build: node('Softmax', { axis: -2 }),
  },
  'Softmax of unknown rank': { opset: 9, changed: wide, build: (b, x) => b.node('Softmax', [b.node('Relu', [x])]) },
  'Softmax of one long axis': { opset: 9, dims: ['N', 7, 1, 1], build: node('Softmax') },
  'Softmax of one long axis behind a short one': {
    opset: 9,
    dims: ['N', 1, 7],
    changed: [/along axis 2/],
    build: node('Softmax'),
  },
  'LogSoftmax of two axes': { opset: 10, dims: ['N', 3, 7], changed: wide, build: node('LogSoftmax') },
  'Hardmax of two axes': { opset: 9, dims: ['N', 3, 7], changed: wide, build: node('Hardmax') },
  'Upsample of an attribute': {
    opset: 7,
    changed: [/scales from an input/, /is a Resize/],
    build: node('Upsample', { mode: 'nearest', scales: { floats: [1, 1, 2, 2] } }),
  },
  'Upsample by a fraction': {
    opset: 9,
    changed: [/is a Resize/],
    build: scaled('Upsample', [1, 1, 1.7, 2.5], { mode: 'nearest' }),
  },
  'Upsample by scales that are made': {
    opset: 9,
    changed: [/is a Resize/],
    build: (b, x) => {
      const scales = b.node('Exp', [b.constant('logs', 'float32', [4], [0, 0, 0.4, 0.7])]);
      return b.node('Upsample', [x, scales]);
    },
  },
  'Upsample, linear': {
    opset: 9,
    changed: [/is a Resize/],
    build: scaled('Upsample', [1, 1, 2, 3], { mode: 'linear' }),
  },
  'Upsample at 19': { opset: 9, target: 19, changed: [/is a Resize/], build: scaled('Upsample', [1, 1, 2, 2]) },
  'Resize to larger': { opset: 10, changed: [/divided/], build: scaled('Resize', [1, 1, 2.4, 1.3]) },
  'Resize to smaller': { opset: 10, changed: [/divided/], build: scaled('Resize', [1, 1, 0.6, 0.4]) },
  'Resize to smaller, linear': {
    opset: 10,
    changed: [/divided/],
    build: scaled('Resize', [1, 1, 0.6, 1.7], { mode: 'linear' }),
  },
  'Resize with sizes and empty scales': {
    opset: 11,
    changed: [/empty scales/],
    build: (b, x) => {
      const none = b.constant('none', 'float32', [0], []);
      const sizes = b.constant('sizes', 'int64', [4], [3, 4, 9, 8]);
      return b.node('Resize', [x, none, none, sizes], {
        mode: 'linear',
        coordinate_transformation_mode: 'align_corners',
      });
    },
  },
  'Resize of half pixels for nearest neighbours': {
    opset: 11,
    changed: [/rounds "half_pixel"/],
    build: (b, x) => {
      const none = b.constant('none', 'float32', [0], []);
      const scales = b.constant('scales', 'float32', [4], [1, 1, 2.5, 0.6]);
      const attributes = { coordinate_transformation_mode: 'tf_half_pixel_for_nn', nearest_mode: 'floor' };
      return b.node('Resize', [x, none, scales], attributes);
    },
  },
  'Dropout of a ratio': { opset: 7, changed: [/ratio/], build: node('Dropout', { ratio: float(0.3) }) },
  'Dropout whose mask nobody reads': {
    opset: 9,
    changed: [/unread mask/],
    build: (b, x) => b.nodes('Dropout', [x], 2).slice(0, 1),
  },
  'BatchNormalization that says it is spatial': {
    opset: 7,
    target: 15,
    changed: [/spatial/],
    build: (b, x) => normalized(b, x, { spatial: 1 })[0] ?? '',
  },
  Scatter: {
    opset: 9,
    dims: [3, 4],
    changed: [/ScatterElements/],
    build: (b, x) => {
      const indices = b.constant('indices', 'int64', [2, 2], [0, 2, 1, 3]);
      return b.node('Scatter', [x, indices, b.weight('updates', [2, 2])], { axis: 1 });
    },
  },
  'OneHot of what ArgMax finds': {
    opset: 9,
    build: (b, x) => {
      const found = b.node('ArgMax', [x], { axis: 1, keepdims: 0 });
      const values = b.constant('values', 'float32', [2], [0, 1]);
      return b.node('OneHot', [found, b.constant('depth', 'int64', [], [4]), values]);
    },
  },
  'ConvTranspose of given pads': {
    opset: 9,
    build: (b, x) => b.node('ConvTranspose', [x, b.weight('w', [4, 2, 3, 3])], { strides: [2, 2], pads: [1, 1, 0, 0] }),
  },
  'ConvTranspose that pads by itself, unevenly': {
    opset: 9,
    build: (b, x) => [
      b.node('ConvTranspose', [x, b.weight('w', [4, 2, 3, 3])], { strides: [2, 2], auto_pad: 'SAME_LOWER' }),
      b.node('ConvTranspose', [x, b.weight('v', [4, 2, 3, 3])], { strides: [2, 2], auto_pad: 'SAME_UPPER' }),
    ],
  },
  'ConvTranspose of an output shape': {
    opset: 10,
    build: (b, x) =>
      b.node('ConvTranspose', [x, b.weight('w', [4, 2, 4, 4])], { strides: [2, 2], output_shape: [12, 12] }),
  },
  // onnxruntime has another kernel of AveragePool from 19 on, which adds in another order.
  'AveragePool at 19': {
    opset: 9,
    target: 19,
    within: 1e-6,
    build: node('AveragePool', { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2], count_include_pad: 1 }),
  },
  'AveragePool that rounds up at 19': {
    opset: 10,
    dims: ['N', 4, 7, 7],
    target: 19,
    within: 1e-6,
    build: node('AveragePool', { kernel_shape: [3, 3], strides: [3, 3], ceil_mode: 1 }),
  },
  'MaxPool of odd lengths': {
    opset: 7,
    build: node('MaxPool', { kernel_shape: [3, 3], strides: [2, 2], auto_pad: 'SAME_UPPER' }),
  },
  'Conv, padded by itself': {
    opset: 7,
    build: (b, x) => b.node('Conv', [x, b.weight('w', [2, 4, 3, 3])], { strides: [2, 2], auto_pad: 'SAME_LOWER' }),
  },
  'RoiAlign at 16': {
    opset: 10,
    target: 16,
    changed: [/not shifted/],
    build: (b, x) => {
      const rois = b.constant('rois', 'float32', [2, 4], [0, 0, 3, 4, 1, 2, 5, 5]);
      const batch = b.constant('batch', 'int64', [2], [0, 1]);
      return b.node('RoiAlign', [x, rois, batch], { output_height: 2, output_width: 3 });
    },
  },
  'GridSample at 20': {
    opset: 16,
    target: 20,
    changed: [/"linear"/],
    build: (b, x) => b.node('GridSample', [x, b.input('grid', 'float32', ['N', 5, 5, 2])]),
  },
  'DFT at 20': {
    opset: 17,
    target: 20,
    dims: ['N', 6, 5, 1],
    changed: [/axis from an input/],
    build: node('DFT'),
  },
  'LpPool at 18': { opset: 9, target: 18, build: node('LpPool', { kernel_shape: [2, 2], strides: [2, 2], p: 2 }) },
};

function normalized(b: ModelBuilder, x: string, attributes: Attributes, outputs = 1): string[] {
  const positive = { positive: true };
  const parameters = [
    b.vector('scale', 4, positive),
    b.vector('bias', 4),
    b.vector('mean', 4),
    b.vector('var', 4, positive),
  ];
  return b.nodes('BatchNormalization', [x, ...parameters], outputs, attributes);
}

function model({ opset, dims = IMAGE, build }: Old): ModelBuilder {
  const b = new ModelBuilder({ opset, irVersion: 6 });
  for (const output of [build(b, b.input('x', 'float32', dims))].flat()) {
    const isIndices = output === 'TopK_0_out_1';
    b.output(output, isIndices ? 'int64' : 'float32');
  }
  return b;
}

describe('a model gives what it gave, after upgrading', () => {
  test.each(Object.entries(CASES))('%s', async (_, old) => {
    const { target = 13, changed = [], within = 0 } = old;
    const { model: after, report } = await upgraded(child, model(old).bytes(), target, { within });
    expect(report).toMatchObject({ from: old.opset, to: target });
    expect(report.changed).toHaveLength(changed.length);
    changed.forEach((what, i) => {
      expect(report.changed[i]?.what).toMatch(what);
    });
    for (const each of nodesIn(after.graph)) expect(each.opset).toBe(target);
  });
});
