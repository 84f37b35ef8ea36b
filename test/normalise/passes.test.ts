import { describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { importModel, type Model } from '../../src/ir/model.ts';
import { constantNodesToInitializers } from '../../src/normalise/constant-nodes.ts';
import { removeDeadCode } from '../../src/normalise/dead-code.ts';
import { removeIdentities } from '../../src/normalise/identities.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { type ConstantForm, ModelBuilder } from '../support/build.ts';

function imported(b: ModelBuilder): Model {
  return importModel(decodeModel(b.bytes()));
}

function operators({ graph }: Model): string[] {
  return [...graph.nodes].map((node) => node.opType);
}

function initializers({ graph }: Model): string[] {
  return [...graph.initializers].map((value) => value.name);
}

describe('Constant nodes become initializers', () => {
  const one = (form: ConstantForm): Model => {
    const b = new ModelBuilder();
    const c = b.constantNode(form, { outputs: ['c'] });
    b.output(b.node('Identity', [c], {}, { outputs: ['y'] }));
    return imported(b);
  };

  test.each<[string, ConstantForm, string, readonly number[], readonly number[]]>([
    ['value', { value: { dtype: 'float32', dims: [2, 1], values: [1.5, -2] } }, 'float32', [2, 1], [1.5, -2]],
    [
      'value in typed fields',
      { value: { dtype: 'float32', dims: [2], values: [1.5, 3], storage: 'typed' } },
      'float32',
      [2],
      [1.5, 3],
    ],
    ['value_float', { value_float: 0.5 }, 'float32', [], [0.5]],
    ['value_floats', { value_floats: [0.5, 2] }, 'float32', [2], [0.5, 2]],
    ['value_int', { value_int: -7 }, 'int64', [], [-7]],
    ['value_ints', { value_ints: [1, -2, 3] }, 'int64', [3], [1, -2, 3]],
    ['value_ints, none', { value_ints: [] }, 'int64', [0], []],
  ])('%s', (_, form, type, dims, values) => {
    const model = one(form);
    expect(constantNodesToInitializers(model.graph)).toBe(true);
    const [value] = model.graph.initializers;
    expect(value?.name).toBe('c');
    expect(value?.tensor).toMatchObject({ type, dims });
    expect(Array.from(type === 'int64' ? (value?.tensor?.integers() ?? []) : (value?.tensor?.floats() ?? []))).toEqual(
      values,
    );
    expect(operators(model)).toEqual(['Identity']);
    checkGraph(model.graph);
  });

  test.each<[string, ConstantForm, string[]]>([
    ['value_string', { value_string: 'a' }, ['a']],
    ['value_strings', { value_strings: ['a', 'ü'] }, ['a', 'ü']],
  ])('%s', (_, form, texts) => {
    const model = one(form);
    expect(constantNodesToInitializers(model.graph)).toBe(true);
    const [value] = model.graph.initializers;
    expect(value?.tensor?.proto.stringData?.map((bytes) => new TextDecoder().decode(bytes))).toEqual(texts);
  });

  test('sparse ones with their zeros', () => {
    const values = { dtype: 'float32', dims: [2], values: [2, -3] } as const;
    const model = one({ sparse_value: { dims: [2, 2], indices: [1, 2], values } });
    expect(constantNodesToInitializers(model.graph)).toBe(true);
    const [value] = model.graph.initializers;
    expect(value).toMatchObject({ name: 'c', type: { type: 'float32', dims: [2, 2] } });
    expect([...(value?.tensor?.floats() ?? [])]).toEqual([0, 2, -3, 0]);
  });

  test('but not sparse texts, which have no zeros', () => {
    const values = { dtype: 'string', dims: [1], values: ['a'] } as const;
    const model = one({ sparse_value: { dims: [4], indices: [1], values } });
    expect(constantNodesToInitializers(model.graph)).toBe(false);
    expect(operators(model)).toEqual(['Constant', 'Identity']);
  });

  test('but not graph outputs, whose name would stand twice', () => {
    const b = new ModelBuilder();
    b.output(b.constantNode({ value_float: 1 }, { outputs: ['y'] }));
    const model = imported(b);
    expect(constantNodesToInitializers(model.graph)).toBe(false);
    expect(operators(model)).toEqual(['Constant']);
  });

  test('and are listed as inputs too in files that want that', () => {
    const b = new ModelBuilder({ irVersion: 3, opset: 7, initializersAsInputs: true });
    const x = b.input('x', 'float32', [2]);
    const c = b.constantNode({ value: { dtype: 'float32', dims: [1], values: [2] } }, { outputs: ['c'] });
    b.output(b.node('Add', [x, c], {}, { outputs: ['y'] }));
    const model = imported(b);
    constantNodesToInitializers(model.graph);
    expect(model.graph.inputs.map((value) => value.name)).toEqual(['x', 'c']);
  });
});

describe('Identity nodes go', () => {
  test('one after another, and readers read the original', () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2]);
    const copy = b.node('Identity', [b.node('Identity', [b.vector('w', 2)])]);
    b.output(b.node('Add', [x, copy], {}, { outputs: ['y'] }));
    const model = imported(b);
    expect(removeIdentities(model.graph)).toBe(true);
    expect(operators(model)).toEqual(['Add']);
    expect(model.graph.sorted()[0]?.inputs.map((value) => value?.name)).toEqual(['x', 'w']);
    checkGraph(model.graph);
    expect(removeIdentities(model.graph)).toBe(false);
  });

  test('unless they make a graph output', () => {
    const b = new ModelBuilder();
    b.output(b.node('Identity', [b.input('x', 'float32', [2])], {}, { outputs: ['y'] }));
    const model = imported(b);
    expect(removeIdentities(model.graph)).toBe(false);
    expect(operators(model)).toEqual(['Identity']);
  });

  test('also where a body reads the copy or hands it out', () => {
    const build = (inside: boolean): Model => {
      const b = new ModelBuilder();
      const copy = b.node('Identity', [b.node('Relu', [b.input('x', 'float32', [2])])], {}, { outputs: ['copy'] });
      const branch = (): ReturnType<ModelBuilder['subgraph']> => {
        const body = b.subgraph();
        body.output(inside ? body.node('Neg', [copy]) : copy, 'float32');
        return body;
      };
      const flag = b.input('flag', 'bool', []);
      b.output(
        b.node(
          'If',
          [flag],
          { then_branch: { graph: branch() }, else_branch: { graph: branch() } },
          { outputs: ['y'] },
        ),
      );
      const model = imported(b);
      removeIdentities(model.graph);
      checkGraph(model.graph);
      return model;
    };
    expect(operators(build(true))).toEqual(['Relu', 'If']);
    expect(operators(build(false))).toEqual(['Relu', 'If']);
  });
});

