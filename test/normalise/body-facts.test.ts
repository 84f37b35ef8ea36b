import { afterAll, describe, expect, test } from 'vitest';
import { importModel } from '../../src/ir/model.ts';
import { graphsIn } from '../../src/ir/node.ts';
import { type Dim, dimsOf } from '../../src/ir/value.ts';
import { inferBodies } from '../../src/normalise/body-facts.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** The dims of every value by name, bodies included, after the model was brought into normal form. */
async function dimsIn(b: ModelBuilder): Promise<Record<string, readonly Dim[] | undefined>> {
  const model = importModel(decodeModel(b.bytes()));
  await normalise(model, createEngine(child));
  const values = graphsIn(model.graph).flatMap((graph) => [...graph.values]);
  return Object.fromEntries(values.map((value) => [value.name, dimsOf(value)]));
}

type Turn = (body: GraphBuilder, carried: readonly string[]) => readonly string[];

const named = (name: string): { outputs: readonly string[] } => ({ outputs: [name] });

/** Carries tensors `c0`, `c1`, … through turns whose number is an input; they come out as `out0`, … . */
function loop(b: GraphBuilder, starts: readonly string[], turn: Turn, prefix = ''): string[] {
  const body = b.subgraph();
  body.input(`${prefix}turn`, 'int64', []);
  body.input(`${prefix}going`, 'bool', []);
  const carried = starts.map((_, i) => body.input(`${prefix}c${i}`, 'float32'));
  const results = turn(body, carried);
  body.output(body.node('Identity', [`${prefix}going`]), 'bool', []);
  for (const each of results) body.output(each, 'float32');
  const outputs = results.map((_, i) => `${prefix}out${i}`);
  return b.nodes('Loop', ['trips', '', ...starts], outputs.length, { body: { graph: body } }, { outputs });
}

/** x [N, 8] and the number of trips, around the loop; what comes out is given out. */
function net(turn: Turn, starts = 1): ModelBuilder {
  const b = new ModelBuilder();
  b.input('trips', 'int64', []);
  const x = b.input('x', 'float32', ['N', 8]);
  const given = Array.from({ length: starts }, () => b.node('Tanh', [x]));
  for (const out of loop(b, given, turn)) b.output(b.node('Relu', [out], {}, named(`y_${out}`)), 'float32');
  return b;
}

const step = (body: GraphBuilder, x: string, name: string): string => body.node('Sigmoid', [x], {}, named(name));

describe('dims inside a Loop', { timeout: 30_000 }, () => {
  test('of a tensor that every turn keeps are those that it starts with', async () => {
    const dims = await dimsIn(net((body, [c = '']) => [step(body, c, 'inside')]));
    expect(dims).toMatchObject({ c0: ['N', 8], inside: ['N', 8], out0: ['N', 8], y_out0: ['N', 8] });
  });

  test('of a tensor that grows along one axis are open along that one', async () => {
    const dims = await dimsIn(net((body, [c = '']) => [body.node('Concat', [c, c], { axis: 1 }, named('grown'))]));
    expect(dims['c0']).toEqual(['N', undefined]);
    expect(dims['grown']?.[0]).toBe('N');
    expect(typeof dims['grown']?.[1]).not.toBe('number');
    expect(typeof dims['out0']?.[1]).not.toBe('number');
  });

  test('of tensors that change places follow both', async () => {
    const swapped = await dimsIn(net((body, [a = '', b = '']) => [step(body, b, 'one'), step(body, a, 'other')], 2));
    expect(swapped).toMatchObject({ c0: ['N', 8], c1: ['N', 8], out0: ['N', 8], out1: ['N', 8] });
    const grown = await dimsIn(
      net(
        (body, [a = '', b = '']) => [step(body, b, 'one'), body.node('Concat', [a, a], { axis: 1 }, named('two'))],
        2,
      ),
    );
    // What grows in one turn is the other in the next.
    for (const name of ['c0', 'c1', 'out0', 'out1']) expect(typeof grown[name]?.[1], name).not.toBe('number');
    for (const name of ['c0', 'c1']) expect(grown[name]?.[0], name).toBe('N');
  });

  test('of a tensor of another length after the first turn are open', async () => {
    const dims = await dimsIn(
      net((body, [c = '']) => {
        const sum = body.node('ReduceMean', [c], { axes: [1], keepdims: 1 });
        return [body.node('Add', [sum, body.vector('four', 4)], {}, named('narrow'))];
      }),
    );
    expect(dims).toMatchObject({ c0: ['N', undefined], narrow: ['N', 4] });
    // After no turn at all it is still 8 long.
    expect(dims['out0']).not.toEqual(['N', 4]);
  });

  test('of what every turn gives out stand behind the axis of turns', async () => {
    const dims = await dimsIn(
      net((body, [c = '']) => [step(body, c, 'kept'), body.node('Abs', [c], {}, named('row'))]),
    );
    expect(dims['out1']?.slice(1)).toEqual(['N', 8]);
    expect(typeof dims['out1']?.[0]).not.toBe('number');
  });

  test('of a Loop inside a Loop are those of the outer one', async () => {
    const dims = await dimsIn(
      net((body, [c = '']) => loop(body, [c], (inner, [d = '']) => [step(inner, d, 'deep')], 'inner_')),
    );
    expect(dims).toMatchObject({
      c0: ['N', 8],
      inner_c0: ['N', 8],
      deep: ['N', 8],
      inner_out0: ['N', 8],
      out0: ['N', 8],
    });
  });

  test('of a Loop inside a Loop that grows are open in both', async () => {
    const dims = await dimsIn(
      net((body, [c = '']) =>
        loop(body, [c], (inner, [d = '']) => [inner.node('Concat', [d, d], { axis: 1 }, named('deep'))], 'inner_'),
      ),
    );
    for (const name of ['c0', 'inner_c0', 'deep', 'out0']) {
      expect(dims[name]?.[0], name).toBe('N');
      expect(typeof dims[name]?.[1], name).not.toBe('number');
    }
  });
});

