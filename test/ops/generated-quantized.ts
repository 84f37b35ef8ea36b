import {
  type Build,
  divisorOf,
  fresh,
  type Image,
  type Integers,
  imageOf,
  integers,
  type Layer,
  like,
  next,
  ours,
  project,
  reshape,
  type State,
  scalar,
  scaled,
  tokensOf,
  transpose,
  weight,
} from './generated-parts.ts';
import type { Grid, Narrow } from './quantized-nets.ts';

/** A scale and a zero point far from 0, so that masking with 0 would show. */
function grid(s: State, scale = 0.05, zero: number = s.narrow === 'uint8' ? 117 : -9, type: Narrow = s.narrow): Grid {
  return { scale: scalar(s, scale), zero: s.b.constant(fresh(s, 'zero'), type, [], [zero]) };
}

const quantize = (s: State, real: string, { scale, zero }: Grid): string =>
  s.b.node('QuantizeLinear', [real, scale, zero]);
const dequantize = (s: State, { name, grid: { scale, zero } }: Integers): string =>
  s.b.node('DequantizeLinear', [name, scale, zero]);

/** A value and its scale and zero point, as operators take them. */
const triple = ({ name, grid: { scale, zero } }: Integers): string[] => [name, scale, zero];

/** An image without what makes it one of integers. */
const bare = ({ name, channels, side }: Image): Image => ({ name, channels, side });

/** Integers of a real value. */
function integersOf(s: State, x: Image, to: Grid = grid(s)): Integers {
  return { ...x, name: quantize(s, x.name, to), grid: to };
}

/**
 * A weight with its scale and zero point, which may differ along an axis. Sums of two products fit into int16, where
 * processors without instructions for four keep them.
 */
function wholeWeight(s: State, dims: readonly number[], axis = 0, form = s.weights): [string, string, string] {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const middle = form.type === 'uint8' ? 128 : 0;
  const values = Array.from({ length: size }, () => middle + s.random.below(127) - 63);
  const length = form.perChannel ? (dims[axis] ?? 1) : 1;
  const own = form.perChannel ? [length] : [];
  const scales = Array.from({ length }, (_, i) => 0.004 * (1 + (i % 3)));
  const zeros = scales.map((_, i) => (form.type === 'uint8' ? 125 + (i % 5) : 0));
  return [
    s.b.constant(fresh(s, 'q'), form.type, dims, values),
    s.b.constant(fresh(s, 'scales'), 'float32', own, scales),
    s.b.constant(fresh(s, 'zeros'), form.type, own, zeros),
  ];
}

/** int32 numbers of about the size of a sum. */
function wholeBias(s: State, length: number): string {
  const values = Array.from({ length }, () => s.random.below(4000) - 2000);
  return s.b.constant(fresh(s, 'bias'), 'int32', [length], values);
}

interface ConvForm {
  readonly kernel?: number;
  readonly group?: number;
  readonly bias?: boolean;
}

function qConv(s: State, x: Integers, channels: number, form: ConvForm = {}): Integers {
  const { kernel = 1, group = 1, bias = true } = form;
  const [to, pad] = [grid(s), kernel >> 1];
  const inputs = [...triple(x), ...wholeWeight(s, [channels, x.channels / group, kernel, kernel]), to.scale, to.zero];
  if (bias) inputs.push(wholeBias(s, channels));
  const name = s.b.node('QLinearConv', inputs, { pads: [pad, pad, pad, pad], group });
  return { ...x, name, channels, grid: to };
}

/** An operator of the runtime's domain with one operand of integers. */
function unary(s: State, x: Integers, opType: string, attributes = {}): Integers {
  const to = grid(s, 0.04, s.narrow === 'uint8' ? 100 : 3);
  return { ...x, name: s.b.node(opType, [...triple(x), to.scale, to.zero], attributes, ours), grid: to };
}

function binary(s: State, x: Integers, y: Integers, opType: string): Integers {
  const to = grid(s, 0.09, s.narrow === 'uint8' ? 100 : 3);
  return { ...x, name: s.b.node(opType, [...triple(x), ...triple(y), to.scale, to.zero], {}, ours), grid: to };
}

const pooled = (s: State, x: Integers): Integers => ({ ...unary(s, x, 'QLinearGlobalAveragePool'), side: 1 });

/** Earlier integers of the same size, brought to as many channels. */
function partner(s: State, x: Integers, layer: Layer, channels = x.channels): Integers {
  const fitting = s.integers.filter(({ side }) => side === x.side);
  const other = fitting[fitting.length - 1 - (layer.b % Math.max(1, fitting.length))] ?? x;
  return other.channels === channels && other !== x ? other : qConv(s, other, channels);
}

