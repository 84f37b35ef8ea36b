import { type Build, fresh, integers, next } from './generated-parts.ts';

const NUMBERS = { alpha: { float: 0.7 }, beta: { float: 1.3 } };
const FUNCTIONS = ['Affine', 'ParametricSoftplus', 'ScaledTanh', 'Scale'] as const;

/** Layers of operators that later operator sets dropped. Other layers do not fit these old operator sets. */
export const OLD_LAYERS: Readonly<Record<string, Build>> = {
  oldFunction: (s, x, { b }) => {
    const opType = FUNCTIONS[b % FUNCTIONS.length] ?? 'Affine';
    if (s.opset > 8) return x;
    return next(x, s.b.node(opType, [x.name], opType === 'Scale' ? { scale: { float: 0.5 } } : NUMBERS));
  },
  imageScaler: (s, x) => {
    if (s.opset > 8) return x;
    const bias = { floats: Array.from({ length: x.channels }, () => s.random.normal()) };
    return next(x, s.b.node('ImageScaler', [x.name], { scale: { float: 0.5 }, bias }));
  },
  crop: (s, x) => {
    if (s.opset > 8 || x.side < 4) return x;
    const name = s.b.node('Crop', [x.name], { border: [1, 1, 1, 1] });
    return next(x, s.b.valueInfo(name, 'float32', [s.batch, x.channels, x.side - 2, x.side - 2]), {
      side: x.side - 2,
    });
  },
  dynamicSlice: (s, x, { a }) => {
    if (s.opset > 8) return x;
    const start = a % x.channels;
    const channels = x.channels - start;
    const name = s.b.node('DynamicSlice', [x.name, ...[[start], [x.channels], [1]].map((each) => integers(s, each))]);
    return next(x, s.b.valueInfo(name, 'float32', [s.batch, channels, x.side, x.side]), { channels });
  },
  upsample: (s, x) => {
    if (s.opset !== 9 || x.side > 4) return x;
    const scales = s.b.constant(fresh(s, 'scales'), 'float32', [4], [1, 1, 2, 2]);
    return next(x, s.b.node('Upsample', [x.name, scales]), { side: x.side * 2 });
  },
  scatter: (s, x) => {
    if (s.opset !== 9 || s.batch === 'N') return x;
    const count = 2 * x.channels * x.side * x.side;
    const last = Array.from({ length: count }, (_, i) => x.side - 1 - (i % x.side));
    const indices = s.b.constant(fresh(s, 'i'), 'int64', [2, x.channels, x.side, x.side], last);
    return next(x, s.b.node('Scatter', [x.name, indices, s.b.node('Tanh', [x.name])], { axis: 3 }));
  },
};
