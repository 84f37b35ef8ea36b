import { describe, expect, test } from 'vitest';
import { type GraphBuilder, ModelBuilder } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { imageNet } from './nets.ts';

const cutEqualsMasked = useCutEqualsMasked();

/** A condition that the data decide. */
function flagOf(b: ModelBuilder): string {
  const sum = b.node('ReduceSum', [b.input('switch', 'float32', [1])], { keepdims: 0 });
  return b.node('Greater', [sum, b.constant('zero', 'float32', [], [0])]);
}

function branch(b: GraphBuilder, build: (body: GraphBuilder) => string): { graph: GraphBuilder } {
  const body = b.subgraph();
  body.output(build(body), 'float32');
  return { graph: body };
}

/** Features [N, 8] made by a dense layer, read by another, with something in between. */
function denseNet(between: (b: ModelBuilder, x: string) => string): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.node('MatMul', [b.input('x', 'float32', ['N', 4]), b.weight('first', [4, 8])]);
  b.output(b.node('MatMul', [between(b, x), b.weight('last', [8, 3])], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
  return b;
}

/** A Loop of three turns that carries `x`. */
function loop(
  b: ModelBuilder,
  x: string,
  turn: (body: GraphBuilder, x: string) => { next: string; scanned?: string },
  declared: readonly (string | number)[] | undefined = undefined,
): string[] {
  const body = b.subgraph();
  body.input('turn', 'int64', []);
  body.input('going', 'bool', []);
  body.input('carried', 'float32', declared);
  const { next, scanned } = turn(body, 'carried');
  body.output(body.node('Identity', ['going']), 'bool', []);
  body.output(next, 'float32');
  if (scanned !== undefined) body.output(scanned, 'float32');
  const trips = b.constant('trips', 'int64', [], [3]);
  return b.nodes('Loop', [trips, '', x], scanned === undefined ? 1 : 2, { body: { graph: body } });
}

function scan(
  b: ModelBuilder,
  state: string,
  sequence: string,
  turn: (body: GraphBuilder, state: string, x: string) => { next: string; out: string },
  attributes: Readonly<Record<string, readonly number[]>> = {},
): string[] {
  const body = b.subgraph();
  body.input('state', 'float32');
  body.input('element', 'float32');
  const { next, out } = turn(body, 'state', 'element');
  body.output(next, 'float32');
  body.output(out, 'float32');
  return b.nodes('Scan', [state, sequence], 2, { body: { graph: body }, num_scan_inputs: 1, ...attributes });
}

testCases('If', {
  'branches that read what is around them': free(
    imageNet((b, x) =>
      b.node('If', [flagOf(b)], {
        then_branch: branch(b, (body) => body.node('Relu', [x])),
        else_branch: branch(b, (body) => body.node('Tanh', [x])),
      }),
    ),
  ),
  'layers inside the branches, each with a width of its own': found(
    denseNet((b, x) =>
      b.node('If', [flagOf(b)], {
        then_branch: branch(b, (body) => {
          const hidden = body.node('Relu', [body.node('MatMul', [x, body.weight('wide', [8, 12])])]);
          return body.node('MatMul', [hidden, body.weight('back', [12, 8])]);
        }),
        else_branch: branch(b, (body) => body.node('MatMul', [x, body.weight('square', [8, 8])])),
      }),
    ),
    'first 8',
    'wide 12',
    'back 8',
  ),
  'a weight from outside': found(
    denseNet((b, x) => {
      const square = b.weight('square', [8, 8]);
      return b.node('If', [flagOf(b)], {
        then_branch: branch(b, (body) => body.node('MatMul', [x, square])),
        else_branch: branch(b, (body) => body.node('Neg', [body.node('MatMul', [x, square])])),
      });
    }),
    'first 8',
    'square 8',
  ),
  'a branch that hands on what is outside': free(
    imageNet((b, x) =>
      b.node('If', [flagOf(b)], {
        then_branch: branch(b, (body) => body.node('Identity', [x])),
        else_branch: branch(b, (body) => body.node('Sigmoid', [x])),
      }),
    ),
  ),
  'an If inside an If': free(
    imageNet((b, x) => {
      const flag = flagOf(b);
      return b.node('If', [flag], {
        then_branch: branch(b, (body) =>
          body.node('If', [flag], {
            then_branch: branch(body, (inner) => inner.node('Relu', [x])),
            else_branch: branch(body, (inner) => inner.node('Tanh', [x])),
          }),
        ),
        else_branch: branch(b, (body) => body.node('Abs', [x])),
      });
    }),
  ),
  'branches of different widths': held(
    denseNet((b, x) => {
      const flag = flagOf(b);
      const [narrow] = [b.weight('narrow', [8, 3])];
      b.output(
        b.node(
          'If',
          [flag],
          {
            then_branch: branch(b, (body) => body.node('MatMul', [x, narrow])),
            else_branch: branch(b, (body) => body.node('Relu', [x])),
          },
          { outputs: ['either'] },
        ),
        'float32',
      );
      return x;
    }),
    /graph output "either"|length of an axis/,
  ),
});

testCases('Loop', {
  'a carried tensor of steady width': found(
    denseNet((b, x) => {
      const [out = ''] = loop(b, x, (body, h) => ({
        next: body.node('Tanh', [body.node('MatMul', [h, body.weight('recurrent', [8, 8])])]),
      }));
      return out;
    }),
    'first 8',
  ),
  'a wide layer inside': found(
    denseNet((b, x) => {
      const [out = ''] = loop(b, x, (body, h) => {
        const hidden = body.node('Relu', [body.node('MatMul', [h, body.weight('wide', [8, 12])])]);
        return { next: body.node('Add', [h, body.node('MatMul', [hidden, body.weight('back', [12, 8])])]) };
      });
      return out;
    }),
    'first 8',
    'wide 12',
  ),
  'declared types inside': found(
    denseNet((b, x) => {
      const turn = (body: GraphBuilder, h: string): { next: string } => ({
        next: body.node('Tanh', [body.node('MatMul', [h, body.weight('recurrent', [8, 8])])]),
      });
      return loop(b, x, turn, ['N', 8])[0] ?? '';
    }),
    'first 8',
  ),
  'what every turn gives out': found(
    denseNet((b, x) => {
      const [, stack = ''] = loop(b, x, (body, h) => ({
        next: body.node('Neg', [h]),
        scanned: body.node('Relu', [body.node('MatMul', [h, body.weight('square', [8, 8])])]),
      }));
      return b.node('ReduceMean', [stack], { axes: [0], keepdims: 0 });
    }),
    'first 8',
    'square 8',
  ),
  'a tensor that grows from turn to turn': {
    groups: ['last 8'],
    refusals: { first: /unknown/ },
    net: denseNet((b, x) => {
      const [grown = ''] = loop(b, x, (body, h) => ({ next: body.node('Concat', [h, h], { axis: 1 }) }));
      const first = b.constant('first8', 'int64', [8], [0, 1, 2, 3, 4, 5, 6, 7]);
      return b.node('Gather', [grown, first], { axis: 1 });
    }),
  },
});

/** x [N, 5, 4] → dense 8 → [5, N, 8] for a Scan over the first axis. */
function sequence(between: (b: ModelBuilder, x: string, start: string) => string): ModelBuilder {
  const b = new ModelBuilder();
  const x = b.node('MatMul', [b.input('x', 'float32', [2, 5, 4]), b.weight('first', [4, 8])]);
  const steps = b.node('Transpose', [x], { perm: [1, 0, 2] });
  const start = b.constant('start', 'float32', [2, 6], new Array<number>(12).fill(0.1));
  b.output(b.node('MatMul', [between(b, steps, start), b.weight('last', [6, 3])], {}, { outputs: ['y'] }), 'float32');
  return b;
}

const cell = (body: GraphBuilder, state: string, x: string): { next: string; out: string } => {
  const mixed = body.node('Add', [
    body.node('MatMul', [x, body.weight('input', [8, 6])]),
    body.node('MatMul', [state, body.weight('hidden', [6, 6])]),
  ]);
  const next = body.node('Tanh', [mixed]);
  return { next, out: body.node('Identity', [next]) };
};

testCases('Scan', {
  'the states that a hand-made recurrent layer gives out': found(
    sequence((b, x, start) => scan(b, start, x, cell)[1] ?? ''),
    'first 8',
    'input 6',
  ),
  'its last state': found(
    sequence((b, x, start) => scan(b, start, x, cell)[0] ?? ''),
    'first 8',
    'input 6',
  ),
  'along another axis': found(
    (() => {
      const b = new ModelBuilder();
      const x = b.node('MatMul', [b.input('x', 'float32', [2, 5, 4]), b.weight('first', [4, 8])]);
      const start = b.constant('start', 'float32', [2, 6], new Array<number>(12).fill(0.1));
      const [, out = ''] = scan(b, start, x, cell, { scan_input_axes: [1], scan_output_axes: [-2] });
      b.output(b.node('MatMul', [out, b.weight('last', [6, 3])], {}, { outputs: ['y'] }), 'float32', [2, 5, 3]);
      return b;
    })(),
    'first 8',
    'input 6',
  ),
} satisfies Record<string, Case>);

describe('a constant condition', () => {
  test.each([true, false])('%s: the branch that is taken stands in the place of the If', async (condition) => {
    const net = denseNet((b, x) =>
      b.node('If', [b.constant('known', 'bool', [], [condition ? 1 : 0])], {
        then_branch: branch(b, (body) => body.node('Relu', [body.node('MatMul', [x, body.weight('w', [8, 8])])])),
        else_branch: branch(b, (body) => {
          const flag = body.node('Greater', [
            body.node('ReduceSum', [x], { keepdims: 0 }),
            body.constant('nought', 'float32', [], [0]),
          ]);
          const base = body.node('Tanh', [x]);
          return body.node('If', [flag], {
            then_branch: branch(body, (inner) => inner.node('Neg', [base])),
            else_branch: branch(body, (inner) => inner.node('Abs', [base])),
          });
        }),
      }),
    );
    const { original, groups } = await cutEqualsMasked(net);
    const operators = original.graph.sorted().map(({ opType }) => opType);
    expect(operators).toEqual(
      condition ? ['MatMul', 'MatMul', 'Relu', 'MatMul'] : ['MatMul', 'ReduceSum', 'Greater', 'Tanh', 'If', 'MatMul'],
    );
    expect(groups).toEqual(condition ? ['first 8', 'w_1 8'] : ['first 8']);
  });
});
