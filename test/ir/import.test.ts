import { describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { cloneModel, exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { Tensor } from '../../src/ir/tensor.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder } from '../support/build.ts';

function imported(b: ModelBuilder): Model {
  return importModel(decodeModel(b.bytes()));
}

describe('a model that is no graph is refused', () => {
  const builder = (): { b: ModelBuilder; x: string } => {
    const b = new ModelBuilder();
    return { b, x: b.input('x', 'float32', [2]) };
  };

  test.each<[string, () => ModelBuilder, string, RegExp]>([
    [
      'a value that nothing defines',
      () => {
        const { b, x } = builder();
        b.output(b.node('Add', [x, 'ghost'], {}, { name: 'adder' }));
        return b;
      },
      'ghost',
      /^Value "ghost" is read by node "adder" but defined nowhere: no node, input or initializer has that name\. Export the model again\.$/,
    ],
    [
      'an output that nothing defines',
      () => {
        const { b, x } = builder();
        b.node('Relu', [x]);
        b.output('ghost');
        return b;
      },
      'ghost',
      /read by the list of graph outputs/,
    ],
    [
      'a value that two nodes make',
      () => {
        const { b, x } = builder();
        b.node('Relu', [x], {}, { outputs: ['twice'] });
        b.output(b.node('Tanh', [x], {}, { outputs: ['twice'], name: 'second' }));
        return b;
      },
      'twice',
      /^Value "twice" is defined twice, the second time as an output of node "second"; names must be unique/,
    ],
    [
      'an initializer that a node makes too',
      () => {
        const { b, x } = builder();
        b.vector('w', 2);
        b.output(b.node('Tanh', [x], {}, { outputs: ['w'] }));
        return b;
      },
      'w',
      /"w" is defined twice/,
    ],
    [
      'two initializers of one name',
      () => {
        const { b, x } = builder();
        b.vector('w', 2);
        b.vector('w', 2);
        b.output(b.node('Add', [x, 'w']));
        return b;
      },
      'w',
      /"w" is defined twice, the second time as an initializer/,
    ],
  ])('%s', (_, build, subject, message) => {
    expect(() => imported(build())).toThrow(
      expect.objectContaining({ code: 'bad-model', subject, message: expect.stringMatching(message) }),
    );
  });

  test('a cycle, which the check finds', () => {
    const b = new ModelBuilder();
    b.node('Relu', ['b'], {}, { outputs: ['a'], name: 'first' });
    b.output(b.node('Relu', ['a'], {}, { outputs: ['b'], name: 'second' }));
    expect(() => checkGraph(imported(b).graph)).toThrow(
      expect.objectContaining({
        code: 'bad-model',
        message: expect.stringMatching(/Node "(first|second)" needs its own output: the graph has a cycle/),
      }),
    );
  });
});

test('nodes out of order are imported, and exported in an executable order', () => {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [2]);
  b.output(b.node('Tanh', ['later'], {}, { outputs: ['y'] }), 'float32');
  b.node('Relu', [x], {}, { outputs: ['later'] });
  const model = imported(b);
  checkGraph(model.graph);
  expect(exportModel(model).graph?.node?.map((node) => node.opType)).toEqual(['Relu', 'Tanh']);
});

test('optional inputs and outputs that are left out stay so', () => {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [2]);
  const high = b.constant('high', 'float32', [], [1]);
  b.output(b.node('Clip', [x, '', high], {}, { outputs: ['y'] }), 'float32');
  const model = imported(b);
  expect(model.graph.sorted()[0]?.inputs.map((value) => value?.name)).toEqual(['x', undefined, 'high']);
  expect(exportModel(model).graph?.node?.[0]?.input).toEqual(['x', '', 'high']);
});

test('a body may use the name of an outer value for its own, and captures what it does not define', () => {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [2]);
  const outer = b.node('Relu', [x], {}, { outputs: ['outer'] });
  const body = b.subgraph();
  body.output(body.node('Neg', [outer], {}, { outputs: ['inner'] }), 'float32');
  b.output(
    b.node(
      'If',
      [b.input('flag', 'bool', [])],
      { then_branch: { graph: body }, else_branch: { graph: body } },
      { outputs: ['y'] },
    ),
    'float32',
  );
  const { graph } = imported(b);
  const relu = graph.sorted()[0];
  expect([...(relu?.outputs[0]?.uses ?? [])].map((node) => node.opType)).toEqual(['Neg', 'Neg']);
});

