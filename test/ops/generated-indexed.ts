import {
  type Build,
  conv,
  divisorOf,
  faint,
  fresh,
  gated,
  type Image,
  integers,
  next,
  ours,
  reshape,
  type State,
  scalar,
  transpose,
  weight,
} from './generated-parts.ts';

const upTo = (length: number): number[] => [...Array(length).keys()];

/** A constant of int64 with these dims. */
function table(s: State, dims: readonly number[], valueAt: (...place: number[]) => number): string {
  let places: number[][] = [[]];
  for (const dim of dims) places = places.flatMap((place) => upTo(dim).map((i) => [...place, i]));
  return s.b.constant(
    fresh(s, 'i'),
    'int64',
    dims,
    places.map((place) => valueAt(...place)),
  );
}

/** A few channels in any order, none twice. */
function someChannels(s: State, x: Image, wish: number): number[] {
  const drawn = upTo(x.channels).map((channel) => ({ channel, lot: s.random.uniform() }));
  drawn.sort((p, q) => p.lot - q.lot);
  return drawn.slice(0, 1 + (wish % x.channels)).map(({ channel }) => channel);
}

/** Places in an image, [N, S, S, 2], that a layer makes. */
const placesOf = (s: State, x: Image): string => transpose(s, s.b.node('Tanh', [conv(s, x, 2).name]), 0, 2, 3, 1);

