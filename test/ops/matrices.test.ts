import { free, held, testCases } from './cases.ts';
import { chain, imageNet, integers, type Middle, op, tokenNet } from './nets.ts';

const contrib = { domains: { 'com.microsoft': 1 } };

/** An operator of the runtime's own domain. */
const ours =
  (opType: string): Middle =>
  (b, x) =>
    b.node(opType, [x], {}, { domain: 'com.microsoft' });

/** Six tokens of eight features, of which the first six steps and features are a square. */
const square = (middle: Middle): Middle =>
  chain(
    (b, x) => b.node('Transpose', [x], { perm: [0, 2, 1] }),
    middle,
    (b, x) => b.node('Transpose', [x], { perm: [0, 2, 1] }),
  );

testCases('an operator on matrices passes the axes in front', {
  'Trilu, the upper part': free(imageNet(op('Trilu', { upper: 1 }))),
  'Trilu, the lower part below another diagonal': free(
    imageNet((b, x) => b.node('Trilu', [x, integers(b, [-1], [])], { upper: 0 })),
  ),
  "Trilu of the runtime's own domain": free(imageNet(ours('Trilu'), contrib)),
  Inverse: free(imageNet(ours('Inverse'), contrib)),
  'Det of every channel': free(
    imageNet((b, x) => b.node('Mul', [x, b.node('Unsqueeze', [b.node('Det', [x]), integers(b, [2, 3])])])),
  ),
  'Det in opset 22': free(
    imageNet((b, x) => b.node('Mul', [x, b.node('Unsqueeze', [b.node('Det', [x]), integers(b, [2, 3])])]), {
      opset: 22,
      irVersion: 10,
    }),
  ),
});

testCases('an operator on matrices holds rows and columns', {
  'Trilu of columns': held(tokenNet(op('Trilu')), /Trilu keeps what lies on one side of a diagonal of it/),
  'Trilu of rows': held(tokenNet(square(op('Trilu'))), /Trilu keeps what lies on one side of a diagonal of it/),
  Inverse: held(tokenNet(ours('Inverse'), { size: 8, ...contrib }), /Inverse inverts matrices along it/),
  Det: held(
    tokenNet((b, x) => b.node('Mul', [x, b.node('Unsqueeze', [b.node('Det', [x]), integers(b, [1, 2])])]), { size: 8 }),
    /Det takes a determinant over it/,
  ),
});