/** Real numbers → DynamicQuantizeLinear → sums of integers by `sum` → real numbers again. */
function dynamically(s: State, real: string, scales: string, sum: (whole: string, zero: string) => string): string {
  const [whole = '', scale = '', zero = ''] = s.b.nodes('DynamicQuantizeLinear', [real], 3);
  const sums = s.b.node('Cast', [sum(whole, zero)], { to: 1 });
  return s.b.node('Mul', [sums, s.b.node('Mul', [scale, scales])]);
}

/** What a quantized layer makes of integers: integers, or real numbers. */
type Kernel = (s: State, x: Integers, layer: Layer) => Integers | Image;

const isWhole = (x: Integers | Image): x is Integers => 'grid' in x;

/** The dynamic products, real numbers from the runtime's own operators or from int32 sums. */
const dynamicProduct: Kernel = (s, x, { a, b }) => {
  const channels = 2 + a;
  const rows = tokensOf(s, { ...x, name: dequantize(s, x) });
  const [w, scale, zero] = wholeWeight(s, [x.channels, channels], 1);
  const bias = weight(s, [channels]);
  let made: string;
  if (b % 3 === 0) made = s.b.node('DynamicQuantizeMatMul', [rows, w, scale, zero, ...(b > 3 ? [bias] : [])], {}, ours);
  else if (b % 3 === 1) {
    const [whole = '', own = '', from = ''] = s.b.nodes('DynamicQuantizeLinear', [rows], 3);
    made = s.b.node('MatMulIntegerToFloat', [whole, w, own, scale, from, zero, ...(b > 3 ? [bias] : [])], {}, ours);
  } else made = dynamically(s, rows, scale, (whole, from) => s.b.node('MatMulInteger', [whole, w, from, zero]));
  const image = imageOf(s, x, made, channels);
  return integersOf(s, next(image, s.b.node('Relu', [image.name])));
};

