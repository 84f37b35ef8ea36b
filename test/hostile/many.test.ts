import type onnxProto from 'onnx-proto';
import { describe, expect, it } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { checkGraph } from '../../src/ir/check.ts';
import { cloneModel, exportModel, type Model } from '../../src/ir/model.ts';
import { nodesInOrder } from '../../src/ir/node.ts';
import { shapedByData } from '../../src/normalise/data-dependence.ts';
import { removeDeadCode } from '../../src/normalise/dead-code.ts';
import { distinctNames } from '../../src/normalise/distinct-names.ts';
import { removeIdentities } from '../../src/normalise/identities.ts';
import { storeOnce, untieVectors } from '../../src/normalise/shared-vectors.ts';
import { freeNumber } from '../../src/numeric/free-number.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { type BentGraph, bend, importBytes, nodeOf } from '../support/bent-model.ts';

/** Enough that a function which calls itself from node to node ends the stack, and what is quadratic is felt. */
const MANY = 15_000;

const vector = (name: string): onnxProto.onnx.ITensorProto => ({
  name,
  dims: [16],
  dataType: 1,
  rawData: new Uint8Array(new Float32Array(16).buffer),
});

/** A chain of nodes in the place of "r". */
function chain(graph: BentGraph, node: (i: number) => onnxProto.onnx.INodeProto): void {
  graph.node = graph.node.filter(({ name }) => name !== 'r');
  for (let i = 0; i < MANY; i++) {
    graph.node.push({ ...node(i), input: [i === 0 ? 'h0' : `c${i}`, ...(node(i).input ?? [])] });
    Object.assign(graph.node[graph.node.length - 1] ?? {}, { output: [i === MANY - 1 ? 'h' : `c${i + 1}`] });
  }
}

/** What is done to every model before and after it is cut, but for what onnxruntime is asked. */
function throughAllStages(model: Model): Model {
  const { graph } = model;
  removeIdentities(graph);
  distinctNames(graph);
  untieVectors(graph);
  removeDeadCode(graph);
  checkGraph(graph, 'a stage');
  shapedByData(graph);
  buildChannelMap(graph, ruleOf);
  const copy = cloneModel(model).model;
  storeOnce(copy.graph);
  checkGraph(copy.graph, 'another stage');
  return copy;
}

describe('Ten thousands of', () => {
  it('nodes one behind the other, in the wrong order, pass every stage', () => {
    const bytes = bend((graph) => {
      chain(graph, () => ({ opType: 'Relu' }));
      graph.node.reverse();
    });
    const model = throughAllStages(importBytes(bytes));
    expect(nodesInOrder(model.graph)).toHaveLength(MANY + 2);
    expect(decodeModel(encodeModel(exportModel(model))).graph?.node).toHaveLength(MANY + 2);
  }, 120_000);

  it('identities one behind the other are nothing', () => {
    const model = throughAllStages(importBytes(bend((graph) => chain(graph, () => ({ opType: 'Identity' })))));
    expect(model.graph.nodes.size).toBeLessThanOrEqual(3);
  }, 120_000);

  it('readers of one vector each get a copy, which is stored once', () => {
    const model = throughAllStages(
      importBytes(
        bend((graph) => {
          chain(graph, () => ({ opType: 'Add', input: ['b'] }));
          graph.initializer.push(vector('b'));
        }),
      ),
    );
    expect(model.graph.initializers.size).toBe(4);
  }, 120_000);

  it('inputs of one node are looked at once each', () => {
    const names = Array.from({ length: MANY }, (_, i) => `v${i}`);
    const bytes = bend((graph) => {
      Object.assign(nodeOf(graph, 'r'), { opType: 'Sum', input: ['h0', ...names] });
      graph.initializer.push(...names.map(vector));
    });
    const model = importBytes(bytes);
    distinctNames(model.graph);
    removeDeadCode(model.graph);
    checkGraph(model.graph, 'a stage');
    expect(model.graph.initializers.size).toBe(MANY + 3);
  }, 120_000);

  it('inputs and outputs of a graph are told apart from other values at once', () => {
    const bytes = bend((graph) => {
      const type = { tensorType: { elemType: 1, shape: { dim: [{ dimValue: 1 }] } } };
      for (let i = 0; i < MANY; i++) {
        graph.input.push({ name: `i${i}`, type });
        graph.output.push({ name: `o${i}`, type });
        graph.node.push({ opType: 'Relu', input: [`i${i}`], output: [`o${i}`] });
      }
    });
    const model = importBytes(bytes);
    removeDeadCode(model.graph);
    checkGraph(model.graph, 'a stage');
    expect(model.graph.outputs).toHaveLength(MANY + 1);
  }, 120_000);

  it('entries of metadata are kept', () => {
    const bytes = bend((_, model) => {
      model.metadataProps = Array.from({ length: MANY }, (_, i) => ({ key: `k${i}`, value: 'v' }));
    });
    expect(exportModel(importBytes(bytes)).metadataProps).toHaveLength(MANY);
  });

  it('wishes for a name are granted by looking at a few', () => {
    const taken = new Set<number>();
    let asked = 0;
    for (let i = 0; i < MANY; i++) {
      taken.add(
        freeNumber((number) => {
          asked++;
          return taken.has(number);
        }),
      );
    }
    expect(Math.max(...[...taken].slice(-10))).toBe(MANY);
    expect(asked).toBeLessThan(40 * MANY);
  });
});
