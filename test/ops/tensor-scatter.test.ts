import { ModelBuilder } from '../support/build.ts';
import { type Case, free, held, testCases } from './cases.ts';
import { integers, tokenNet } from './nets.ts';

/** A cache [2, 3, 6, 8] of 3 heads with its new steps [2, 3, 2, 8], both made by layers. */
function tensorScatter(attributes: Record<string, number | string>, circular = false): ModelBuilder {
  const b = new ModelBuilder({ opset: 24, irVersion: 10 });
  const axis = attributes['axis'] ?? -2;
  const shapes =
    axis === 1
      ? [
          [2, 6, 3, 5],
          [2, 2, 3, 5],
        ]
      : [
          [2, 3, 6, 5],
          [2, 3, 2, 5],
        ];
  const [past = '', fresh = ''] = shapes.map((shape, i) =>
    b.node('MatMul', [
      b.input(`x${i}`, 'float32', shape),
      b.weight(i === 0 ? 'first' : 'second', [5, 8], { fanIn: 5 }),
    ]),
  );
  const starts = circular ? [] : [b.input('starts', 'int64', [2])];
  const y = b.node('TensorScatter', [past, fresh, ...starts], attributes);
  b.output(b.node('MatMul', [y, b.weight('last', [8, 3], { fanIn: 8 })]), 'float32');
  return b;
}

testCases('TensorScatter', {
  'into a cache of heads': free(tensorScatter({})),
  'into a cache whose steps come first': free(tensorScatter({ axis: 1 })),
  'that starts at the front': free(tensorScatter({ axis: -2, mode: 'circular' }, true)),
});

const stepsWritten = (dim: number): Case =>
  held(
    tokenNet(
      (b, x) => {
        const turned = b.node('Transpose', [x], { perm: [0, 2, 1] });
        const fresh = b.node('Slice', [turned, ...[[0], [3], [dim]].map((each) => integers(b, each))]);
        return b.node(
          'Transpose',
          [b.node('TensorScatter', [turned, fresh, b.input('starts', 'int64', ['N'])], { axis: dim })],
          {
            perm: [0, 2, 1],
          },
        );
      },
      { opset: 24, irVersion: 10 },
    ),
    /TensorScatter writes into it step by step/,
  );

testCases('TensorScatter that holds channels', { 'because it writes along them': stepsWritten(1) });
