import { describe, expect, test } from 'vitest';
import { buildChannelMap } from '../../src/channels/build.ts';
import { Cut } from '../../src/channels/cut.ts';
import type { ChannelMap, Group } from '../../src/channels/group.ts';
import { shrink } from '../../src/channels/shrink.ts';
import { UnitCosts } from '../../src/channels/unit-costs.ts';
import { present } from '../../src/errors.ts';
import { cloneModel, importModel, type Model } from '../../src/ir/model.ts';
import { initializersIn } from '../../src/ir/node.ts';
import { decodeModel } from '../../src/onnx/codec.ts';
import { countMacs } from '../../src/ops/macs.ts';
import { ruleOf } from '../../src/ops/rules.ts';
import { ModelBuilder } from '../support/build.ts';

/** A residual block whose stream reads and makes one weight's axes both, a depthwise convolution, and two branches side by side. */
function net(): Model {
  const b = new ModelBuilder({ seed: 3 });
  const at = (name: string, channels: number): string => {
    b.valueInfo(name, 'float32', ['N', channels, 4, 4]);
    return name;
  };
  const conv = (x: string, name: string, dims: readonly number[], group = 1): string =>
    at(
      b.node(
        'Conv',
        [x, b.weight(name, dims), b.vector(`${name}.bias`, dims[0] ?? 0)],
        { pads: [(dims[2] ?? 1) >> 1, (dims[2] ?? 1) >> 1, (dims[2] ?? 1) >> 1, (dims[2] ?? 1) >> 1], group },
        { outputs: [`${name}.out`] },
      ),
      dims[0] ?? 0,
    );
  const stem = conv(b.input('x', 'float32', ['N', 3, 4, 4]), 'stem', [8, 3, 3, 3]);
  const again = conv(stem, 'again', [8, 8, 3, 3]);
  const stream = at(b.node('Add', [stem, again], {}, { outputs: ['stream'] }), 8);
  const deep = conv(conv(stream, 'wide', [12, 8, 1, 1]), 'deep', [12, 1, 3, 3], 12);
  const side = conv(stream, 'side', [4, 8, 1, 1]);
  const both = at(b.node('Concat', [deep, side], { axis: 1 }, { outputs: ['both'] }), 16);
  b.output(conv(both, 'last', [5, 16, 1, 1]), 'float32', ['N', 5, 4, 4]);
  return importModel(decodeModel(b.bytes()));
}

function named(map: ChannelMap, name: string): Group {
  return present(
    map.groups.find((group) => group.name === name),
    name,
  );
}

/** What a model comes to once a group keeps its first units only. */
function countsWith(model: Model, name: string, keep: number): Readonly<Record<'parameters' | 'macs', number>> {
  const { graph } = cloneModel(model).model;
  const map = buildChannelMap(graph, ruleOf);
  const removed = new Uint8Array(map.unitCount);
  const { first, count } = named(map, name);
  removed.fill(1, first + keep, first + count);
  shrink(graph, new Cut(map, removed), ruleOf);
  return {
    parameters: initializersIn(graph).reduce((sum, { tensor }) => sum + (tensor?.size ?? 0), 0),
    macs: countMacs(graph).macs,
  };
}

describe('what a group costs', () => {
  test.each([
    ['stem', 'parameters'],
    ['wide', 'parameters'],
    ['side', 'parameters'],
    ['stem', 'macs'],
    ['wide', 'macs'],
    ['side', 'macs'],
  ] as const)('falls by what leaves the model with its units: %s, %s', (name, kind) => {
    const model = net();
    const map = buildChannelMap(model.graph, ruleOf);
    const group = named(map, name);
    const costs = new UnitCosts(map, kind, ruleOf);
    const whole = countsWith(model, name, group.count)[kind];
    for (let keep = 1; keep <= group.count; keep++)
      expect(costs.of(group, group.count) - costs.of(group, keep)).toBeCloseTo(
        whole - countsWith(model, name, keep)[kind],
        6,
      );
    expect(costs.of(group, group.count)).toBeLessThanOrEqual(whole);
    expect(costs.of(group, 1)).toBeGreaterThan(0);
  });
});
