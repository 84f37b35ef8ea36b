import { afterAll, describe, expect, test } from 'vitest';
import { labelOf, type Node } from '../../../src/ir/node.ts';
import { ruleOf } from '../../../src/ops/rules.ts';
import { placeIntegers } from '../../../src/quantize/static/place.ts';
import { RuntimeChild } from '../../../src/runtime/index.ts';
import { normalised } from '../../support/model-parts.ts';
import { NamedNet } from './nets.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

const C = [8, 8, 3, 3];
const ONE = [8, 8, 1, 1];

/** A placement, by names. */
interface Placed {
  /** Nodes on integers. */
  readonly nodes: readonly string[];
  /** Values, and who reads what comes back of them. */
  readonly values: Readonly<Record<string, 'all' | readonly string[]>>;
  /** Values that have one scale together, where there are several. */
  readonly shared: readonly (readonly string[])[];
  readonly limits: Readonly<Record<string, readonly [number, number]>>;
  readonly floats: Readonly<Record<string, string>>;
}

async function place(
  make: (net: NamedNet) => string | readonly string[],
  {
    whyFloat = () => undefined,
    net = new NamedNet(),
  }: { whyFloat?: (node: Node) => string | undefined; net?: NamedNet } = {},
): Promise<Placed> {
  net.give(...[make(net)].flat());
  const { graph } = await normalised(net.bytes(), child);
  const { nodes, values, floats } = placeIntegers(graph, ruleOf, whyFloat);
  const classes = new Map<number, string[]>();
  for (const { value, sharing } of values) classes.set(sharing, [...(classes.get(sharing) ?? []), value.name]);
  return {
    nodes: [...nodes.keys()].map(labelOf),
    values: Object.fromEntries(
      values.map(({ value, readers }) => [value.name, readers === 'all' ? 'all' : readers.map(labelOf)]),
    ),
    shared: [...classes.values()].filter(({ length }) => length > 1),
    limits: Object.fromEntries(
      values.flatMap(({ value, limits }) => (limits ? [[value.name, [limits.least, limits.most] as const]] : [])),
    ),
    floats: Object.fromEntries([...floats].map(([node, reason]) => [labelOf(node), reason])),
  };
}

describe('values between layers', { timeout: 30_000 }, () => {
  test('are quantized behind the Relu that limits them, and not before it', async () => {
    const placed = await place((n) => n.conv('b', n.named('Relu', 'r', [n.conv('a', n.image(), C)]), C));
    expect(placed).toEqual({
      nodes: ['a', 'b'],
      values: { x: ['a'], r_y: 'all', b_y: 'all' },
      shared: [],
      limits: { r_y: [0, Number.POSITIVE_INFINITY] },
      floats: {},
    });
  });

  test.each([
    { least: 0, most: 6, taken: true },
    { least: -1, most: 1, taken: true },
    { least: 1, most: 6, taken: false },
    { least: -6, most: -1, taken: false },
  ])('take a Clip from $least to $most along: $taken', async ({ least, most, taken }) => {
    const placed = await place((n) => {
      const inputs = [n.conv('a', n.image(), C), n.scalar('least', least), n.scalar('most', most)];
      return n.conv('b', n.named('Clip', 'clip', inputs), C);
    });
    expect(placed.limits).toEqual(taken ? { clip_y: [least, most] } : {});
    // A Clip that cuts zero off is a node of its own, in float.
    expect(placed.values).toEqual(
      taken ? { x: ['a'], clip_y: 'all', b_y: 'all' } : { x: ['a'], a_y: 'all', clip_y: ['b'], b_y: 'all' },
    );
  });

  test('are quantized before a Relu that is not all that reads them', async () => {
    const placed = await place((n) => {
      const a = n.conv('a', n.image(), C);
      return n.conv('c', n.named('Add', 'add', [a, n.conv('b', n.named('Relu', 'r', [a]), C)]), C);
    });
    expect(placed.nodes).toEqual(['a', 'b', 'add', 'c']);
    expect(placed.values).toEqual({ x: ['a'], a_y: 'all', r_y: ['b'], b_y: 'all', add_y: 'all', c_y: 'all' });
    expect(placed.limits).toEqual({});
  });

  test('that integers are made for are read back by all, and so are sums of them', async () => {
    const placed = await place((n) => {
      const a = n.conv('a', n.image(), C);
      const sum = n.named('Add', 'add', [a, n.conv('b', a, C)]);
      return [n.conv('c', n.named('Relu', 'r', [sum]), C), n.named('Tanh', 'tanh', [a])];
    });
    expect(placed.values).toEqual({ x: ['a'], a_y: 'all', b_y: 'all', r_y: 'all', c_y: 'all' });
  });

  test('that are made in float are read as integers by layers alone', async () => {
    const placed = await place((n) => {
      const soft = n.named('Softplus', 'soft', [n.image()]);
      return [n.conv('a', soft, C), n.named('Neg', 'neg', [soft])];
    });
    expect(placed.values).toEqual({ soft_y: ['a'], a_y: 'all' });
  });

  test('of the model are read as integers by layers, and as they are by others', async () => {
    const placed = await place((n) => {
      const x = n.image();
      return [n.conv('a', x, C), n.conv('b', x, C), n.named('Tanh', 'tanh', [x])];
    });
    expect(placed.values).toEqual({ x: ['a', 'b'], a_y: 'all', b_y: 'all' });
  });

  test('of a product need not be integers where nobody reads them so', async () => {
    const placed = await place((n) => {
      const product = n.named('MatMul', 'm', [n.input('x', 'float32', [4, 16]), n.weight('w', [16, 8])]);
      return n.named('Tanh', 'tanh', [product]);
    });
    expect(placed).toMatchObject({ nodes: ['m'], values: { x: ['m'] } });
  });

  test('of a product are those with the bias that is added behind, and limited', async () => {
    const placed = await place((n) => {
      const x = n.input('x', 'float32', [4, 16]);
      const a = n.named('Add', 'add', [n.vector('b', 16), n.named('MatMul', 'a', [x, n.weight('w', [16, 16])])]);
      return n.named('MatMul', 'm', [n.named('Relu', 'r', [a]), n.weight('v', [16, 8])]);
    });
    expect(placed).toMatchObject({ nodes: ['a', 'm'], limits: { r_y: [0, Number.POSITIVE_INFINITY] } });
    expect(placed.values).toEqual({ x: ['a'], r_y: ['m'] });
  });
});

