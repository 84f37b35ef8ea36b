import { describe, expect, it } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import { frontierOf, horizonOf } from '../../src/channels/frontier.ts';
import { importModel } from '../../src/ir/model.ts';
import { decidedValues } from '../../src/normalise/data-dependence.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { ModelBuilder } from '../support/build.ts';

/** Two dense layers, then operators that only see what the second one makes. */
function net(): ModelBuilder {
  const b = new ModelBuilder({ seed: 3 });
  const x = b.input('x', 'float32', [2, 6]);
  const hidden = b.node('MatMul', [x, b.weight('first', [6, 8])], {}, { outputs: ['hidden'] });
  b.valueInfo('hidden', 'float32', [2, 8]);
  const scores = b.node('MatMul', [hidden, b.weight('second', [8, 5])], {}, { outputs: ['scores'] });
  b.valueInfo('scores', 'float32', [2, 5]);
  const soft = b.node('Softmax', [scores], {}, { outputs: ['soft'] });
  b.valueInfo('soft', 'float32', [2, 5]);
  b.output(b.node('ArgMax', [soft], { axis: 1 }, { outputs: ['best'] }), 'int64', [2, 1]);
  return b;
}

describe('the horizon of a cut', () => {
  it('is what decisions are made of, wherever they are made', () => {
    const b = new ModelBuilder({ seed: 3 });
    const x = b.input('x', 'float32', [2, 6]);
    const declared = (name: string, dims: readonly number[], type: 'float32' | 'int64' = 'float32'): string =>
      b.valueInfo(name, type, dims);
    const dense = (input: string, name: string, from: number, to: number): string =>
      declared(b.node('MatMul', [input, b.weight(name, [from, to])], {}, { outputs: [`${name}_out`] }), [2, to]);
    const scores = dense(dense(x, 'first', 6, 8), 'second', 8, 5);
    const best = declared(b.node('ArgMax', [scores], { axis: 1, keepdims: 0 }, { outputs: ['best'] }), [2], 'int64');
    const looked = declared(b.node('Gather', [b.weight('table', [5, 4]), best], {}, { outputs: ['looked'] }), [2, 4]);
    b.output(dense(dense(looked, 'third', 4, 6), 'fourth', 6, 3), 'float32', [2, 3]);
    const { graph } = importModel(decodeModel(b.bytes()));
    const map = buildChannelMap(graph, ruleOf);
    const cut = new Cut(map, new Uint8Array(map.unitCount).fill(1, 0, 1));
    const decided = decidedValues(graph);
    expect([...decided].map(({ name }) => name)).toEqual(['best', 'looked', 'third_out', 'fourth_out']);
    expect(horizonOf(graph, cut, decided).map(({ name }) => name)).toEqual(['second_out']);
  });
});

describe('the frontier of a cut', () => {
  const { graph } = importModel(decodeModel(net().bytes()));
  const map = buildChannelMap(graph, ruleOf);

  it('is what enters the end of the graph that stays as it is', () => {
    expect(map.groups.map(({ name, count }) => [name, count])).toEqual([['first', 8]]);
    const cut = new Cut(map, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0));
    expect(frontierOf(graph, cut).map(({ name }) => name)).toEqual(['scores']);
  });

  it('is empty where nothing is cut, since then the whole graph stays', () => {
    expect(frontierOf(graph, new Cut(map, new Uint8Array(8)))).toEqual([]);
  });
});
