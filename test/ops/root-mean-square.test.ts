import { describe, expect, test } from 'vitest';
import { float } from '../../src/ir/attributes.ts';
import { type Attributes, ModelBuilder, type ModelOptions } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { MICROSOFT } from './attention-nets.ts';
import { free, held, testCases } from './cases.ts';
import { chain, imageNet, type Middle, op, tokenNet } from './nets.ts';

const NEWEST: ModelOptions = { opset: 23, irVersion: 10 };
const LARGE: Attributes = { epsilon: { float: 0.5 } };

const scale = (b: ModelBuilder, dims: readonly number[] = [8]): string =>
  b.weight('scale', dims, { mean: 1, std: 0.5 });

const rms = (attributes: Attributes = {}, dims?: readonly number[]): Middle =>
  op('RMSNormalization', attributes, (b) => [scale(b, dims)]);
const simplified = (attributes: Attributes = {}, dims?: readonly number[]): Middle =>
  op('SimplifiedLayerNormalization', attributes, (b) => [scale(b, dims)]);

/** Numbers whose squares are about as small as an epsilon that is left out. */
const shrunk: Middle = (b, x) => b.node('Mul', [x, b.constant('thousandth', 'float32', [], [1e-3])]);

/** tokens, and what the norm makes of them and of what is added first. */
function skip(form: {
  readonly skip?: (b: ModelBuilder, x: string) => string;
  readonly bias?: boolean;
  readonly attributes?: Attributes;
  readonly options?: ModelOptions;
  readonly outputs?: readonly string[];
  readonly end?: (b: ModelBuilder, y: string) => string;
}): ModelBuilder {
  const { attributes = {}, outputs = ['normed'], end = (_, y) => y } = form;
  const middle: Middle = (b, x) => {
    const added = form.skip?.(b, x) ?? b.node('Tanh', [x]);
    const inputs = [x, added, scale(b), ...(form.bias ? [b.vector('bias', 8, { std: 1 })] : [])];
    const options = { domain: 'com.microsoft', outputs };
    b.nodes('SkipSimplifiedLayerNormalization', inputs, outputs.length, attributes, options);
    return end(b, 'normed');
  };
  return tokenNet(middle, form.options ?? MICROSOFT);
}

/** tokens → MatMul "first" in float16 → norm → MatMul "last", which comes out as float16. */
function halved(opType: string, options: ModelOptions): ModelBuilder {
  const b = new ModelBuilder({ ...options, dtype: 'float16' });
  const x = b.node('Cast', [b.input('tokens', 'float32', ['N', 6, 5])], { to: 10 });
  const made = b.node('MatMul', [x, b.weight('first', [5, 8], { fanIn: 5 })]);
  const normed = b.node(opType, [made, scale(b)], LARGE);
  b.output(b.node('MatMul', [normed, b.weight('last', [8, 4], { fanIn: 8 })]), 'float16');
  return b;
}

const both = (b: ModelBuilder, y: string): string => b.node('Add', [b.node('Sigmoid', [y]), 'sum']);

