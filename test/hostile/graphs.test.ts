import type onnxProto from 'onnx-proto';
import { afterAll, describe, expect, it } from 'vitest';
import { shapedByData } from '../../src/normalise/data-dependence.ts';
import { inlineFunctions } from '../../src/normalise/inline-functions.ts';
import { normalise } from '../../src/normalise/normalise.ts';
import { tally } from '../../src/numeric/tally.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import {
  type Bent,
  type BentGraph,
  bend,
  importBytes,
  laterRefusal,
  nodeOf,
  refusalOf,
  tensorOf,
} from '../support/bent-model.ts';

const child = new RuntimeChild({ deadlineMs: 60_000 });
afterAll(() => child.close());

/** Gives everything that bears a name another one. */
function rename(graph: BentGraph, from: string, to: string): void {
  const other = (name: string): string => (name === from ? to : name);
  for (const node of graph.node) {
    node.input = (node.input ?? []).map(other);
    node.output = (node.output ?? []).map(other);
  }
  for (const list of [graph.input, graph.output, graph.initializer])
    for (const each of list) each.name = other(each.name ?? '');
}

/** Puts an If whose branches are made so in the place of "r". */
function withIf(graph: BentGraph, branch: (name: string) => onnxProto.onnx.IGraphProto): void {
  graph.input.push({ name: 'cond', type: { tensorType: { elemType: 9, shape: { dim: [] } } } });
  const attribute = ['then_branch', 'else_branch'].map((name) => ({ name, type: 5, g: branch(name) }));
  Object.assign(nodeOf(graph, 'r'), { opType: 'If', input: ['cond'], attribute });
}

const relu = (name: string, input: string): onnxProto.onnx.IGraphProto => ({
  name,
  node: [{ opType: 'Relu', input: [input], output: [`${name}_out`] }],
  output: [{ name: `${name}_out`, type: { tensorType: { elemType: 1 } } }],
});

const GRAPHS: readonly [string, (graph: BentGraph) => void, RegExp][] = [
  [
    'a cycle',
    (g) => Object.assign(nodeOf(g, 'g1'), { input: ['h', 'w1', 'b1'] }),
    /^Node "g1" needs its own output: the graph has a cycle/,
  ],
  [
    'a node that reads itself',
    (g) => Object.assign(nodeOf(g, 'r'), { input: ['h'] }),
    /^Node "r" needs its own output/,
  ],
  ['a cycle through a body', (g) => withIf(g, (name) => relu(name, 'y')), /needs its own output/],
  [
    'an initializer twice',
    (g) => g.initializer.push(tensorOf(g, 'w1')),
    /^Value "w1" is defined twice, the second time as an initializer/,
  ],
  [
    'an input twice',
    (g) => g.input.push({ name: 'x' }),
    /^Value "x" is defined twice, the second time as a graph input/,
  ],
  [
    'a value made twice',
    (g) => Object.assign(nodeOf(g, 'r'), { output: ['h0'] }),
    /^Value "h0" is defined twice, the second time as an output of node "r"/,
  ],
  [
    'a node that makes an input',
    (g) => Object.assign(nodeOf(g, 'r'), { output: ['x'] }),
    /^Value "x" is defined twice/,
  ],
  [
    'a node that makes a weight',
    (g) => Object.assign(nodeOf(g, 'r'), { output: ['w2'] }),
    /^Value "w2" is defined twice/,
  ],
  [
    'a value that nothing makes',
    (g) => Object.assign(nodeOf(g, 'g2'), { input: ['nowhere', 'w2'] }),
    /^Value "nowhere" is read by node "g2" but defined nowhere/,
  ],
  [
    'an output that nothing makes',
    (g) => g.output.push({ name: 'nowhere' }),
    /^Value "nowhere" is read by the list of graph outputs but defined nowhere/,
  ],
  [
    'a branch that reads what nothing makes',
    (g) => withIf(g, (name) => relu(name, 'nowhere')),
    /^Value "nowhere" is read by node "Relu"/,
  ],
  [
    'a NUL in a name',
    (g) => rename(g, 'h0', 'h\0z'),
    /^Value "h\0z", an output of node "g1", has a NUL character in its name/,
  ],
];

describe('A graph', () => {
  it.each(GRAPHS)('with %s is refused with one sentence', (_, change, sentence) => {
    const error = refusalOf(() => importBytes(bend(change)));
    expect(error.code).toBe('bad-model');
    expect(error.message).toMatch(sentence);
  });

  it('with a name of a megabyte is refused in a sentence that can be read', () => {
    const long = 'B'.repeat(2 ** 20);
    const { message } = refusalOf(() =>
      importBytes(bend((g) => Object.assign(nodeOf(g, 'g2'), { input: [long, 'w2'] }))),
    );
    expect(message.length).toBeLessThanOrEqual(4000);
    expect(message).toMatch(
      /^Value "BBB.*….*BBB" is read by node "g2" but defined nowhere: .* Export the model again\.$/,
    );
  });

  it('whose bodies nest to the limit of protobuf is read, and no deeper one', () => {
    const nested = (depth: number): Uint8Array =>
      bend((graph) =>
        withIf(graph, (name) => {
          let body = relu(`${name}_0`, 'h0');
          for (let i = 1; i < depth; i++) {
            const attribute = [
              { name: 'then_branch', type: 5, g: body },
              { name: 'else_branch', type: 5, g: relu(`${name}_e${i}`, 'h0') },
            ];
            body = {
              name: `${name}_${i}`,
              node: [{ opType: 'If', name: `${name}_if${i}`, input: ['cond'], output: [`${name}_out${i}`], attribute }],
              output: [{ name: `${name}_out${i}`, type: { tensorType: { elemType: 1 } } }],
            };
          }
          return body;
        }),
      );
    expect(() => importBytes(nested(30))).not.toThrow();
    expect(refusalOf(() => importBytes(nested(90))).message).toMatch(/nests messages more than 100 deep/);
  });

  it('with types ten thousand deep is refused', () => {
    const field = (tag: number, content: Buffer): Buffer => {
      const length: number[] = [];
      for (let rest = content.length; ; rest = Math.floor(rest / 128)) {
        length.push(rest > 127 ? (rest % 128) | 128 : rest);
        if (rest <= 127) break;
      }
      return Buffer.concat([Buffer.of(tag, ...length), content]);
    };
    // TypeProto.sequence_type (4) of TypeProto.Sequence.elem_type (1) of …
    let type = field(0x0a, Buffer.of(8, 1));
    for (let i = 0; i < 10_000; i++) type = field(0x22, field(0x0a, type));
    const input = Buffer.concat([field(0x0a, Buffer.from('q')), field(0x12, type)]);
    const bytes = Buffer.concat([Buffer.of(8, 8), field(0x3a, field(0x5a, input)), field(0x42, Buffer.of(16, 17))]);
    expect(refusalOf(() => decodeModel(bytes, 'some.onnx')).message).toMatch(/nests messages more than 100 deep/);
  });
});