describe('dims inside an If', { timeout: 30_000 }, () => {
  /** The branches make this of x [N, 8]. */
  const either = (yes: (b: GraphBuilder) => string, no: (b: GraphBuilder) => string): ModelBuilder => {
    const b = new ModelBuilder();
    b.input('x', 'float32', ['N', 8]);
    const [then_branch, else_branch] = [b.subgraph(), b.subgraph()];
    then_branch.output(yes(then_branch), 'float32');
    else_branch.output(no(else_branch), 'float32');
    const graphs = { then_branch: { graph: then_branch }, else_branch: { graph: else_branch } };
    const out = b.node('If', [b.input('flag', 'bool', [])], graphs, named('out'));
    b.output(b.node('Relu', [out], {}, named('y')), 'float32');
    return b;
  };

  test('are known outside where the branches agree', async () => {
    const dims = await dimsIn(
      either(
        (b) => step(b, 'x', 'yes'),
        (b) => b.node('Neg', ['x'], {}, named('no')),
      ),
    );
    expect(dims).toMatchObject({ yes: ['N', 8], no: ['N', 8], out: ['N', 8] });
  });

  test('are open outside along axes where the branches differ', async () => {
    const wide = (b: GraphBuilder): string => b.node('Concat', ['x', 'x'], { axis: 1 }, named('wide'));
    const dims = await dimsIn(either((b) => step(b, 'x', 'yes'), wide));
    expect(dims).toMatchObject({ yes: ['N', 8], wide: ['N', 16] });
    expect(dims['out']?.[0] ?? 'N').toBe('N');
    expect(typeof dims['out']?.[1]).not.toBe('number');
  });

  test('say nothing outside where the ranks differ', async () => {
    const flat = (b: GraphBuilder): string => b.node('ReduceSum', ['x'], { keepdims: 0 }, named('number'));
    const dims = await dimsIn(either((b) => step(b, 'x', 'yes'), flat));
    expect(dims).toMatchObject({ yes: ['N', 8], number: [] });
    expect(dims['out']).toBeUndefined();
  });
});

test('nothing is asked where there is no body', async () => {
  const b = new ModelBuilder();
  b.output(b.node('Relu', [b.input('x', 'float32', ['N'])]), 'float32');
  const model = importModel(decodeModel(b.bytes()));
  const oracle = { inferShapes: () => Promise.reject(new Error('nobody should ask')) };
  expect(await inferBodies(model, model.graph, oracle)).toBe(false);
});