describe('dead code goes', () => {
  test('nodes, the nodes that fed them, and their initializers', () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2]);
    b.input('unread', 'float32', [2]);
    b.node('Neg', [b.node('Add', [x, b.vector('dead', 2)])]);
    b.vector('nobody', 2);
    b.output(b.node('Add', [x, b.vector('live', 2)], {}, { outputs: ['y'] }));
    const model = imported(b);
    expect(removeDeadCode(model.graph)).toEqual({ nodes: 2, initializers: 2 });
    expect(operators(model)).toEqual(['Add']);
    expect(initializers(model)).toEqual(['live']);
    // The signature stays.
    expect(model.graph.inputs.map((value) => value.name)).toEqual(['x', 'unread']);
    checkGraph(model.graph);
    expect(removeDeadCode(model.graph)).toEqual({ nodes: 0, initializers: 0 });
  });

  test('but not what a body captures, directly or through a body inside it', () => {
    const b = new ModelBuilder();
    const captured = b.node('Relu', [b.input('x', 'float32', [2])], {}, { outputs: ['captured'] });
    const flag = b.input('flag', 'bool', []);
    const inner = b.subgraph();
    inner.output(inner.node('Add', [captured, b.vector('w', 2)]), 'float32');
    const other = b.subgraph();
    other.output(captured, 'float32');
    const outer = b.subgraph();
    outer.output(outer.node('If', [flag], { then_branch: { graph: inner }, else_branch: { graph: other } }), 'float32');
    const last = b.subgraph();
    last.output(last.node('Neg', [captured]), 'float32');
    b.output(b.node('If', [flag], { then_branch: { graph: outer }, else_branch: { graph: last } }, { outputs: ['y'] }));
    const model = imported(b);
    expect(removeDeadCode(model.graph)).toEqual({ nodes: 0, initializers: 0 });
    expect(operators(model)).toEqual(['Relu', 'If']);
  });

  test('what only a dead body captured goes with it', () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2]);
    const captured = b.node('Relu', [x]);
    const body = b.subgraph();
    body.output(body.node('Add', [captured, b.vector('w', 2)]), 'float32');
    b.node('If', [b.input('flag', 'bool', [])], { then_branch: { graph: body }, else_branch: { graph: body } });
    b.output(b.node('Neg', [x], {}, { outputs: ['y'] }));
    const model = imported(b);
    expect(removeDeadCode(model.graph)).toEqual({ nodes: 2, initializers: 1 });
    checkGraph(model.graph);
  });

  test('initializers that are graph outputs, or listed as inputs, are treated as such', () => {
    const b = new ModelBuilder({ irVersion: 3, opset: 7, initializersAsInputs: true });
    const x = b.input('x', 'float32', [2]);
    b.vector('dead', 2);
    b.output(b.vector('constant', 2), 'float32', [2]);
    b.output(b.node('Neg', [x], {}, { outputs: ['y'] }));
    const model = imported(b);
    expect(removeDeadCode(model.graph)).toEqual({ nodes: 0, initializers: 1 });
    expect(model.graph.inputs.map((value) => value.name)).toEqual(['x', 'constant']);
  });
});