describe('Names that JavaScript gives a meaning', () => {
  const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'isPrototypeOf'];

  it('are names like any other, and leave no trace elsewhere', async () => {
    const bytes = bend((graph, model) => {
      for (const [i, from] of ['x', 'w1', 'b1', 'h0', 'h', 'w2'].entries()) rename(graph, from, NAMES[i] ?? from);
      for (const node of graph.node) node.attribute?.push({ name: '__proto__', type: 2, i: 5 });
      const dim = [{ dimParam: '__proto__' }, { dimValue: 8 }];
      graph.input[0] = { name: '__proto__', type: { tensorType: { elemType: 1, shape: { dim } } } };
      graph.node.reverse();
      model.metadataProps = NAMES.map((key) => ({ key, value: 'polluted' }));
    });
    const model = importBytes(bytes);
    await normalise(model, createEngine(child));
    expect([...model.graph.values].map(({ name }) => name).sort()).toEqual([...NAMES, 'y'].sort());
    for (const name of NAMES) expect(Object.hasOwn({}, name)).toBe(false);
    expect(Reflect.get({}, 'polluted')).toBeUndefined();
  });

  it.each(NAMES)('as the name of a function that stays: %s', async (name) => {
    const bytes = bend((graph, model) => {
      const body = [{ opType: 'Relu', input: ['a'], output: ['b'] }];
      // Another version of the operator set than the model's, so that the call is not unfolded.
      const opsetImport = [{ domain: '', version: 14 }];
      model.functions = [{ name, domain: 'local', input: ['a'], output: ['b'], node: body, opsetImport }];
      model.opsetImport.push({ domain: 'local', version: 1 });
      Object.assign(nodeOf(graph, 'r'), { opType: name, domain: 'local' });
    });
    const model = importBytes(bytes);
    expect(shapedByData(model.graph).size).toBe(0);
    await normalise(model, createEngine(child));
    expect(tally([...model.graph.nodes].map(({ opType }) => opType))).toEqual(
      Object.fromEntries([
        ['Gemm', 2],
        [name, 1],
      ]),
    );
  });
});

/** Functions of which each calls the next one as often, and the first of which the net calls. */
function calling(depth: number, times: number): (graph: BentGraph, model: Bent) => void {
  return (graph, model) => {
    const chain = (opType: string, domain: string): onnxProto.onnx.INodeProto[] =>
      Array.from({ length: times }, (_, i) => ({
        opType,
        domain,
        input: [i === 0 ? 'a' : `t${i}`],
        output: [i === times - 1 ? 'b' : `t${i + 1}`],
      }));
    model.functions = Array.from({ length: depth }, (_, i) => ({
      name: `F${i}`,
      domain: 'local',
      input: ['a'],
      output: ['b'],
      node: i === depth - 1 ? chain('Relu', '') : chain(`F${i + 1}`, 'local'),
      opsetImport: [{ domain: '', version: 17 }],
    }));
    model.opsetImport.push({ domain: 'local', version: 1 });
    Object.assign(nodeOf(graph, 'r'), { opType: 'F0', domain: 'local' });
  };
}

describe('Functions', () => {
  it('that double sixty times are refused before they are unfolded', () => {
    const model = importBytes(bend(calling(60, 2)));
    expect(refusalOf(() => inlineFunctions(model)).message).toMatch(
      /^The functions of the model unfold to 1152921504606847000 nodes, more than the 1048576 that can be handled/,
    );
  });

  it('that unfold to some thousand nodes are unfolded, all with names of their own', () => {
    const model = importBytes(bend(calling(10, 2)));
    expect(inlineFunctions(model)).toBe(true);
    expect(model.graph.nodes.size).toBe(2 + 2 ** 10);
    expect(new Set([...model.graph.values].map(({ name }) => name)).size).toBe(model.graph.values.size);
  });

  it('that call themselves are refused', async () => {
    const bytes = bend((graph, model) => {
      calling(2, 1)(graph, model);
      for (const each of model.functions)
        for (const node of each.node ?? []) Object.assign(node, { opType: 'F0', domain: 'local' });
    });
    const error = await laterRefusal(normalise(importBytes(bytes), createEngine(child)));
    expect(error.message).toMatch(/must not be recursive/);
  });
});