describe('nodes that multiply no weights', { timeout: 30_000 }, () => {
  test('join integers of scales of their own', async () => {
    const placed = await place((n) => {
      const a = n.conv('a', n.image(), C);
      const cat = n.named('Concat', 'cat', [a, n.named('Relu', 'r', [n.conv('b', a, C)])], { axis: 1 });
      return n.conv('c', cat, [8, 16, 1, 1]);
    });
    expect(placed).toMatchObject({ nodes: ['a', 'b', 'cat', 'c'], shared: [] });
    expect(placed.values).toHaveProperty('cat_y', 'all');
  });

  test('share one scale with what they move', async () => {
    const placed = await place((n) => {
      const pool = n.named('MaxPool', 'pool', [n.conv('a', n.image(), C)], { kernel_shape: [2, 2] });
      const flat = n.named('Flatten', 'flat', [pool]);
      return n.named('Gemm', 'g', [flat, n.weight('w', [200, 4])]);
    });
    expect(placed).toMatchObject({ nodes: ['a', 'pool', 'flat', 'g'], shared: [['a_y', 'pool_y', 'flat_y']] });
  });

  test('stay in float behind the last layer', async () => {
    const placed = await place((n) => {
      const a = n.conv('a', n.image(), C);
      const b = n.conv('b', a, C);
      return n.named('Sigmoid', 's', [n.named('Transpose', 't', [n.named('Add', 'add', [a, b])])]);
    });
    expect(placed.nodes).toEqual(['a', 'b']);
    expect(placed.values).toEqual({ x: ['a'], a_y: 'all', b_y: 'all' });
  });

  test('stay in float where an operand is, or is a constant', async () => {
    const placed = await place((n) => {
      const a = n.conv('a', n.image(), C);
      const mixed = n.named('Add', 'mixed', [a, n.named('Tanh', 'tanh', [a])]);
      const scaled = n.named('Mul', 'scaled', [n.conv('b', mixed, C), n.weight('gain', [8, 1, 1])]);
      return n.conv('c', scaled, C);
    });
    expect(placed.nodes).toEqual(['a', 'b', 'c']);
    expect(placed.values).toEqual({ x: ['a'], a_y: 'all', mixed_y: ['b'], b_y: 'all', scaled_y: ['c'], c_y: 'all' });
  });

  test('that move elements stay in float where nobody behind them reads integers', async () => {
    const placed = await place((n) => {
      const moved = n.named('Transpose', 't', [n.conv('a', n.image(), C)], { perm: [0, 1, 3, 2] });
      return n.conv('b', n.named('Tanh', 'tanh', [moved]), C);
    });
    expect(placed.nodes).toEqual(['a', 'b']);
    expect(placed.values).toEqual({ x: ['a'], a_y: 'all', tanh_y: ['b'], b_y: 'all' });
  });
});

