import onnxProto from 'onnx-proto';
import { describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { importModel } from '../../src/ir/model.ts';
import { inlineFunctions } from '../../src/normalise/inline-functions.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';

const { onnx } = onnxProto;
const cutEqualsMasked = useCutEqualsMasked();

/** A leaky activation as a function of its own: the slope is the function's attribute, the square a call of another one. */
const FUNCTIONS = [
  {
    domain: 'local',
    name: 'Activate',
    input: ['a'],
    output: ['b'],
    attribute: ['slope'],
    opsetImport: [
      { domain: '', version: 15 },
      { domain: 'local', version: 1 },
    ],
    node: [
      {
        opType: 'LeakyRelu',
        input: ['a'],
        output: ['t'],
        attribute: [{ name: 'alpha', refAttrName: 'slope', type: 1 }],
      },
      { opType: 'Square', domain: 'local', input: ['t'], output: ['b'] },
    ],
  },
  {
    domain: 'local',
    name: 'Square',
    input: ['x'],
    output: ['y'],
    opsetImport: [{ domain: '', version: 15 }],
    node: [{ opType: 'Mul', input: ['x', 'x'], output: ['y'] }],
  },
];

function net(functions: readonly object[] = FUNCTIONS): Uint8Array {
  const b = new ModelBuilder({ seed: 4, opset: 15, domains: { local: 1 } });
  const x = b.input('x', 'float32', ['N', 6]);
  const slope = { slope: { float: 0.3 } };
  const first = b.node('Activate', [b.node('MatMul', [x, b.weight('first', [6, 8])])], slope, { domain: 'local' });
  const second = b.node('Activate', [b.node('MatMul', [first, b.weight('second', [8, 7])])], slope, {
    domain: 'local',
  });
  b.output(b.node('MatMul', [second, b.weight('third', [7, 3])]), 'float32', ['N', 3]);
  return onnx.ModelProto.encode(onnx.ModelProto.fromObject({ ...b.model(), functions })).finish();
}

describe('the functions of a model', () => {
  test('take the place of their calls, calls inside them too, with the attributes of the call', () => {
    const model = importModel(decodeModel(net()));
    expect(inlineFunctions(model)).toBe(true);
    const operators = model.graph.sorted().map((node) => node.opType);
    expect(operators).toEqual(['MatMul', 'LeakyRelu', 'Mul', 'MatMul', 'LeakyRelu', 'Mul', 'MatMul']);
    const [, leaky] = model.graph.sorted();
    expect(leaky?.attributes.get('alpha')?.proto.f).toBeCloseTo(0.3);
    expect(inlineFunctions(model)).toBe(false);
  });

  test('may have nodes without names, and be called by such', async () => {
    const twice = [
      { ...FUNCTIONS[0], node: ['t', 'b'].map((to, i) => ({ opType: 'Relu', input: ['at'[i]], output: [to] })) },
    ];
    const b = new ModelBuilder({ seed: 4, opset: 15, domains: { local: 1 } });
    const call = (x: string): string => b.node('Activate', [x], {}, { domain: 'local', name: '' });
    const hidden = b.node('MatMul', [b.input('x', 'float32', ['N', 6]), b.weight('first', [6, 8])]);
    b.output(b.node('MatMul', [call(call(hidden)), b.weight('last', [8, 3])]), 'float32', ['N', 3]);
    const bytes = onnx.ModelProto.encode(onnx.ModelProto.fromObject({ ...b.model(), functions: twice })).finish();
    const { groups, original } = await cutEqualsMasked(bytes);
    expect(groups).toEqual(['first 8']);
    // Two nodes of one name are refused by onnxruntime.
    const names = original.graph.sorted().map(({ name }) => name);
    expect(new Set(names).size).toBe(6);
  });

  test('let channels through', async () => {
    const outcome = await cutEqualsMasked(net());
    expect(outcome.groups).toEqual(['first 8', 'second 7']);
  });

  test('stay calls where one asks for other operator sets', () => {
    const newer = FUNCTIONS.map((each) => ({ ...each, opsetImport: [{ domain: '', version: 16 }] }));
    const model = importModel(decodeModel(net(newer)));
    expect(inlineFunctions(model)).toBe(false);
    expect(model.graph.nodes.size).toBe(5);
  });

  test('with bodies inside go in with them, under names of their own', async () => {
    const info = (name: string): object => ({ name, type: { tensorType: { elemType: 1 } } });
    const branch = (node: object, output: string): object => ({ name: 'branch', node: [node], output: [info(output)] });
    const alpha = { name: 'alpha', refAttrName: 'slope', type: 1 };
    const leaky = { opType: 'LeakyRelu', input: ['a'], output: ['inside'], attribute: [alpha] };
    const square = { opType: 'Square', domain: 'local', input: ['a'], output: ['inside'] };
    const choice = {
      opType: 'If',
      input: ['flag'],
      output: ['b'],
      attribute: [
        { name: 'then_branch', type: 5, g: branch(leaky, 'inside') },
        { name: 'else_branch', type: 5, g: branch(square, 'inside') },
      ],
    };
    const flag = [
      { opType: 'ReduceSum', input: ['a'], output: ['sum'], attribute: [{ name: 'keepdims', type: 2, i: 0 }] },
      { opType: 'Constant', output: ['one'], attribute: [{ name: 'value_float', type: 1, f: 1 }] },
      { opType: 'Less', input: ['sum', 'one'], output: ['flag'] },
    ];
    const functions = [{ ...FUNCTIONS[0], node: [...flag, choice] }, FUNCTIONS[1] ?? {}];
    const { original, groups } = await cutEqualsMasked(net(functions));
    expect([...original.graph.nodes].filter(({ domain }) => domain === 'local')).toEqual([]);
    expect(groups).toEqual(['first 8', 'second 7']);
  });

  test('that hand an input through go too', () => {
    const through = [{ ...FUNCTIONS[1], name: 'Activate', output: ['x'], node: [] }];
    const model = importModel(decodeModel(net(through)));
    expect(inlineFunctions(model)).toBe(true);
    checkGraph(model.graph);
    const operators = model.graph.sorted().map((node) => node.opType);
    expect(operators).toEqual(['MatMul', 'Identity', 'MatMul', 'Identity', 'MatMul']);
  });
});
