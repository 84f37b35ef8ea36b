import { found, free, testCases } from './cases.ts';
import { featureNet, imageNet } from './nets.ts';

const classical = { domain: 'ai.onnx.ml' };

testCases('conversions', {
  'CastLike, of which a constant says the type': free(
    imageNet((b, x) => b.node('CastLike', [x, b.constant('like', 'float32', [5], [0, 0, 0, 0, 0])])),
  ),
  'CastLike, of which other channels say the type': found(
    imageNet(
      (b, x) => {
        const other = b.node('Conv', [x, b.weight('second', [5, 8, 1, 1])]);
        const like = b.node('CastLike', [b.node('Tanh', [x]), other]);
        return b.node('Concat', [like, other], { axis: 1 });
      },
      { read: 13 },
    ),
    'first 8',
    'second 5',
  ),
  'BitCast there and back': free(
    imageNet((b, x) => b.node('BitCast', [b.node('BitCast', [x], { to: 6 })], { to: 1 }), { opset: 26, irVersion: 10 }),
  ),
  'OptionalGetElement of a tensor': free(imageNet((b, x) => b.node('OptionalGetElement', [x]), { opset: 18 })),
  'Binarizer of features': free(
    featureNet((b, x) => b.node('Binarizer', [x], { threshold: { float: 0.1 } }, classical), {
      domains: { 'ai.onnx.ml': 3 },
    }),
  ),
});
