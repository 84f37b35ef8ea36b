import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { extractModel } from '../../src/ir/extract.ts';
import { exportModel } from '../../src/ir/model.ts';
import { encodeModel } from '../../src/onnx/codec.ts';
import { RuntimeChild, run } from '../../src/runtime/index.ts';
import { buildNet, problems } from '../ops/generated-net.ts';
import { floats } from '../runtime/models.ts';
import { type GraphBuilder, ModelBuilder, type ModelOptions } from '../support/build.ts';
import { canBeFed, inputsOf, normalised, Observed, valueNamed } from '../support/model-parts.ts';
import { createRandom } from '../support/random.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

async function observed(b: ModelBuilder): Promise<Observed> {
  const model = await normalised(b.bytes(), child);
  return Observed.of(model, child, inputsOf(model, 1));
}

/** `source` doubled, tripled and added up in a body of each kind, which read what is around them. */
const BODIES: Readonly<Record<string, (b: ModelBuilder, x: string, outer: string) => string>> = {
  If: (b, x, outer) => {
    const branch = (opType: string): { graph: GraphBuilder } => {
      const body = b.subgraph();
      body.output(body.node(opType, [outer, body.weight(`in_${opType}`, [3])]), 'float32');
      return { graph: body };
    };
    const flag = b.node('Greater', [b.node('ReduceSum', [x], { keepdims: 0 }), b.constant('zero', 'float32', [], [0])]);
    return b.node('If', [flag], { then_branch: branch('Mul'), else_branch: branch('Add') });
  },
  Loop: (b, x, outer) => {
    const body = b.subgraph();
    body.input('turn', 'int64', []);
    body.input('going', 'bool', []);
    body.input('carried', 'float32', ['N', 3]);
    body.output(body.node('Identity', ['going']), 'bool');
    body.output(body.node('Add', ['carried', outer]), 'float32');
    return b.node('Loop', [b.constant('turns', 'int64', [], [3]), '', x], { body: { graph: body } });
  },
  Scan: (b, x, outer) => {
    const body = b.subgraph();
    body.input('row', 'float32', [3]);
    body.output(body.node('Sub', ['row', body.node('ReduceMax', [outer], { axes: [0], keepdims: 0 })]), 'float32');
    return b.node('Scan', [x], { body: { graph: body }, num_scan_inputs: 1 });
  },
};

/** x [N, 3] → first, second → … */
function start(options: ModelOptions = {}): { b: ModelBuilder; first: string; second: string } {
  const b = new ModelBuilder(options);
  const x = b.input('x', 'float32', ['N', 3]);
  const first = b.node('Gemm', [x, b.weight('w', [3, 3])], {}, { outputs: ['first'] });
  const second = b.node('Tanh', [first], {}, { outputs: ['second'] });
  return { b, first, second };
}

