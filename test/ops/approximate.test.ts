import { describe, expect, test } from 'vitest';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';
import { type CutOptions, useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { languageModel } from '../support/transformer.ts';
import { MICROSOFT } from './attention-nets.ts';
import { layerNorm, rmsNorm } from './decomposed-norms.ts';
import { imageNet, integers, type Middle, op, tokenNet } from './nets.ts';

const cutEqualsMasked = useCutEqualsMasked();
const ALLOWED: CutOptions = { build: { allowApproximate: true } };

const scaleAndShift = (b: ModelBuilder): string[] => [b.vector('scale', 8, { mean: 1 }), b.vector('shift', 8)];
const fused = op('LayerNormalization', {}, scaleAndShift);

/** A node with outputs beyond the first, of which one is added to it. */
const withStatistic =
  (opType: string, index: number, mix: string): Middle =>
  (b, x) => {
    const outputs = b.nodes(opType, [x, b.vector('scale', 8, { mean: 1 })], index + 1);
    return b.node(mix, [outputs[0] ?? '', outputs[index] ?? '']);
  };

function skip(b: ModelBuilder, x: string): string {
  const options = { domain: 'com.microsoft' };
  return b.node('SkipLayerNormalization', [x, b.node('Tanh', [x]), ...scaleAndShift(b)], {}, options);
}

/** GroupNorm of two groups as exporters write it: groups apart, a norm over each, and back. */
const groupNorm =
  (norm: (b: GraphBuilder, x: string) => string): Middle =>
  (b, x) =>
    b.node('Reshape', [norm(b, b.node('Reshape', [x, integers(b, [0, 2, -1])])), integers(b, [0, 8, 6, 6])]);

/** A condition that the data decide. */
function switched(b: ModelBuilder): string {
  const sum = b.node('ReduceSum', [b.input('switch', 'float32', [1])], { keepdims: 0 });
  return b.node('Greater', [sum, b.constant('zero', 'float32', [], [0])]);
}

/** A body of its own for each branch of an If. */
const either =
  (yes: (body: GraphBuilder, x: string) => string, no: (body: GraphBuilder, x: string) => string): Middle =>
  (b, x) => {
    const [then_branch, else_branch] = [yes, no].map((make) => {
      const graph = b.subgraph();
      graph.output(make(graph, x), 'float32');
      return { graph };
    });
    if (then_branch === undefined || else_branch === undefined) throw new Error('two branches');
    return b.node('If', [switched(b)], { then_branch, else_branch });
  };

/** What takes statistics over the channels of "first", how many nodes do, and what it says where that is not allowed. */
const CASES: Readonly<Record<string, readonly [net: ModelBuilder, mixers: number, reason: RegExp]>> = {
  LayerNormalization: [tokenNet(fused), 1, /^LayerNormalization mixes its channels/],
  'LayerNormalization over channels and pixels': [
    imageNet(op('LayerNormalization', { axis: 1 }, (b) => [b.weight('scale', [8, 6, 6], { mean: 1 })])),
    1,
    /^LayerNormalization mixes/,
  ],
  'LayerNormalization whose mean is read': [tokenNet(withStatistic('LayerNormalization', 1, 'Add')), 1, /mixes/],
  'LayerNormalization in single steps': [tokenNet(layerNorm), 2, /^ReduceMean divides by its length/],
  'the same by Mul and Reciprocal, over channels and pixels': [
    imageNet((b, x) => layerNorm(b, x, { axes: [1, 2, 3], square: 'Mul', divide: 'Reciprocal' })),
    2,
    /^ReduceMean divides/,
  ],
  SkipLayerNormalization: [tokenNet(skip, MICROSOFT), 1, /^SkipLayerNormalization mixes its channels/],
  'SimplifiedLayerNormalization whose statistics are read': [
    tokenNet(withStatistic('SimplifiedLayerNormalization', 1, 'Mul')),
    1,
    /^SimplifiedLayerNormalization gives its statistics out/,
  ],
  'Softmax over channels': [imageNet(op('Softmax', { axis: 1 })), 1, /^Softmax mixes its channels/],
  'Softmax from channels on, before opset 13': [
    imageNet(op('Softmax', { axis: 1 }), { opset: 11 }),
    1,
    /^Softmax mixes/,
  ],
  'LogSoftmax over features': [tokenNet(op('LogSoftmax', { axis: -1 })), 1, /^LogSoftmax mixes/],
  LRN: [imageNet(op('LRN', { size: 3 })), 1, /^LRN mixes/],
  'MeanVarianceNormalization over channels': [
    imageNet((b, x) =>
      b.valueInfo(b.node('MeanVarianceNormalization', [x], { axes: [0, 1, 2, 3] }), 'float32', ['N', 8, 6, 6]),
    ),
    1,
    /^MeanVarianceNormalization mixes/,
  ],
  'ReduceMean over channels': [
    imageNet((b, x) => b.node('Sub', [x, b.node('ReduceMean', [x], { axes: [1] })])),
    1,
    /^ReduceMean divides/,
  ],
  'ReduceMean over channels and pixels, without their axes': [
    imageNet((b, x) => {
      const mean = b.node('ReduceMean', [x], { axes: [1, 2, 3], keepdims: 0 });
      return b.node('Mul', [x, b.node('Unsqueeze', [mean, integers(b, [1, 2, 3])])]);
    }),
    1,
    /^ReduceMean divides/,
  ],
  'one norm after another': [
    tokenNet((b, x) => layerNorm(b, b.node('Relu', [fused(b, x)]))),
    3,
    /^(LayerNormalization mixes|ReduceMean divides)/,
  ],
  'a norm beside an exact one': [
    tokenNet((b, x) => b.node('Add', [fused(b, x), rmsNorm(b, x)])),
    1,
    /^LayerNormalization mixes/,
  ],
  'the last node of a branch': [
    tokenNet(
      either(
        (body, x) => body.node('Softmax', [x], { axis: -1 }),
        (body, x) => layerNorm(body, x),
      ),
    ),
    3,
    /mixes its channels|divides by its length/,
  ],
  'a node of a branch that gives it out and reads it': [
    tokenNet((b, x) => {
      const [then_branch, else_branch] = [b.subgraph(), b.subgraph()];
      const soft = then_branch.output(then_branch.node('Softmax', [x], { axis: -1 }), 'float32');
      then_branch.output(then_branch.node('Neg', [soft]), 'float32');
      else_branch.output(else_branch.node('Abs', [x]), 'float32');
      else_branch.output(else_branch.node('Tanh', [x]), 'float32');
      const branches = { then_branch: { graph: then_branch }, else_branch: { graph: else_branch } };
      return b.node('Add', b.nodes('If', [switched(b)], 2, branches));
    }),
    1,
    /^Softmax mixes/,
  ],
};

describe.each(Object.entries(CASES))('%s', (_, [net, mixers, reason]) => {
  test('holds channels, and says what would include them', async () => {
    const { groups, refusals } = await cutEqualsMasked(net);
    expect(groups).toEqual([]);
    expect(refusals['first']).toMatch(reason);
    expect(refusals['first']).toMatch(/ \(--allow-approximate includes it\)$/);
  });

  test.each([1, 2])(
    'lets them go where that is allowed, its statistics taken over those that stay (%i)',
    async (seed) => {
      const { groups, map } = await cutEqualsMasked(net, { ...ALLOWED, seed });
      expect(groups).toEqual(['first 8']);
      expect(map.groups[0]?.mixers).toHaveLength(mixers);
    },
  );
});

describe('what is exact stays so where more is allowed', () => {
  test('a root of mean squares names no node', async () => {
    const { groups, map } = await cutEqualsMasked(
      tokenNet((b, x) => rmsNorm(b, x)),
      ALLOWED,
    );
    expect(groups).toEqual(['first 8']);
    expect(map.groups[0]?.mixers).toEqual([]);
  });

  test.each<[string, (b: GraphBuilder, x: string) => string]>([
    ['in single steps', layerNorm],
    [
      'by InstanceNormalization',
      (b, x) => b.node('InstanceNormalization', [x, b.vector('gain', 2, { mean: 1 }), b.vector('bias', 2)]),
    ],
  ])('whole groups of GroupNorm leave rather than channels inside them: %s', async (_, norm) => {
    const net = imageNet(groupNorm(norm));
    const [plain, allowed] = [await cutEqualsMasked(net), await cutEqualsMasked(net, ALLOWED)];
    expect(plain.groups).toEqual(['first 2']);
    expect(allowed.groups).toEqual(['first 2']);
    expect(allowed.map.groups[0]?.mixers).toEqual([]);
  });

  test('heads leave as before, and the residual stream besides', async () => {
    const net = languageModel({ blocks: 1 });
    const [plain, allowed] = [await cutEqualsMasked(net), await cutEqualsMasked(net, ALLOWED)];
    expect(plain.groups).toEqual(['0.q 4', '0.up 24']);
    expect(allowed.groups).toEqual(['words 16', '0.q 4', '0.up 24']);
  });
});

test('what gives channels to the graph keeps them, whatever is allowed', async () => {
  const b = new ModelBuilder();
  const made = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), b.weight('first', [4, 8])]);
  b.output(b.node('Softmax', [made], { axis: -1 }), 'float32', ['N', 8]);
  const { groups, refusals } = await cutEqualsMasked(b, ALLOWED);
  expect(groups).toEqual([]);
  expect(refusals['first']).toMatch(/graph output/);
});
