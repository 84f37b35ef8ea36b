import { describe, expect, test } from 'vitest';
import { type Binding, bindingsOf, boundType, innerDim } from '../../src/ir/bindings.ts';
import { importModel } from '../../src/ir/model.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';

/** The bindings of the one node of a model, as `way: from → to @turns`. */
function bindings(b: ModelBuilder): string[] | undefined {
  const { graph } = importModel(decodeModel(b.bytes()));
  const [node] = graph.nodes;
  const found = node && bindingsOf(node);
  return found?.map(
    ({ way, from, to, turns }) => `${way}: ${from.name} → ${to.name}${turns === undefined ? '' : ` @${turns}`}`,
  );
}

const name = (...outputs: readonly string[]): { outputs: readonly string[] } => ({ outputs });

function branches(): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N']);
  const [yes, no] = [b.subgraph(), b.subgraph()];
  yes.output(yes.node('Relu', [x], {}, name('yes')));
  no.output(no.node('Neg', [x], {}, name('no')));
  const graphs = { then_branch: { graph: yes }, else_branch: { graph: no } };
  b.output(b.node('If', [b.input('flag', 'bool', [])], graphs, name('y')));
  return b;
}

/** Two carried tensors, and one that every turn gives out. */
function loop(inputs: readonly string[]): ModelBuilder {
  const b = new ModelBuilder();
  for (const each of ['trips', 'going', 'a', 'b']) b.input(each, 'float32', ['N']);
  const body = b.subgraph();
  for (const each of ['turn', 'on', 'a0', 'b0']) body.input(each);
  const outputs = { on1: 'on', a1: 'b0', b1: 'a0', row: 'a0' };
  for (const [to, from] of Object.entries(outputs)) body.output(body.node('Identity', [from], {}, name(to)));
  b.nodes('Loop', inputs, 3, { body: { graph: body } }, name('a2', 'b2', 'rows'));
  b.output('rows');
  return b;
}

/** One state and two scanned tensors of rank 3. */
function scan(attributes: Readonly<Record<string, readonly number[]>>, options: ModelOptions = {}): ModelBuilder {
  const b = new ModelBuilder(options);
  b.input('state', 'float32', [4]);
  for (const each of ['x', 'z']) b.input(each, 'float32', [2, 5, 4]);
  const body = b.subgraph();
  for (const each of ['s0', 'x0', 'z0']) body.input(each, 'float32', each === 's0' ? [4] : [2, 4]);
  body.output(body.node('Identity', ['s0'], {}, name('s1')), 'float32', [4]);
  body.output(body.node('Add', ['x0', 'z0'], {}, name('y0')), 'float32', [2, 4]);
  const inputs = options.opset === 8 ? ['', 'state', 'x', 'z'] : ['state', 'x', 'z'];
  b.nodes('Scan', inputs, 2, { body: { graph: body }, num_scan_inputs: 2, ...attributes }, name('s2', 'y'));
  b.output('y');
  return b;
}

describe('tensors pass', () => {
  test('out of the branches of an If, by their order', () => {
    expect(bindings(branches())).toEqual(['out: yes → y', 'out: no → y']);
  });

  test('into a Loop behind trip count and condition, round, and out', () => {
    expect(bindings(loop(['trips', 'going', 'a', 'b']))).toEqual([
      'in: a → a0',
      'next: a1 → a0',
      'out: a1 → a2',
      'in: b → b0',
      'next: b1 → b0',
      'out: b1 → b2',
      'out: row → rows @0',
    ]);
    expect(bindings(loop(['', '', 'a', 'b']))).toContain('in: b → b0');
  });

  test('through a Scan along the first axis', () => {
    expect(bindings(scan({}))).toEqual([
      'in: state → s0',
      'next: s1 → s0',
      'out: s1 → s2',
      'in: x → x0 @0',
      'in: z → z0 @0',
      'out: y0 → y @0',
    ]);
  });

  test.each([
    [{ scan_input_axes: [1, 2] }, ['in: x → x0 @1', 'in: z → z0 @2', 'out: y0 → y @0']],
    [{ scan_input_axes: [-1, -3] }, ['in: x → x0 @2', 'in: z → z0 @0', 'out: y0 → y @0']],
    [{ scan_output_axes: [1] }, ['in: x → x0 @0', 'in: z → z0 @0', 'out: y0 → y @1']],
    // Negative axes of an output count in the tensor that comes out, which has one axis more than that of a turn.
    [{ scan_output_axes: [-1] }, ['in: x → x0 @0', 'in: z → z0 @0', 'out: y0 → y @2']],
    [{ scan_output_axes: [-3] }, ['in: x → x0 @0', 'in: z → z0 @0', 'out: y0 → y @0']],
  ])('through a Scan along %j', (attributes, expected) => {
    expect(bindings(scan(attributes))?.slice(3)).toEqual(expected);
  });

  test('in ways that are not known at Scan of opset 8 and at operators of other domains', () => {
    expect(bindings(scan({}, { opset: 8 }))).toBeUndefined();
    const b = new ModelBuilder({ domains: { own: 1 } });
    const body = b.subgraph();
    body.output(body.node('Identity', [b.input('x')]));
    b.output(b.node('If', ['x'], { then_branch: { graph: body } }, { domain: 'own' }));
    expect(bindings(b)).toBeUndefined();
    const plain = new ModelBuilder();
    plain.output(plain.node('Relu', [plain.input('x')]));
    expect(bindings(plain)).toBeUndefined();
  });
});

describe('an axis along which the turns go', () => {
  const binding = (way: Binding['way'], turns?: number): Binding => {
    const [from, to] = importModel(decodeModel(branches().bytes())).graph.inputs;
    if (from === undefined || to === undefined) throw new Error('two inputs');
    return { way, from, to, ...(turns !== undefined && { turns }) };
  };

  test.each([
    [undefined, [0, 1, 2]],
    [0, [-1, 0, 1]],
    [1, [0, -1, 1]],
    [2, [0, 1, -1]],
  ])('%s leaves the others in order', (turns, inner) => {
    expect([0, 1, 2].map((dim) => innerDim(binding('in', turns), dim))).toEqual(inner);
  });

  test('goes on the way in, and comes with an unknown length on the way out', () => {
    const type = { type: 'float32', dims: ['N', 5, 4] } as const;
    expect(boundType(binding('in', 1), type)).toEqual({ type: 'float32', dims: ['N', 4] });
    expect(boundType(binding('out', 1), type)).toEqual({ type: 'float32', dims: ['N', undefined, 5, 4] });
    expect(boundType(binding('out', 3), type).dims).toEqual(['N', 5, 4, undefined]);
    expect(boundType(binding('next'), type)).toEqual(type);
    expect(boundType(binding('in', 1), { type: 'float32' })).toEqual({ type: 'float32' });
  });
});
