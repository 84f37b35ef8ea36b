import { type GraphBuilder, ModelBuilder } from './build.ts';

type Branch = (body: GraphBuilder, x: string) => string;

/** A dense part of so many units inside a body; its weights are `NAME.up` and `NAME.down`. */
const dense =
  (name: string, units: number): Branch =>
  (body, x) => {
    const up = body.weight(`${name}.up`, [8, units], { fanIn: 8 });
    const wide = body.node('Relu', [body.node('MatMul', [x, up], {}, { name: `${name}/up` })]);
    const down = body.weight(`${name}.down`, [units, 8], { fanIn: units });
    return body.node('MatMul', [wide, down], {}, { name: `${name}/down` });
  };

function around(between: (b: ModelBuilder, x: string) => string, steps = 'N'): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.node(
    'MatMul',
    [b.input('x', 'float32', [steps, 5]), b.weight('first', [5, 8])],
    {},
    { name: 'first/MatMul' },
  );
  const y = b.node('MatMul', [between(b, x), b.weight('last', [8, 3])], {}, { outputs: ['y'] });
  b.output(y, 'float32', [steps, 3]);
  return b;
}

/** x [N, 5] → "first" → a branch by the sum of `switch` [1], of 12 units in one and 20 in the other → "last" → y. */
export function branching(): ModelBuilder {
  return around((b, x) => {
    const sum = b.node('ReduceSum', [b.input('switch', 'float32', [1])], { keepdims: 0 });
    const flag = b.node('Greater', [sum, b.constant('zero', 'float32', [], [0])]);
    const [then_branch, else_branch] = [b.subgraph(), b.subgraph()];
    then_branch.output(dense('yes', 12)(then_branch, x), 'float32');
    else_branch.output(dense('no', 20)(else_branch, x), 'float32');
    return b.node('If', [flag], { then_branch: { graph: then_branch }, else_branch: { graph: else_branch } });
  });
}

/** x [N, 5] → "first" → three turns of a residual part of 12 units → "last" → y. */
export function looping(): ModelBuilder {
  return around((b, x) => {
    const body = b.subgraph();
    body.input('turn', 'int64', []);
    body.input('going', 'bool', []);
    const carried = body.input('carried', 'float32');
    const next = body.node('Add', [carried, dense('body', 12)(body, carried)]);
    body.output(body.node('Identity', ['going']), 'bool', []);
    body.output(body.node('Tanh', [next]), 'float32');
    return b.node('Loop', [b.constant('trips', 'int64', [], [3]), '', x], { body: { graph: body } });
  });
}

/** x [T, 5] → "first" → a recurrent cell of 8 units by Scan, with 12 units inside → "last" → y. */
export function scanning(): ModelBuilder {
  return around((b, x) => {
    const body = b.subgraph();
    const [state, element] = [body.input('state', 'float32'), body.input('element', 'float32')];
    const next = body.node('Tanh', [body.node('Add', [state, dense('cell', 12)(body, element)])]);
    body.output(next, 'float32');
    body.output(body.node('Identity', [next]), 'float32');
    const start = b.constant('start', 'float32', [8], new Array<number>(8).fill(0));
    return b.nodes('Scan', [start, x], 2, { body: { graph: body }, num_scan_inputs: 1 })[1] ?? '';
  }, 'T');
}
