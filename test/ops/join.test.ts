import { ModelBuilder } from '../support/build.ts';
import { type Case, found, free, held, testCases } from './cases.ts';
import { imageNet, integers, type Middle, tokenNet } from './nets.ts';

/** 1×1 convolutions of what "first" makes, one of each width, concatenated. */
function parts(widths: readonly number[], axis = 1): Middle {
  return (b, x) => {
    const made = widths.map((width, i) =>
      b.node('Conv', [x, b.weight(`part${i}`, [width, 8, 1, 1]), b.vector(`bias${i}`, width)]),
    );
    return b.node('Concat', made, { axis });
  };
}

testCases('Concat', {
  'of 2 parts': found(imageNet(parts([4, 6]), { read: 10 }), 'first 8', 'part0 4', 'part1 6'),
  'of 3 parts by a negative axis': found(
    imageNet(parts([2, 3, 4], -3), { read: 9 }),
    'first 8',
    'part0 2',
    'part1 3',
    'part2 4',
  ),
  'of 1 part': found(imageNet(parts([5]), { read: 5 }), 'first 8', 'part0 5'),
  'on another axis leaves parts together': found(
    imageNet(
      (b, x) => {
        const made = [0, 1].map((i) => b.node('Conv', [x, b.weight(`part${i}`, [6, 8, 1, 1])]));
        return b.node('Concat', made, { axis: 2 });
      },
      { read: 6 },
    ),
    'first 8',
    'part0 6',
  ),
  'of a value with itself': free(
    imageNet((b, x) => b.node('Concat', [x, b.node('Relu', [x])], { axis: 1 }), { read: 16 }),
  ),
  'with a constant, whose positions are free too': found(
    (() => {
      const b = new ModelBuilder();
      const x = b.input('image', 'float32', [2, 3, 4, 4]);
      const made = b.node('Conv', [x, b.weight('first', [8, 3, 1, 1])]);
      const y = b.node('Concat', [made, b.weight('positions', [2, 4, 4, 4])], { axis: 1 });
      b.output(b.node('Conv', [y, b.weight('last', [3, 12, 1, 1])]), 'float32');
      return b;
    })(),
    'first 8',
    'last 4',
  ),
  'with the image itself, whose channels stay': found(
    imageNet((b, x) => b.node('Concat', [b.input('other', 'float32', ['N', 2, 6, 6]), x], { axis: 1 }), { read: 10 }),
    'first 8',
  ),
  'dense connections': found(
    imageNet(
      (b, x) => {
        const one = b.node('Conv', [x, b.weight('second', [4, 8, 1, 1])]);
        const two = b.node('Concat', [x, one], { axis: 1 });
        const three = b.node('Conv', [two, b.weight('third', [4, 12, 1, 1])]);
        return b.node('Concat', [two, three], { axis: 1 });
      },
      { read: 16 },
    ),
    'first 8',
    'second 4',
    'third 4',
  ),
});

/** Splits what "first" makes and joins the parts, each through a function of its own, in reverse order. */
function split(make: (b: ModelBuilder, x: string) => string[]): Middle {
  return (b, x) => {
    const functions = ['Relu', 'Tanh', 'Sigmoid', 'Neg'];
    const made = make(b, x).map((part, i) => b.node(functions[i] ?? 'Relu', [part]));
    return b.node('Concat', made.reverse(), { axis: 1 });
  };
}

const splitCase = (opset: number, make: (b: ModelBuilder, x: string) => string[], ...groups: string[]): Case =>
  found(imageNet(split(make), { opset }), ...groups);

testCases('Split', {
  'into equal parts in opset 11': splitCase(11, (b, x) => b.nodes('Split', [x], 2, { axis: 1 }), 'first 4', 'first 4'),
  'by attribute in opset 11': splitCase(
    11,
    (b, x) => b.nodes('Split', [x], 3, { axis: 1, split: [1, 3, 4] }),
    'first 1',
    'first 3',
    'first 4',
  ),
  'into equal parts in opset 13': splitCase(
    13,
    (b, x) => b.nodes('Split', [x], 4, { axis: 1 }),
    'first 2',
    'first 2',
    'first 2',
    'first 2',
  ),
  'by input in opset 13': splitCase(
    13,
    (b, x) => b.nodes('Split', [x, integers(b, [5, 3])], 2, { axis: -3 }),
    'first 5',
    'first 3',
  ),
  'by num_outputs in opset 18': splitCase(
    18,
    (b, x) => b.nodes('Split', [x], 2, { axis: 1, num_outputs: 2 }),
    'first 4',
    'first 4',
  ),
  'by num_outputs with a shorter last part': splitCase(
    18,
    (b, x) => b.nodes('Split', [x], 3, { axis: 1, num_outputs: 3 }),
    'first 3',
    'first 3',
    'first 2',
  ),
  'whose halves gate each other': found(
    imageNet(
      (b, x) => {
        const [one = '', two = ''] = b.nodes('Split', [x], 2, { axis: 1 });
        return b.node('Mul', [one, b.node('Sigmoid', [two])]);
      },
      { read: 4 },
    ),
    'first 4',
  ),
  'on another axis': free(
    imageNet((b, x) => {
      const [one = '', two = ''] = b.nodes('Split', [x], 2, { axis: 2 });
      return b.node('Add', [one, two]);
    }),
  ),
  'by lengths that two nodes share': found(
    imageNet(
      (b, x) => {
        const lengths = integers(b, [2, 6]);
        const [a = '', c = ''] = b.nodes('Split', [x, lengths], 2, { axis: 1 });
        const other = b.node('Conv', [x, b.weight('second', [8, 8, 1, 1])]);
        const [d = '', e = ''] = b.nodes('Split', [other, lengths], 2, { axis: 1 });
        return b.node('Concat', [a, d, e, c], { axis: 1 });
      },
      { read: 16 },
    ),
    'first 2',
    'first 6',
    'second 2',
    'second 6',
  ),
});

