import { free, held, testCases } from './cases.ts';
import { imageNet, op } from './nets.ts';

const window = { kernel_shape: [3, 3], strides: [2, 2] };

testCases('channels pass a pool', {
  MaxPool: free(imageNet(op('MaxPool', window))),
  'MaxPool with dilations and ceil_mode': free(
    imageNet(op('MaxPool', { kernel_shape: [2, 2], dilations: [2, 2], ceil_mode: 1 })),
  ),
  'MaxPool with auto_pad': free(imageNet(op('MaxPool', { ...window, auto_pad: 'SAME_UPPER' }))),
  'MaxPool whose positions nobody reads': free(imageNet((b, x) => b.nodes('MaxPool', [x], 2, window)[0] ?? '')),
  AveragePool: free(imageNet(op('AveragePool', { ...window, pads: [1, 1, 1, 1], count_include_pad: 1 }))),
  LpPool: free(imageNet(op('LpPool', { ...window, p: 2 }))),
  GlobalAveragePool: free(imageNet(op('GlobalAveragePool'))),
  GlobalMaxPool: free(imageNet(op('GlobalMaxPool'))),
  GlobalLpPool: free(imageNet(op('GlobalLpPool'))),
});

testCases('positions given out by a pool hold its channels', {
  'MaxPool with positions': held(
    imageNet((b, x) => {
      const [pooled = '', positions = ''] = b.nodes('MaxPool', [x], 2, window);
      return b.node('Add', [pooled, b.node('Cast', [positions], { to: 1 })]);
    }),
    /positions that count across channels/,
  ),
  'MaxPool whose positions are a graph output': held(
    imageNet((b, x) => {
      const [pooled = '', positions = ''] = b.nodes('MaxPool', [x], 2, window);
      b.output(positions, 'int64');
      return pooled;
    }),
    /positions that count across channels|graph output/,
  ),
});