testCases('root mean square norms lose channels exactly', {
  RMSNormalization: free(tokenNet(rms(), NEWEST)),
  'RMSNormalization with an epsilon that counts': free(tokenNet(rms(LARGE), NEWEST)),
  'RMSNormalization with one scale for all': free(tokenNet(rms({}, [1]), NEWEST)),
  'RMSNormalization over channels and pixels': free(imageNet(rms({ axis: 1 }, [8, 6, 6]), NEWEST)),
  'RMSNormalization over pixels': free(imageNet(rms({ axis: 2 }, [6, 6]), NEWEST)),
  'RMSNormalization with a scale per channel, broadcast': free(imageNet(rms({ axis: 1 }, [8, 1, 1]), NEWEST)),
  'RMSNormalization of float16': free(halved('RMSNormalization', NEWEST)),
  'SimplifiedLayerNormalization of float16': free(halved('SimplifiedLayerNormalization', {})),
  SimplifiedLayerNormalization: free(tokenNet(simplified())),
  'SimplifiedLayerNormalization with an epsilon that counts': free(tokenNet(simplified(LARGE))),
  'SimplifiedLayerNormalization over channels and pixels': free(imageNet(simplified({ axis: 1 }, [8, 6, 6]))),
  'SimplifiedLayerNormalization with a scale that is computed': free(
    tokenNet((b, x) => {
      const computed = b.node('ReduceMean', [b.node('Sigmoid', [x])], { axes: [0, 1], keepdims: 0 });
      return b.node('SimplifiedLayerNormalization', [x, computed], LARGE);
    }),
  ),
  'SimplifiedLayerNormalization with a scale that others read': free(
    imageNet((b, x) => {
      const shared = scale(b, [8, 6, 6]);
      const normed = b.node('SimplifiedLayerNormalization', [x, shared], { axis: 1, ...LARGE });
      return b.node('Add', [normed, b.node('Mul', [x, shared])]);
    }),
  ),
  'SimplifiedLayerNormalization with a scale that another has too': free(
    imageNet((b, x) => {
      const shared = scale(b, [8, 6, 6]);
      const second = b.node('SimplifiedLayerNormalization', [x, shared], { axis: 1 });
      return b.node('Add', [b.node('SimplifiedLayerNormalization', [x, shared], { axis: 1, ...LARGE }), second]);
    }),
  ),
  'one after another': free(
    tokenNet(
      chain(simplified(LARGE), op('Relu'), (b, x) =>
        b.node('SimplifiedLayerNormalization', [x, b.vector('second', 8, { mean: 1 })], LARGE),
      ),
    ),
  ),
  'RMSNormalization of small numbers with its own epsilon': free(tokenNet(chain(shrunk, rms()), NEWEST)),
  'SimplifiedLayerNormalization of small numbers with its own epsilon': free(tokenNet(chain(shrunk, simplified()))),
  SkipSimplifiedLayerNormalization: free(skip({})),
  'with its own epsilon of tiny numbers': free(
    skip({ skip: (b, x) => b.node('Neg', [b.node('Sub', [x, shrunk(b, x)])]) }),
  ),
  'with an epsilon that counts': free(skip({ attributes: LARGE })),
  'with a bias': free(skip({ bias: true, attributes: LARGE })),
  'with the sum given out': free(skip({ bias: true, outputs: ['normed', '', '', 'sum'], end: both })),
  'with a skip for all samples': free(
    skip({ skip: (b, x) => b.node('ReduceMean', [x], { axes: [0], keepdims: 1 }), attributes: LARGE }),
  ),
  'with a skip for all samples, of rank two': free(
    skip({ skip: (b, x) => b.node('ReduceMean', [x], { axes: [0], keepdims: 0 }), attributes: LARGE }),
  ),
});

testCases('root mean square norms hold channels where their statistics are read', {
  SimplifiedLayerNormalization: held(
    tokenNet((b, x) => {
      const [y = '', inverse = ''] = b.nodes('SimplifiedLayerNormalization', [x, scale(b)], 2);
      return b.node('Mul', [y, inverse]);
    }),
    /SimplifiedLayerNormalization gives its statistics out/,
  ),
});

const cutEqualsMasked = useCutEqualsMasked();

describe('a scale of root mean squares', () => {
  test('is written for the channels that stay', async () => {
    const { cutModel, map } = await cutEqualsMasked(tokenNet(simplified(LARGE)), { amount: 0.5 });
    const norm = [...cutModel.graph.nodes].find((node) => node.opType === 'SimplifiedLayerNormalization');
    expect(norm && float(norm, 'epsilon', 0)).toBe(1);
    expect(norm?.inputs[1]?.tensor?.dims).toEqual([4]);
    expect(map.groups[0]?.members.find((member) => member.gain)?.axis.value.name).toBe('scale');
  });
});