const KERNELS: Readonly<Record<string, Kernel>> = {
  qConv: (s, x, { a, b }) => {
    const [group, kernel] = [divisorOf(x.channels, b), b % 2 === 0 ? 1 : 3];
    if (b > 5) return qConv(s, x, x.channels * (1 + (a % 2)), { kernel, group: x.channels });
    return b > 3 ? qConv(s, x, group * (1 + (a % 4)), { kernel, group }) : qConv(s, x, 2 + a, { kernel, bias: b < 2 });
  },
  qChannelsLast: (s, x, { a, b }) => {
    const [channels, last, to] = [2 + a, { channels_last: 1 }, grid(s)];
    const turned = transpose(s, x.name, 0, 2, 3, 1);
    const inputs = [turned, x.grid.scale, x.grid.zero, ...wholeWeight(s, [channels, x.channels, 1, 1])];
    const made = s.b.node('QLinearConv', [...inputs, to.scale, to.zero], last, ours);
    let out: Integers = { ...x, name: made, channels, grid: to };
    if (b % 2 === 0) out = unary(s, out, 'QLinearAveragePool', { ...last, kernel_shape: [3, 3], pads: [1, 1, 1, 1] });
    if (b % 3 === 0)
      out = { ...out, name: s.b.node('NhwcMaxPool', [out.name], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }, ours) };
    if (b > 5) out = { ...unary(s, out, 'QLinearGlobalAveragePool', last), side: 1 };
    return { ...out, name: transpose(s, out.name, 0, 3, 1, 2) };
  },
  qBinary: (s, x, layer) => {
    const opType = layer.b % 2 === 0 ? 'QLinearAdd' : 'QLinearMul';
    if (layer.a < 5) return binary(s, x, partner(s, x, layer), opType);
    const form = { type: s.narrow, perChannel: false };
    const [name, scale, zero] = wholeWeight(s, layer.a === 5 ? [1] : [x.channels, 1, 1], 0, form);
    return binary(s, x, { ...x, name, grid: { scale, zero } }, opType);
  },
  qUnary: (s, x, { a, b }) => {
    if (a % 3 === 0) return unary(s, x, 'QLinearSigmoid');
    if (a % 3 === 1) return unary(s, x, 'QLinearLeakyRelu', { alpha: { float: 0.1 } });
    return unary(s, x, 'QLinearSoftmax', { axis: 1 + (b % 3), opset: 13 });
  },
  qPool: (s, x, { b }) => {
    if (x.side < 4) return x;
    const windows = { kernel_shape: [2, 2], strides: [2, 2] };
    if (b % 2 === 0) return { ...unary(s, x, 'QLinearAveragePool', windows), side: x.side / 2 };
    return { ...x, name: s.b.node('MaxPool', [x.name], windows), side: x.side / 2 };
  },
  qGate: (s, x, { a }) => {
    const squeezed = qConv(s, pooled(s, x), 1 + a);
    return binary(s, x, unary(s, qConv(s, squeezed, x.channels), 'QLinearSigmoid'), 'QLinearMul');
  },
  qGemm: (s, x, { a, b }) => {
    const whole = pooled(s, x);
    const rows = { ...whole, name: reshape(s, whole.name, x.channels) };
    const [hidden, to, transB] = [2 + a, grid(s), b % 2];
    const dims = transB === 1 ? [hidden, x.channels] : [x.channels, hidden];
    const first = [...triple(rows), ...wholeWeight(s, dims, 1 - transB), b > 3 ? wholeBias(s, hidden) : ''];
    const made = s.b.node('QGemm', [...first, to.scale, to.zero], { transB }, ours);
    const second = [made, to.scale, to.zero, ...wholeWeight(s, [hidden, x.channels], 1), wholeBias(s, x.channels)];
    if (b % 3 === 0) {
      const gain = reshape(s, s.b.node('QGemm', second, {}, ours), x.channels, 1, 1);
      return next(bare(x), s.b.node('Mul', [dequantize(s, x), s.b.node('Sigmoid', [gain])]));
    }
    const end = grid(s);
    const gain = reshape(s, s.b.node('QGemm', [...second, end.scale, end.zero], {}, ours), x.channels, 1, 1);
    return binary(s, x, unary(s, { ...x, name: gain, side: 1, grid: end }, 'QLinearSigmoid'), 'QLinearMul');
  },
  qConcat: (s, x, layer) => {
    const other = partner(s, x, layer, 2 + layer.a);
    const to = grid(s, 0.07);
    const name = s.b.node('QLinearConcat', [to.scale, to.zero, ...triple(x), ...triple(other)], { axis: 1 }, ours);
    return { ...x, name, channels: x.channels + other.channels, grid: to };
  },
  qWhere: (s, x, layer) => {
    const [other, to, pixels] = [partner(s, x, layer), grid(s, 0.06), x.side * x.side];
    const flags = Array.from({ length: pixels }, (_, i) => i % 2);
    const mask = s.b.constant(fresh(s, 'flags'), 'bool', [1, 1, x.side, x.side], flags);
    const inputs = [mask, ...triple(x), ...triple(other), to.scale, to.zero];
    return { ...x, name: s.b.node('QLinearWhere', inputs, {}, ours), grid: to };
  },
  qMatMul: (s, x, layer) => {
    const [rows, to] = [tokensOf(s, x), grid(s, 0.08)];
    const from = [rows, x.grid.scale, x.grid.zero];
    if (layer.b % 3 !== 0) {
      const channels = 2 + layer.a;
      const inputs = [...from, ...wholeWeight(s, [x.channels, channels], 1), to.scale, to.zero];
      return { ...imageOf(s, x, s.b.node('QLinearMatMul', inputs), channels), grid: to };
    }
    // Two activations: how alike pixels are, times channels.
    const other = partner(s, x, layer);
    const columns = reshape(s, other.name, x.channels, x.side * x.side);
    const alike = s.b.node('QLinearMatMul', [...from, columns, other.grid.scale, other.grid.zero, to.scale, to.zero]);
    const [end, mixed] = [grid(s, 0.2), [rows, x.grid.scale, x.grid.zero]];
    const name = s.b.node('QLinearMatMul', [alike, to.scale, to.zero, ...mixed, end.scale, end.zero]);
    return { ...imageOf(s, x, name, x.channels), grid: end };
  },
  dynamicProduct,
  dynamicConv: (s, x, { a, b }) => {
    const depthwise = b % 3 === 0;
    const [channels, group] = depthwise ? [x.channels, x.channels] : [2 + a, 1];
    const kernel = b % 2 === 0 ? 1 : 3;
    const pad = kernel >> 1;
    // onnxruntime takes one zero point for a weight here, or none.
    const form = { type: s.weights.type, perChannel: s.weights.perChannel && s.weights.type === 'int8' };
    const [w, scale, zero] = wholeWeight(s, [channels, x.channels / group, kernel, kernel], 0, form);
    const over = form.perChannel ? s.b.node('Reshape', [scale, integers(s, [-1, 1, 1])]) : scale;
    const name = dynamically(s, dequantize(s, x), over, (whole, from) =>
      s.b.node('ConvInteger', [whole, w, from, ...(form.perChannel ? [] : [zero])], {
        pads: [pad, pad, pad, pad],
        group,
      }),
    );
    return integersOf(s, next(x, s.b.node('Relu', [name]), { channels }));
  },
  qAttention: (s, from, { a, b }) => {
    // onnxruntime has it for uint8 only.
    const x = integersOf(s, next(bare(from), dequantize(s, from)), grid(s, 0.05, 117, 'uint8'));
    const [heads, depth] = [1 + (a % 4), 1 + (b % 3)];
    const features = heads * depth;
    const [w, scale, zero] = wholeWeight(s, [x.channels, 3 * features], 1);
    const inputs = [tokensOf(s, x), w, weight(s, [3 * features]), x.grid.scale, scale, '', x.grid.zero, zero];
    const y = s.b.node('QAttention', inputs, { num_heads: heads, ...(b === 7 ? { unidirectional: 1 } : {}) }, ours);
    return a % 2 === 0 ? imageOf(s, bare(x), y, features) : imageOf(s, bare(x), project(s, y, features, 2 + b), 2 + b);
  },
  dynamicLstm: (s, x, { a, b }) => {
    const [hidden, directions] = [2 + (a % 3), 1 + (b % 2)];
    const columns = 4 * hidden;
    const steps = transpose(s, tokensOf(s, { ...x, name: dequantize(s, x) }), 1, 0, 2);
    const form = { type: s.weights.type, perChannel: false };
    const packed = (rows: number): string[] => {
      const [w] = wholeWeight(s, [directions, rows, columns], 0, form);
      const dims = s.weights.perChannel ? [directions, columns] : [directions];
      const count = dims.reduce((product, dim) => product * dim, 1);
      // onnxruntime wants them equal here.
      const zeros = Array<number>(count).fill(form.type === 'uint8' ? 126 : 0);
      return [
        w,
        s.b.constant(
          fresh(s, 'scales'),
          'float32',
          dims,
          Array.from({ length: count }, (_, i) => 0.004 * (1 + (i % 3))),
        ),
        s.b.constant(fresh(s, 'zeros'), form.type, dims, zeros),
      ];
    };
    const [[w = '', ...ofW], [r = '', ...ofR]] = [packed(x.channels), packed(hidden)];
    const bias = weight(s, [directions, 2 * columns]);
    const inputs = [steps, w, r, bias, '', '', '', '', ...ofW, ...ofR];
    const attributes = { hidden_size: hidden, direction: directions === 2 ? 'bidirectional' : 'forward' };
    const y = s.b.node('DynamicQuantizeLSTM', inputs, attributes, ours);
    const tokens = reshape(s, transpose(s, y, 2, 0, 1, 3), x.side * x.side, directions * hidden);
    return imageOf(s, bare(x), tokens, directions * hidden);
  },
  requantized: (s, x, { b }) => {
    const scales = Array.from({ length: x.channels }, (_, i) => 0.02 * (1 + (i % 3)));
    const along = s.b.constant(fresh(s, 'scales'), 'float32', [x.channels], scales);
    const own = b % 2 === 0;
    const type = own ? 'int16' : s.narrow;
    const zeros = s.b.constant(
      fresh(s, 'zeros'),
      type,
      [x.channels],
      scales.map((_, i) => 5 + (i % 4)),
    );
    const [options, axis] = [own ? ours : {}, { axis: 1 }];
    const whole = s.b.node('QuantizeLinear', [dequantize(s, x), along, zeros], axis, options);
    return integersOf(s, next(x, s.b.node('DequantizeLinear', [whole, along, zeros], axis, options)));
  },
};

