import { describe, expect, test } from 'vitest';
import { cloneModel, exportModel, importModel, type Model } from '../../src/ir/model.ts';
import { graphsIn } from '../../src/ir/node.ts';
import { importOperatorSet, operatorSetsOf } from '../../src/ir/operator-sets.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { branching } from '../support/bodies.ts';
import { ModelBuilder } from '../support/build.ts';

const domains = (model: Model): unknown[] =>
  operatorSetsOf(model).map(({ domain, version }) => [domain, Number(version)]);

describe('operator sets', () => {
  test('are imported into the model, its bodies and its file, but not into models it is a clone of', () => {
    const original = importModel(decodeModel(branching().bytes()));
    const { model } = cloneModel(original);
    importOperatorSet(model.graph, 'com.microsoft', 1);
    expect(graphsIn(model.graph).map(({ scope }) => scope.opsets.get('com.microsoft'))).toEqual([1, 1, 1]);
    expect(graphsIn(original.graph).map(({ scope }) => scope.opsets.size)).toEqual([1, 1, 1]);
    expect(domains(model)).toEqual([
      ['', 17],
      ['com.microsoft', 1],
    ]);
    expect(exportModel(model).opsetImport).toEqual(operatorSetsOf(model));
    expect(domains(original)).toEqual([['', 17]]);
  });

  test('that are there stay as they are, under the names they have', () => {
    const b = new ModelBuilder({ domains: { 'com.microsoft': 1, 'ai.onnx.ml': 3 } });
    b.output(b.node('Relu', [b.input('x', 'float32', [1])]));
    const proto = decodeModel(b.bytes());
    for (const each of proto.opsetImport ?? []) if (!each.domain) each.domain = 'ai.onnx';
    const model = importModel(proto);
    importOperatorSet(model.graph, 'com.microsoft', 2);
    importOperatorSet(model.graph, '', 9);
    expect(domains(model)).toEqual([
      ['ai.onnx', 17],
      ['com.microsoft', 1],
      ['ai.onnx.ml', 3],
    ]);
  });
});
