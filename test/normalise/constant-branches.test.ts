import { afterAll, describe, expect, test } from 'vitest';
import { checkGraph } from '../../src/ir/check.ts';
import { exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { nodesIn } from '../../src/ir/node.ts';
import { inlineBranches } from '../../src/normalise/constant-branches.ts';
import { distinctNames } from '../../src/normalise/distinct-names.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { compare, makeInputs, modelInfo, RuntimeChild, run } from '../../src/runtime/index.ts';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

type Branch = (body: GraphBuilder) => readonly string[];

function branches(b: GraphBuilder, yes: Branch, no: Branch): Record<string, { graph: GraphBuilder }> {
  const [then_branch, else_branch] = [yes, no].map((make) => {
    const graph = b.subgraph();
    for (const each of make(graph)) graph.output(each, 'float32');
    return { graph };
  });
  if (then_branch === undefined || else_branch === undefined) throw new Error('two branches');
  return { then_branch, else_branch };
}

/** x [N, 4] → Tanh "before" → If of a constant → Relu → y. */
function net(condition: boolean, yes: Branch, no: Branch, outputs = 1): ModelBuilder {
  const b = new ModelBuilder();
  b.node('Tanh', [b.input('x', 'float32', ['N', 4])], {}, { outputs: ['before'] });
  const flag = b.constant('flag', 'bool', [], [condition ? 1 : 0]);
  b.nodes('If', [flag], outputs, branches(b, yes, no)).forEach((each, i) => {
    b.output(b.node('Relu', [each], {}, { outputs: [`y${i}`] }), 'float32');
  });
  return b;
}

/** Puts branches in place; the model gives what it gave. */
async function inlined(b: ModelBuilder): Promise<Model> {
  const before = b.bytes();
  const model = importModel(decodeModel(before));
  expect(inlineBranches(model.graph)).toBe(true);
  checkGraph(model.graph, 'inlining');
  const after = encodeModel(exportModel(model));
  const { inputs } = await modelInfo(child, before);
  const feeds = [1, 2].map((seed) => makeInputs(inputs, { seed, batch: 3, dims: new Map() }));
  const plain = { optimization: 'disabled' } as const;
  const { outputs } = await compare(child, before, after, feeds, { a: plain, b: plain });
  for (const output of outputs) expect(output).toMatchObject({ problem: undefined, identical: true });
  return model;
}

const operators = ({ graph }: Model): string[] => nodesIn(graph).map(({ opType }) => opType);
const square: Branch = (body) => [body.node('MatMul', ['before', body.weight('w', [4, 4])])];
const neg: Branch = (body) => [body.node('Neg', ['before'])];

describe('an If whose condition is a constant', () => {
  test.each([
    [true, ['Tanh', 'MatMul', 'Relu']],
    [false, ['Tanh', 'Neg', 'Relu']],
  ])('%s gives way to the branch that is taken', async (condition, expected) => {
    const model = await inlined(net(condition, square, neg));
    expect(operators(model).sort()).toEqual([...expected].sort());
    // Nothing of the other branch reads anything any more.
    const before = [...model.graph.values].find(({ name }) => name === 'before');
    expect(before?.uses.size).toBe(1);
  });

  test('may give one result twice, and constants', async () => {
    const twice: Branch = (body) => {
      const sum = body.node('Add', ['before', 'before']);
      return [sum, sum, body.vector('constant', 4)];
    };
    const other: Branch = (body) => ['Abs', 'Neg', 'Exp'].map((opType) => body.node(opType, ['before']));
    const b = net(true, twice, other, 3);
    const model = importModel(decodeModel(b.bytes()));
    inlineBranches(model.graph);
    checkGraph(model.graph, 'inlining');
    expect(operators(model).filter((opType) => opType === 'Identity')).toHaveLength(2);
    // onnxruntime cannot run the file itself, so that the truth is worked out here.
    const x = { type: 'float32' as const, dims: [1, 4], data: Float32Array.of(-1, 0.5, 0, 2) };
    const { y0, y1, y2 } = await run(child, encodeModel(exportModel(model)), { x });
    const doubled = Array.from(x.data, (each) => expect.closeTo(Math.max(0, 2 * Math.tanh(each)), 5));
    expect([...(y0?.data ?? [])]).toEqual(doubled);
    expect([...(y1?.data ?? [])]).toEqual(doubled);
    const given = [...model.graph.initializers].find(({ name }) => name.startsWith('constant'))?.tensor?.floats();
    expect([...(y2?.data ?? [])]).toEqual(Array.from(given ?? [], (each) => Math.max(0, each)));
  });

  test('may give a result that it reads on', async () => {
    const chain: Branch = (body) => {
      const first = body.node('Sigmoid', ['before']);
      return [first, body.node('Mul', [first, first])];
    };
    const other: Branch = (body) => [body.node('Neg', ['before']), body.node('Abs', ['before'])];
    expect(operators(await inlined(net(true, chain, other, 2)))).not.toContain('Identity');
  });

  test('gives its results to the graph under their names', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const flag = b.constant('flag', 'bool', [1], [1]);
    const graphs = branches(
      b,
      (body) => [body.node('Neg', [x])],
      (body) => [body.node('Abs', [x])],
    );
    b.output(b.node('If', [flag], graphs, { outputs: ['result'] }), 'float32', ['N', 4]);
    const model = await inlined(b);
    expect(model.graph.outputs.map(({ name }) => name)).toEqual(['result']);
  });

  test('gives way inside the branches of others, taken or open', async () => {
    const inner: Branch = (body) => {
      const flag = body.constant('inner_flag', 'bool', [], [0]);
      return [body.node('If', [flag], branches(body, square, neg))];
    };
    expect(operators(await inlined(net(true, inner, square)))).toEqual(expect.not.arrayContaining(['If', 'MatMul']));
    const b = new ModelBuilder();
    b.node('Tanh', [b.input('x', 'float32', ['N', 4])], {}, { outputs: ['before'] });
    const graphs = branches(b, inner, square);
    b.output(b.node('If', [b.input('open', 'bool', [])], graphs, { outputs: ['y'] }), 'float32');
    expect(operators(await inlined(b)).filter((opType) => opType === 'If')).toHaveLength(1);
  });

  test('takes bodies along that read what it makes', async () => {
    const withBody: Branch = (body) => {
      const made = body.node('MatMul', ['before', body.weight('w', [4, 4])]);
      const open = body.node('Greater', [
        body.node('ReduceSum', ['before'], { keepdims: 0 }),
        body.constant('nought', 'float32', [], [0]),
      ]);
      const yes: Branch = (inner) => [inner.node('Mul', [made, inner.vector('v', 4)])];
      return [
        body.node(
          'If',
          [open],
          branches(body, yes, (inner) => [inner.node('Abs', [made])]),
        ),
      ];
    };
    expect(operators(await inlined(net(true, withBody, neg))).filter((opType) => opType === 'If')).toHaveLength(1);
  });

  test('takes branches whose names are alike, one after another', async () => {
    const b = new ModelBuilder();
    b.node('Tanh', [b.input('x', 'float32', ['N', 4])], {}, { outputs: ['before'] });
    for (const i of [0, 1]) {
      const flag = b.constant(`flag${i}`, 'bool', [], [i]);
      const make: Branch = (body) => [
        body.node('MatMul', ['before', body.weight('w', [4, 4])], {}, { name: 'same', outputs: ['alike'] }),
      ];
      b.output(b.node('If', [flag], branches(b, make, make), { outputs: [`y${i}`] }), 'float32');
    }
    const model = await inlined(b);
    expect(operators(model).filter((opType) => opType === 'MatMul')).toHaveLength(2);
  });

  test('that is none stays, whatever the operator is called', () => {
    const b = new ModelBuilder({ domains: { own: 1 } });
    b.node('Tanh', [b.input('x', 'float32', ['N', 4])], {}, { outputs: ['before'] });
    b.output(b.node('If', [b.input('open', 'bool', [])], branches(b, square, neg)), 'float32');
    const flag = b.constant('flag', 'bool', [], [1]);
    b.output(b.node('If', [flag], branches(b, neg, neg), { domain: 'own' }), 'float32');
    expect(inlineBranches(importModel(decodeModel(b.bytes())).graph)).toBe(false);
  });
});