/** The latest integers by number; the first are those of the input. */
function pickIntegers(s: State, index: number): Integers {
  if (s.integers.length === 0) s.integers.push(qConv(s, integersOf(s, s.input, grid(s, 0.02)), 6, { kernel: 3 }));
  const found = s.integers[s.integers.length - 1 - (index % s.integers.length)];
  if (found === undefined) throw new Error('there are no integers to read');
  return found;
}

/**
 * Integers come from other integers, up to those of the input, and are equal in the masked and the cut model. Where they
 * come from real numbers instead, a rounding error there may turn a step round: then they leave a trace so small that one
 * step is no difference, and all of them are one.
 */
function quantized(kernel: Kernel): Build {
  return (s, x, layer) => {
    if (layer.with === 3) {
      const made = kernel(s, integersOf(s, x), layer);
      const image = like(s, isWhole(made) ? next(bare(made), dequantize(s, made)) : made, x);
      return next(x, s.b.node('Add', [x.name, s.b.node('Mul', [image.name, scalar(s, 1e-4)])]));
    }
    const made = kernel(s, pickIntegers(s, layer.from), layer);
    if (isWhole(made) && made.channels <= 40) s.integers.push(made);
    const image = isWhole(made) ? next(bare(made), dequantize(s, made)) : made;
    if (layer.with === 0) return image;
    if (layer.with === 1) return next(x, s.b.node('Add', [x.name, like(s, image, x).name]));
    const fitting = image.side === x.side ? image : scaled(s, image, x.side);
    return next(x, s.b.node('Concat', [x.name, fitting.name], { axis: 1 }), { channels: x.channels + image.channels });
  };
}

/** Layers of quantized values. */
export const QUANTIZED_LAYERS: Readonly<Record<string, Build>> = Object.fromEntries(
  Object.entries(KERNELS).map(([kind, kernel]) => [kind, quantized(kernel)]),
);