describe('files before IR version 4', () => {
  const old = (): ModelBuilder => {
    const b = new ModelBuilder({ irVersion: 3, opset: 7, initializersAsInputs: true });
    const x = b.input('x', 'float32', ['N', 2]);
    b.output(b.node('Add', [x, b.vector('w', 2)], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    return b;
  };

  test('list initializers as inputs; they are both', () => {
    const { graph } = imported(old());
    expect(graph.inputs.map((value) => [value.name, value.tensor !== undefined])).toEqual([
      ['x', false],
      ['w', true],
    ]);
  });

  test('a new initializer is listed too, and one that goes is not', () => {
    const model = imported(old());
    const { graph } = model;
    const [add] = graph.sorted();
    const added = graph.addInitializer('w', Tensor.ofFloats(Float32Array.of(1, 2)));
    expect(added.name).toBe('w_1');
    if (add !== undefined) graph.setInput(add, 1, added);
    const [w] = [...graph.initializers].filter((value) => value.name === 'w');
    if (w !== undefined) graph.removeInitializer(w);
    expect(exportModel(model).graph?.input?.map((input) => input.name)).toEqual(['x', 'w_1']);
    checkGraph(graph);
  });

  test('a length that changed is declared as it is now', () => {
    const model = imported(old());
    const [w] = model.graph.initializers;
    if (w !== undefined) model.graph.setTensor(w, Tensor.ofFloats(Float32Array.of(1)));
    const declared = exportModel(model).graph?.input?.[1]?.type?.tensorType?.shape?.dim?.map((dim) =>
      Number(dim.dimValue),
    );
    expect(declared).toEqual([1]);
  });
});

describe('a clone', () => {
  const model = (): Model => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 2]);
    const body = b.subgraph();
    body.output(body.node('Neg', [x]), 'float32');
    const branch = b.node('If', [b.input('flag', 'bool', [])], {
      then_branch: { graph: body },
      else_branch: { graph: body },
    });
    b.output(b.node('Add', [branch, b.vector('w', 2)], {}, { outputs: ['y'] }), 'float32', ['N', 2]);
    return imported(b);
  };

  test('is the same model', () => {
    const original = model();
    expect(encodeModel(exportModel(cloneModel(original).model))).toEqual(encodeModel(exportModel(original)));
  });

  test('and another one: neither sees what is done to the other', () => {
    const original = model();
    const before = encodeModel(exportModel(original));
    const clone = cloneModel(original);
    const [w] = original.graph.initializers;
    if (w === undefined) throw new Error('no weight');
    clone.graph.setTensor(clone.twinOf(w), Tensor.ofFloats(Float32Array.of(5)));
    const add = clone.graph.sorted().find((node) => node.opType === 'Add');
    const x = original.graph.inputs[0];
    if (add === undefined || x === undefined) throw new Error('no Add');
    clone.graph.setInput(add, 0, clone.twinOf(x));
    clone.graph.addInitializer('extra', Tensor.ofIntegers([1]));
    expect(encodeModel(exportModel(original))).toEqual(before);
    expect(w.tensor?.dims).toEqual([2]);
    expect(original.graph.uniqueName('extra')).toBe('extra');
    checkGraph(original.graph);
    checkGraph(clone.graph);
    expect([...x.uses].every((node) => !clone.graph.nodes.has(node))).toBe(true);
  });

  test('shares the weights, which cannot change', () => {
    const original = model();
    const [w] = original.graph.initializers;
    expect(w && cloneModel(original).twinOf(w).tensor).toBe(w?.tensor);
  });
});

describe('the check', () => {
  test('names the step that broke the graph', () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2]);
    b.output(b.node('Add', [x, b.vector('w', 2)], {}, { outputs: ['y'] }), 'float32');
    const { graph } = imported(b);
    const [w] = graph.initializers;
    if (w !== undefined) graph.setTensor(w, Tensor.of('float32', [3], new Uint8Array(8)));
    expect(() => checkGraph(graph, 'halving')).toThrow(
      expect.objectContaining({
        code: 'internal',
        subject: 'halving',
        message: expect.stringMatching(/inconsistent after step "halving": .*takes 12 bytes, but holds 8/),
      }),
    );
    expect(() => checkGraph(graph)).toThrow(expect.objectContaining({ code: 'bad-model' }));
  });

  test('a value that a body gives out as it is has a reader in the body, so that its node cannot go', () => {
    const b = new ModelBuilder();
    const inner = b.node('Relu', [b.input('x', 'float32', [2])], {}, { outputs: ['inner'] });
    const body = b.subgraph();
    body.output(inner, 'float32');
    const branches = { then_branch: { graph: body }, else_branch: { graph: body } };
    b.output(b.node('If', [b.input('flag', 'bool', [])], branches, { outputs: ['y'] }), 'float32');
    const { graph } = imported(b);
    const [relu] = graph.nodes;
    expect(() => relu !== undefined && graph.removeNode(relu)).toThrow(/Value "inner" is still read/);
    checkGraph(graph);
  });

  test('finds a value that is read but not defined', () => {
    const b = new ModelBuilder();
    b.output(b.node('Relu', [b.input('x', 'float32', [2])], {}, { outputs: ['y'] }), 'float32');
    const { graph } = imported(b);
    const [relu] = graph.nodes;
    if (relu !== undefined) graph.setInput(relu, 0, graph.addValue('nothing'));
    expect(() => checkGraph(graph)).toThrow(/Value "nothing" is read but defined nowhere/);
  });
});