const gather =
  (indices: readonly number[]): Middle =>
  (b, x) =>
    b.node('Gather', [x, integers(b, indices)], { axis: 1 });

testCases('Gather with constant indices', {
  'that permute the channels': free(imageNet(gather([3, 1, 0, 2, 7, 6, 5, 4]))),
  'that repeat some and drop others, which nobody reads': found(
    imageNet(gather([0, 0, 3, 5, 5, 5, 7]), { read: 7 }),
    'first 4',
    'first 4',
  ),
  'that count from the end': found(imageNet(gather([-1, -3, 0]), { read: 3 }), 'first 3', 'first 5'),
  'that take one half, the other half elsewhere': found(
    imageNet((b, x) => b.node('Add', [gather([0, 2, 4, 6])(b, x), b.node('Tanh', [gather([1, 3, 5, 7])(b, x)])]), {
      read: 4,
    }),
    'first 4',
  ),
  'of type int32': free(
    imageNet((b, x) =>
      b.node('Gather', [x, b.constant('indices', 'int32', [8], [7, 6, 5, 4, 3, 2, 1, 0])], { axis: 1 }),
    ),
  ),
  'that two nodes share': found(
    imageNet(
      (b, x) => {
        const indices = integers(b, [2, 0, 1, 3]);
        const other = b.node('Conv', [x, b.weight('second', [4, 8, 1, 1])]);
        return b.node(
          'Concat',
          [b.node('Gather', [x, indices], { axis: 1 }), b.node('Gather', [other, indices], { axis: 1 })],
          { axis: 1 },
        );
      },
      { read: 8 },
    ),
    'first 4',
    'first 4',
  ),
  'on another axis': free(imageNet((b, x) => b.node('Gather', [x, integers(b, [0, 2, 2])], { axis: 2 }))),
  'a single position of another axis': free(
    imageNet((b, x) =>
      b.node('Unsqueeze', [b.node('Gather', [x, integers(b, [2], [])], { axis: 2 }), integers(b, [2])]),
    ),
  ),
  'a table of positions of another axis': found(
    tokenNet((b, x) =>
      b.node('ReduceSum', [b.node('Gather', [x, integers(b, [0, 1, 2, 3], [2, 2])], { axis: 1 }), integers(b, [1])], {
        keepdims: 0,
      }),
    ),
    'first 8',
  ),
});

testCases('Gather that picks single channels', {
  'by a constant': {
    net: imageNet(
      (b, x) => b.node('Unsqueeze', [b.node('Gather', [x, integers(b, [2], [])], { axis: 1 }), integers(b, [1])]),
      { read: 1 },
    ),
    groups: ['last 1'],
    refusals: { first: /Gather picks single positions out of it/ },
  },
  'at run time': held(
    imageNet((b, x) => b.node('Gather', [x, b.input('ids', 'int64', [4])], { axis: 1 }), { read: 4 }),
    /Gather looks positions up in it at run time/,
  ),
});

/** ids [N, 4] → Gather from "table" [10, 8] → what follows. */
function embedding(next: (b: ModelBuilder, x: string) => string): ModelBuilder {
  const b = new ModelBuilder();
  b.output(
    next(b, b.node('Gather', [b.weight('table', [10, 8], { std: 1 }), b.input('ids', 'int64', ['N', 4])])),
    'float32',
  );
  return b;
}

testCases('an embedding', {
  'loses features, not entries': found(
    embedding((b, x) => b.node('MatMul', [x, b.weight('last', [8, 3], { fanIn: 8 })])),
    'table 8',
  ),
  'whose transpose is the output layer': found(
    embedding((b, x) =>
      b.node('MatMul', [
        b.node('Tanh', [x]),
        b.node('Transpose', ['table'], { perm: [1, 0] }, { outputs: ['transposed'] }),
      ]),
    ),
    'table 8',
  ),
  'that is the output layer itself': found(
    embedding((b, x) => {
      const rows = b.node('Reshape', [b.node('Tanh', [x]), integers(b, [-1, 8])]);
      return b.node('Gemm', [rows, 'table'], { transB: 1 });
    }),
    'table 8',
  ),
});
