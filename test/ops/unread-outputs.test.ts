import { afterAll, describe, expect, test } from 'vitest';
import { labelOf, nodesIn } from '../../src/ir/node.ts';
import { RuntimeChild } from '../../src/runtime/index.ts';
import { ModelBuilder } from '../support/build.ts';
import { Planted } from '../support/plant.ts';

const child = new RuntimeChild();
afterAll(() => child.close());

/** The operators of a net with the number of their outputs. */
function outputsOf({ model }: Planted): Record<string, number> {
  return Object.fromEntries(nodesIn(model.graph).map((node) => [labelOf(node), node.outputs.length]));
}

describe('outputs that nobody reads', { timeout: 60_000 }, () => {
  test('leave where the operator makes them only if asked', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 3, 8, 8]);
    const [pooled = ''] = b.nodes('MaxPool', [x], 2, { kernel_shape: [2, 2] }, { name: 'pool' });
    const [dropped = ''] = b.nodes('Dropout', [pooled], 2, {}, { name: 'drop' });
    b.output(b.node('Conv', [dropped, b.weight('w', [4, 3, 1, 1])], {}, { name: 'conv' }), 'float32', ['N', 4, 4, 4]);
    const net = await Planted.in(b, child);
    const { report } = await net.clean();
    expect(outputsOf(net)).toMatchObject({ pool: 1, drop: 1 });
    expect(report.outputs).toHaveLength(2);
    expect(report.outputs[0]).toMatch(/ of pool$/);
  });

  test('stay where somebody reads them, and where the operator always makes them', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 3, 8, 8]);
    const [pooled = '', places = ''] = b.nodes('MaxPool', [x], 2, { kernel_shape: [2, 2] }, { name: 'pool' });
    const [left = ''] = b.nodes(
      'Split',
      [pooled, b.constant('parts', 'int64', [2], [1, 2])],
      2,
      { axis: 1 },
      { name: 'split' },
    );
    b.output(b.node('Relu', [left]), 'float32', ['N', 1, 4, 4]);
    b.output(places, 'int64', ['N', 3, 4, 4]);
    const net = await Planted.in(b, child);
    expect((await net.clean()).report.outputs).toEqual([]);
    expect(outputsOf(net)).toMatchObject({ pool: 2, split: 2 });
  });

  test('leave the branches of an If, and what made them there', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const flag = b.node('Greater', [b.node('ReduceSum', [x], { keepdims: 0 }), b.constant('zero', 'float32', [], [0])]);
    const branch = (name: string): { graph: ReturnType<ModelBuilder['subgraph']> } => {
      const body = b.subgraph();
      body.output(body.node('MatMul', [x, body.weight(`${name}.unread`, [4, 9])]), 'float32');
      body.output(body.node('MatMul', [x, body.weight(`${name}.read`, [4, 5])]), 'float32');
      return { graph: body };
    };
    const [, read = ''] = b.nodes(
      'If',
      [flag],
      2,
      { then_branch: branch('yes'), else_branch: branch('no') },
      { name: 'if' },
    );
    b.output(b.node('Tanh', [read]), 'float32', ['N', 5]);
    const net = await Planted.in(b, child);
    const { report } = await net.clean();
    expect(outputsOf(net)).toMatchObject({ if: 1 });
    expect(report).toMatchObject({ deadNodes: 2 });
    expect(() => net.value('yes.unread')).toThrow('no initializer');
  });

  test('leave a Loop where they are scanned, not where they are carried', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', ['N', 4]);
    const body = b.subgraph();
    body.input('turn', 'int64', []);
    body.input('going', 'bool', []);
    for (const carried of ['first', 'second']) body.input(carried, 'float32', ['N', 4]);
    body.output(body.node('Identity', ['going']), 'bool', []);
    body.output(body.node('Add', ['first', 'second']), 'float32');
    body.output(body.node('Tanh', ['second']), 'float32');
    body.output(body.node('Exp', ['first']), 'float32');
    body.output(body.node('Abs', ['first']), 'float32');
    const outputs = b.nodes(
      'Loop',
      [b.constant('trips', 'int64', [], [3]), '', x, x],
      4,
      { body: { graph: body } },
      { name: 'loop' },
    );
    b.output(b.node('Relu', [outputs[0] ?? '']), 'float32', ['N', 4]);
    b.output(b.node('Relu', [outputs[3] ?? '']), 'float32', [3, 'N', 4]);
    const net = await Planted.in(b, child);
    const { report } = await net.clean();
    expect(report.outputs).toEqual([`${outputs[2]} of loop`]);
    expect(outputsOf(net)).toMatchObject({ loop: 3 });
  });
});