/** What reads, writes or samples by index. Constant indices of a sample need a batch of known length. */
export const INDEXED_LAYERS: Readonly<Record<string, Build>> = {
  gatherND: (s, x, { a, b }) => {
    if (s.batch === 'N') return x;
    const channels = someChannels(s, x, a);
    if (b % 3 === 0) {
      const name = s.b.node('GatherND', [x.name, table(s, [2, 1], (n) => 1 - n)], {}, b % 2 === 0 ? ours : {});
      return next(x, name);
    }
    const grid = table(s, [2, channels.length, 2], (n = 0, c = 0, part = 0) => (part === 0 ? n : (channels[c] ?? 0)));
    return next(x, s.b.node('GatherND', [x.name, grid]), { channels: channels.length });
  },
  gatherElements: (s, x, { a, b }) => {
    if (s.batch === 'N') {
      const [, places = ''] = s.b.nodes('TopK', [x.name, integers(s, [x.side])], 2, { axis: 3 });
      return next(x, s.b.node('GatherElements', [x.name, places], { axis: 3 }));
    }
    const channels = someChannels(s, x, a);
    const dims = [2, channels.length, x.side, x.side];
    const along = b % 2 === 0 ? 1 : 3;
    const indices = table(s, dims, (_, c = 0, h = 0, w = 0) =>
      along === 1 ? (channels[c] ?? 0) - (b > 4 ? x.channels : 0) : (w + c + h) % x.side,
    );
    const name = s.b.node('GatherElements', [x.name, indices], { axis: along });
    return next(x, name, { channels: channels.length });
  },
  scatterND: (s, x, { a, b }) => {
    if (s.batch === 'N') return x;
    const channels = someChannels(s, x, a);
    const grid =
      b % 2 === 0
        ? table(s, [2, 1], (n) => 1 - n)
        : table(s, [2, channels.length, 2], (n = 0, c = 0, part = 0) => (part === 0 ? n : (channels[c] ?? 0)));
    const updates = conv(s, x, b % 2 === 0 ? x.channels : channels.length);
    return next(x, s.b.node('ScatterND', [x.name, grid, updates.name]));
  },
  scatterElements: (s, x, { a, b }) => {
    if (s.batch === 'N') return x;
    const channels = someChannels(s, x, a);
    const along = b % 2 === 0 ? 1 : 3;
    const indices = table(s, [2, channels.length, x.side, x.side], (_, c = 0, h = 0, w = 0) =>
      along === 1 ? (channels[c] ?? 0) : (w + c + h) % x.side,
    );
    const updates = conv(s, x, channels.length);
    return next(x, s.b.node('ScatterElements', [x.name, indices, updates.name], { axis: along }));
  },
  tensorScatter: (s, x) => {
    if (s.opset < 24) return x;
    const rows = s.b.node('Slice', [s.b.node('Tanh', [x.name]), ...[[0], [1], [2]].map((each) => integers(s, each))]);
    return next(x, s.b.node('TensorScatter', [x.name, rows]));
  },
  compressed: (s, x) => {
    const flags = s.b.constant(
      fresh(s, 'flags'),
      'bool',
      [x.side],
      upTo(x.side).map((i) => 1 - (i % 2)),
    );
    const rows = s.b.node('Compress', [x.name, flags], { axis: 2 });
    return gated(s, x, s.b.node('GlobalMaxPool', [rows]));
  },
  topK: (s, x) => next(x, s.b.nodes('TopK', [x.name, integers(s, [x.side])], 2, { axis: 2 })[0] ?? ''),
  cumulated: (s, x, { b }) => {
    const opType = s.opset >= 26 && b % 2 === 1 ? 'CumProd' : 'CumSum';
    const axis = s.b.constant(fresh(s, 'axis'), 'int64', [], [opType === 'CumProd' ? 2 : 1 + (b % 3)]);
    return next(x, s.b.node('Tanh', [s.b.node(opType, [x.name, axis], { exclusive: b > 3 ? 1 : 0 })]));
  },
  reversed: (s, x) => {
    if (s.batch === 'N') return x;
    const lengths = s.b.constant(fresh(s, 'lengths'), 'int64', [2], [x.side, 1]);
    const rows = transpose(s, x.name, 0, 2, 1, 3);
    const turned = s.b.node('ReverseSequence', [rows, lengths], { batch_axis: 0, time_axis: 1 });
    return next(x, transpose(s, turned, 0, 2, 1, 3));
  },
  fourier: (s, x) => {
    if (s.opset < 17) return x;
    const apart = s.b.node('Unsqueeze', [x.name, integers(s, [4])]);
    const axis = s.opset < 20 ? [] : ['', s.b.constant(fresh(s, 'axis'), 'int64', [], [2])];
    const parts = s.b.node('DFT', [apart, ...axis], s.opset < 20 ? { axis: 2 } : {});
    return next(x, s.b.node('ReduceSum', [parts, integers(s, [4])], { keepdims: 0 }));
  },
  marked: (s, x, { b }) => {
    const largest = s.b.node('ArgMax', [x.name], { axis: 3, keepdims: 0 });
    const depth = s.b.constant(fresh(s, 'depth'), 'int64', [], [x.side]);
    const values = s.b.constant(fresh(s, 'values'), 'float32', [2], [0, 1]);
    return faint(s, x, s.b.node('OneHot', [largest, depth, values], { axis: b % 2 === 0 ? -1 : 2 }));
  },
  unfolded: (s, x) => {
    if (x.side < 2) return x;
    const halved = [2, 3].reduce((name, dim) => {
      const windows = s.b.node('UnfoldTensor', [name], { dim, size: 2, step: 2 }, ours);
      return s.b.node('ReduceSum', [windows, integers(s, [4])], { keepdims: 0 });
    }, x.name);
    return next(x, halved, { side: x.side / 2 });
  },
  triangle: (s, x, { b }) =>
    s.opset < 14 ? x : next(x, s.b.node('Trilu', [x.name], { upper: b % 2 }, b > 3 ? ours : {})),
  determinant: (s, x) => {
    const matrices = s.b.node('Det', [s.b.node('Tanh', [x.name])]);
    return gated(s, x, s.b.node('Unsqueeze', [matrices, integers(s, [2, 3])]));
  },
  inverse: (s, x) => {
    const identity = upTo(x.side).flatMap((i) => upTo(x.side).map((j) => (i === j ? 2 : 0)));
    const near = s.b.constant(fresh(s, 'near'), 'float32', [x.side, x.side], identity);
    const small = s.b.node('Mul', [s.b.node('Tanh', [x.name]), scalar(s, 0.1)]);
    return next(x, s.b.node('Inverse', [s.b.node('Add', [small, near])], {}, ours));
  },
  gridSample: (s, x, { b }) => {
    if (b % 2 === 0) return next(x, s.b.node('GridSample', [x.name, placesOf(s, x)], {}, ours));
    return s.opset < 16 ? x : next(x, s.b.node('GridSample', [x.name, placesOf(s, x)]));
  },
  boxes: (s, x, { b }) => {
    if (s.batch === 'N') return x;
    const [end, samples] = [x.side - 1, [0, 1]];
    const corners = [0, 0, end, end, 0, 0, end, end / 2];
    if (b % 3 === 0) {
      const rows = s.b.constant(
        fresh(s, 'boxes'),
        'float32',
        [2, 4],
        corners.map((corner) => corner / x.side),
      );
      const of = s.b.constant(fresh(s, 'of'), 'int32', [2], samples);
      const size = s.b.constant(fresh(s, 'size'), 'int32', [2], [x.side, x.side]);
      const name = s.b.node('CropAndResize', [x.name, rows, of, size], {}, ours);
      return next(x, s.b.valueInfo(name, 'float32', [2, x.channels, x.side, x.side]));
    }
    if (s.opset >= 22) return x;
    if (b % 3 === 1) {
      const rows = s.b.constant(fresh(s, 'boxes'), 'float32', [2, 4], corners);
      const size = { output_height: x.side, output_width: x.side };
      return next(x, s.b.node('RoiAlign', [x.name, rows, integers(s, samples)], size));
    }
    const rows = [0, ...corners.slice(0, 4), 1, ...corners.slice(4)];
    const boxes = s.b.constant(fresh(s, 'boxes'), 'float32', [2, 5], rows);
    return next(x, s.b.node('MaxRoiPool', [x.name, boxes], { pooled_shape: [x.side, x.side] }));
  },
  columns: (s, x, { a }) => {
    if (s.opset < 18 || x.side > 4) return x;
    const channels = 1 + (a % 4);
    const wide = conv(s, x, channels * 4);
    const inputs = [reshape(s, wide.name, channels * 4, x.side * x.side), integers(s, [2 * x.side, 2 * x.side])];
    const name = s.b.node('Col2Im', [...inputs, integers(s, [2, 2])], { strides: [2, 2] });
    return next(x, name, { channels, side: 2 * x.side });
  },
  centred: (s, x, { b }) => {
    if (s.opset < 18) return x;
    const side = x.side > 4 ? 4 : x.side * 2;
    const named =
      b % 2 === 0 ? { shape: [side, side], axes: [2, 3] } : { shape: [x.channels, side, side], axes: [1, 2, 3] };
    return next(x, s.b.node('CenterCropPad', [x.name, integers(s, named.shape)], { axes: named.axes }), { side });
  },
  deformed: (s, x, { a, b }) => {
    if (s.opset < 19) return x;
    const groups = b % 2 === 0 ? 1 : divisorOf(x.channels, b);
    const channels = groups * (1 + (a % 4));
    const offsets = b > 3 && x.channels % 2 === 0 ? 2 : 1;
    const places = conv(s, x, offsets * 18, 3);
    const inputs = [x.name, weight(s, [channels, x.channels / groups, 3, 3]), s.b.node('Tanh', [places.name])];
    const name = s.b.node('DeformConv', [...inputs, weight(s, [channels])], {
      group: groups,
      offset_group: offsets,
      pads: [1, 1, 1, 1],
    });
    return next(x, name, { channels });
  },
  distances: (s, x) => {
    const features = s.b.node('Flatten', [s.b.node('GlobalAveragePool', [x.name])]);
    const far = s.b.node('CDist', [features, weight(s, [5, x.channels])], { metric: 'sqeuclidean' }, ours);
    const gains = s.b.node('MatMul', [s.b.valueInfo(far, 'float32', [s.batch, 5]), weight(s, [5, x.channels], 5)]);
    return gated(s, x, reshape(s, gains, x.channels, 1, 1));
  },
  ownPad: (s, x, { a, b }) => {
    const [before, after] = [a % 3, b % 3];
    const name = s.b.node('Pad', [x.name, integers(s, [0, before, 0, 0, 0, after, 0, 0])], {}, ours);
    const channels = x.channels + before + after;
    return next(x, s.b.valueInfo(name, 'float32', [s.batch, channels, x.side, x.side]), { channels });
  },
};