describe('a part of a model', { timeout: 60_000 }, () => {
  test('computes what the whole computes, whatever is given', async () => {
    let parts = 0;
    const property = fc.asyncProperty(problems, fc.nat({ max: 99999 }), async (problem, seed) => {
      const model = await normalised(buildNet(problem), child);
      const whole = await Observed.of(model, child, inputsOf(model, seed));
      const random = createRandom(seed);
      const values = [...model.graph.values].filter((value) => value.producer !== undefined && canBeFed(value));
      const given = new Set(values.filter(() => random.uniform() < 0.2));
      const wanted = values.filter((value) => !given.has(value) && random.uniform() < 0.3);
      if (wanted.length === 0) return;
      const { inputs } = await whole.expectPart(given, wanted);
      for (const value of inputs) expect(given.has(value) || model.graph.inputs.includes(value)).toBe(true);
      parts++;
    });
    await fc.assert(property, { numRuns: 40, seed: 1 });
    expect(parts).toBeGreaterThan(20);
  });

  test('has no more nodes and inputs than it takes, and shares the weights', async () => {
    const { b, second } = start();
    b.node('Gemm', [second, b.weight('v', [3, 3])], {}, { outputs: ['third'] });
    b.output(b.node('Relu', ['third'], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
    const whole = await observed(b);
    const [first, third, y] = ['first', 'third', 'y'].map((name) => valueNamed(whole.model, name));
    if (first === undefined || third === undefined || y === undefined) return expect.fail();
    const part = await whole.expectPart(new Set([first]), [third]);
    expect([...part.model.graph.nodes].map(({ opType }) => opType)).toEqual(['Tanh', 'Gemm']);
    expect(part.inputs).toEqual([first]);
    expect(part.twinOf(valueNamed(whole.model, 'v')).tensor).toBe(valueNamed(whole.model, 'v').tensor);
    // What is given in the middle of the way to another given value is not read.
    const late = await whole.expectPart(new Set([first, third]), [y]);
    expect(late.inputs).toEqual([third]);
    expect([...whole.model.graph.nodes]).toHaveLength(4);
  });

  test.each(Object.keys(BODIES))('takes along what the body of %s reads', async (kind) => {
    for (const names of [[], ['first'], ['second'], ['first', 'second']]) {
      const { b, first, second } = start({ opset: 17 });
      b.output(b.node('Relu', [BODIES[kind]?.(b, first, second) ?? ''], {}, { outputs: ['y'] }), 'float32');
      const whole = await observed(b);
      const given = new Set(names.map((name) => valueNamed(whole.model, name)));
      const { inputs } = await whole.expectPart(given, [valueNamed(whole.model, 'y')]);
      expect(inputs.map(({ name }) => name)).toEqual(
        names.length === 0 ? ['x'] : names.length === 2 ? expect.arrayContaining(names) : expect.arrayContaining([]),
      );
    }
  });

  test.each([
    ['before', ['first', 'second']],
    ['after', ['second', 'first']],
  ])('makes one output of a node whose other one is given, read %s it', async (_, order) => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    b.nodes('Split', [x], 2, { axis: 1 }, { outputs: ['first', 'second'] });
    b.node('Relu', ['first'], {}, { outputs: ['a'] });
    b.node('Tanh', ['second'], {}, { outputs: ['c'] });
    b.output(
      b.node(
        'Concat',
        order.map((name) => (name === 'first' ? 'a' : 'c')),
        { axis: 1 },
        { outputs: ['y'] },
      ),
      'float32',
    );
    const whole = await observed(b);
    for (const name of ['first', 'second']) {
      const { inputs } = await whole.expectPart(new Set([valueNamed(whole.model, name)]), [
        valueNamed(whole.model, 'y'),
      ]);
      expect(new Set(inputs.map((value) => value.name))).toEqual(new Set(['x', name]));
    }
  });

  test('keeps the initializers of a file that lists them as inputs constants', async () => {
    const b = new ModelBuilder({ irVersion: 3, opset: 8, initializersAsInputs: true });
    const second = b.node('MatMul', [b.input('x', 'float32', ['N', 3]), b.weight('w', [3, 3])]);
    b.output(b.node('MatMul', [second, b.weight('v', [3, 3])], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
    const whole = await observed(b);
    const { inputs } = await whole.expectPart(new Set(), [valueNamed(whole.model, 'y')]);
    expect(inputs.map(({ name }) => name)).toEqual(['x']);
  });

  test('gives an input of the whole as it is', async () => {
    const { b, second } = start();
    b.output(b.node('Identity', [second], {}, { outputs: ['y'] }), 'float32');
    const { model } = await observed(b);
    const [x, first] = [valueNamed(model, 'x'), valueNamed(model, 'first')];
    const part = extractModel(model, new Set(), [x, first]);
    part.model.graph.addOutput(part.twinOf(first));
    expect(part.inputs).toEqual([x]);
    const found = await run(child, encodeModel(exportModel(part.model)), { x: floats([1, 3], [1, 2, 3]) });
    expect(Object.keys(found)).toEqual(['first']);
  });
});
