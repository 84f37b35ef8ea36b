import { found, testCases } from './cases.ts';
import { featureNet } from './nets.ts';

const contrib = { domains: { 'com.microsoft': 1 } };
const ours = { domain: 'com.microsoft' };

/** How far the rows are from 5 others, laid out for "last"; the runtime infers no shape, so the file says it or does not. */
const distances = (metric: string, said: boolean) =>
  featureNet(
    (b, x) => {
      const far = b.node('CDist', [x, b.weight('centres', [5, 8], { std: 1 })], { metric }, ours);
      return said ? b.valueInfo(far, 'float32', ['N', 5]) : far;
    },
    { ...contrib, read: 5 },
  );

testCases('CDist', {
  'to rows of a table, squared': found(distances('sqeuclidean', true), 'first 8', 'centres 5'),
  'to rows of a table': found(distances('euclidean', true), 'first 8', 'centres 5'),
  'whose shape only a run tells': found(distances('sqeuclidean', false), 'first 8', 'centres 5'),
  'to what a layer makes': found(
    featureNet(
      (b, x) => {
        const other = b.node('MatMul', [
          b.input('others', 'float32', [5, 3]),
          b.weight('second', [3, 8], { fanIn: 3 }),
        ]);
        return b.valueInfo(b.node('CDist', [x, other], { metric: 'sqeuclidean' }, ours), 'float32', ['N', 5]);
      },
      { ...contrib, read: 5 },
    ),
    'first 8',
  ),
});