describe('weights of bodies', () => {
  const alike = (body: GraphBuilder): readonly string[] => [
    body.node('MatMul', [body.node('MatMul', ['before', body.weight('w', [4, 6])]), body.weight('v', [6, 4])]),
  ];

  test('that are named alike get names of their own, and each goes on reading its own', async () => {
    const b = new ModelBuilder();
    b.node('Tanh', [b.input('x', 'float32', ['N', 4])], {}, { outputs: ['before'] });
    b.output(b.node('If', [b.input('open', 'bool', [])], branches(b, alike, alike), { outputs: ['y'] }), 'float32');
    const before = b.bytes();
    const model = importModel(decodeModel(before));
    distinctNames(model.graph);
    checkGraph(model.graph, 'naming');
    const names = nodesIn(model.graph).flatMap(({ inputs }) =>
      inputs.flatMap((each) => (each?.tensor ? [each.name] : [])),
    );
    expect(names).toEqual(['w', 'v', 'w_1', 'v_1']);
    const { inputs } = await modelInfo(child, before);
    const feeds = [0, 1].map((open) => ({
      ...makeInputs(inputs, { seed: 1, batch: 3, dims: new Map() }),
      open: { type: 'bool' as const, dims: [], data: Uint8Array.of(open) },
    }));
    const { outputs } = await compare(child, before, encodeModel(exportModel(model)), feeds);
    expect(outputs).toMatchObject([{ identical: true }]);
  });

  test('that are named apart keep their names, and so do results of bodies', () => {
    const b = new ModelBuilder();
    b.node('Tanh', [b.input('x', 'float32', ['N', 4])], {}, { outputs: ['before'] });
    const given: Branch = (body) => [body.vector('given', 4)];
    b.output(b.node('If', [b.input('open', 'bool', [])], branches(b, given, given), { outputs: ['y'] }), 'float32');
    const model = importModel(decodeModel(b.bytes()));
    distinctNames(model.graph);
    expect(encodeModel(exportModel(model))).toEqual(encodeModel(exportModel(importModel(decodeModel(b.bytes())))));
  });
});