describe('layers stay in float, and it is said why', { timeout: 30_000 }, () => {
  const groups = 'convolutions in groups of 4 channels are slower as integers';

  test.each([
    { group: 2, dims: [8, 4, 3, 3], why: groups },
    { group: 8, dims: [16, 1, 3, 3], why: 'convolutions in groups of 1 channel are slower as integers' },
    { group: 8, dims: [8, 1, 3, 3], why: undefined },
    { group: 1, dims: [8, 8, 3, 3], why: undefined },
  ])('in $group groups, weights $dims: $why', async ({ group, dims, why }) => {
    const placed = await place((n) => n.conv('a', n.image(), dims, { group }));
    expect(placed.floats).toEqual(why === undefined ? {} : { a: why });
  });

  test('in 2 groups of 8', async () => {
    const placed = await place((n) =>
      n.conv('a', n.input('x', 'float32', ['N', 16, 6, 6]), [8, 8, 3, 3], { group: 2 }),
    );
    expect(placed).toMatchObject({ nodes: ['a'], floats: {} });
  });

  test('where they are transposed convolutions', async () => {
    const placed = await place((n) => n.conv('b', n.named('ConvTranspose', 'a', [n.image(), n.weight('w', ONE)]), C));
    expect(placed.floats).toEqual({ a: 'the runtime has no integer kernel for ConvTranspose as it is' });
    expect(placed.values).toEqual({ a_y: ['b'], b_y: 'all' });
  });

  test('for who asked so', async () => {
    const placed = await place((n) => n.conv('b', n.conv('a', n.image(), C), C), {
      whyFloat: ({ name }) => (name === 'a' ? 'it is to' : undefined),
    });
    expect(placed).toMatchObject({ nodes: ['b'], values: { a_y: ['b'], b_y: 'all' }, floats: { a: 'it is to' } });
  });

  test('in half precision', async () => {
    const placed = await place((n) => n.conv('a', n.image(), C), { net: new NamedNet({ dtype: 'float16' }) });
    expect(placed).toMatchObject({ nodes: [], values: {}, floats: { a: 'it computes in float16' } });
  });

  test('with a weight or a bias that may be given at run time', async () => {
    const net = new NamedNet({ initializersAsInputs: true, irVersion: 4 });
    const placed = await place((n) => n.conv('a', n.image(), C), { net });
    expect(placed.floats).toEqual({ a: 'its weight "a_w" is computed, or may be given at run time' });
  });

  test('with a bias that is computed', async () => {
    const placed = await place((n) => {
      const bias = n.named('Softplus', 'soft', [n.input('given', 'float32', [8])]);
      return n.named('Conv', 'a', [n.image(), n.weight('w', ONE), bias]);
    });
    expect(placed.floats).toEqual({ a: 'its bias "soft_y" is computed, or may be given at run time' });
  });

  test('with data that are a constant', async () => {
    const placed = await place((n) => {
      const w = n.named('Softplus', 'soft', [n.input('given', 'float32', ONE)]);
      return [n.named('Conv', 'a', [n.weight('fixed', [1, 8, 6, 6]), w]), n.conv('b', n.image(), ONE)];
    });
    expect(placed.nodes).toEqual(['b']);
  });
});

describe('Gemm', { timeout: 30_000 }, () => {
  const gemm = (attributes: Parameters<NamedNet['named']>[3], bias?: readonly number[]): Promise<Placed> =>
    place((n) => {
      const rows = attributes?.['transA'] === 1 ? [16, 4] : [4, 16];
      const weight = n.weight('w', attributes?.['transB'] === 1 ? [8, 16] : [16, 8]);
      const inputs = [n.input('x', 'float32', rows), weight, ...(bias === undefined ? [] : [n.weight('b', bias)])];
      return n.named('Gemm', 'g', inputs, attributes);
    });

  test.each([
    [{}, [8], true],
    [{}, [1, 8], true],
    [{}, undefined, true],
    [{ transB: 1 }, [8], true],
    [{ transA: 1 }, [8], true],
    [{ alpha: { float: 0.5 } }, undefined, true],
    [{}, [], false],
    [{}, [1], false],
    [{}, [4, 1], false],
    [{}, [4, 8], false],
    [{ alpha: { float: 0.5 } }, [8], false],
    [{ beta: { float: 0.5 } }, [8], false],
  ])('with %j and a bias %j runs on integers: %s', async (attributes, bias, runs) => {
    const placed = await gemm(attributes, bias);
    expect(placed.nodes).toEqual(runs ? ['g'] : []);
    expect(placed.floats).toEqual(runs ? {} : { g: 'the runtime has no integer kernel for Gemm as it is' });
  });
});

test('nodes in bodies are left alone, and what they read is made of integers outside', {
  timeout: 30_000,
}, async () => {
  const placed = await place((n) => {
    const a = n.conv('a', n.image(), C);
    const [then, otherwise] = [n.subgraph('then'), n.subgraph('else')];
    then.output(then.node('Conv', [a, n.weight('tw', ONE)], {}, { name: 'inner' }), 'float32', undefined);
    otherwise.output(otherwise.node('Relu', [a]), 'float32', undefined);
    const chosen = n.named('If', 'if', [n.input('which', 'bool', [])], {
      then_branch: { graph: then },
      else_branch: { graph: otherwise },
    });
    return n.conv('b', chosen, C);
  });
  expect(placed).toMatchObject({ nodes: ['a', 'b'], values: { x: ['a'], a_y: 'all', if_y: ['b'], b_y: 'all' } });
});
