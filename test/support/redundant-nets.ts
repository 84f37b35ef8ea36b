import { ModelBuilder, type WeightOptions } from './build.ts';
import { createRandom, type Random } from './random.ts';

/** Channels between the layers of the nets below, and how many of them say nothing that the others do not. */
export const CHANNELS = 16;
export const REPEATED = 4;

/** Nets of which a quarter of the channels between layers are sums of multiples of the others, and a constant. */
export const redundantNets: Readonly<Record<string, () => ModelBuilder>> = {
  Conv: () => image((net) => net.conv(net.conv('x', 'first'), 'second', [5, CHANNELS, 3, 3])),
  'Conv without bias': () =>
    image((net) => net.b.node('Conv', [net.conv('x', 'first'), net.b.weight('second', [5, CHANNELS, 1, 1])]), 1),
  Gemm: () => flat((net) => net.gemm(net.gemm('x', 'first', 20), 'second', CHANNELS, 5)),
  'MatMul without bias': () =>
    flat((net) => net.b.node('MatMul', [net.gemm('x', 'first', 20), net.b.weight('second', [CHANNELS, 5])])),
  ConvTranspose: () =>
    image((net) => {
      const weight = net.b.weight('second', [CHANNELS, 5, 2, 2], { fanIn: CHANNELS });
      const inputs = [net.conv('x', 'first'), weight, net.b.vector('second.bias', 5)];
      return net.b.node('ConvTranspose', inputs, { strides: [2, 2] }, { name: 'second' });
    }),
  'a residual stream with two readers': () =>
    image((net) => {
      const stream = net.b.node('Add', [net.conv('x', 'first'), net.conv('x', 'branch')]);
      const readers = ['second', 'third'].map((name) => net.conv(stream, name, [5, CHANNELS, 3, 3]));
      return net.b.node('Add', [readers[0] ?? '', net.b.node('Tanh', [readers[1] ?? ''])]);
    }),
  Concat: () =>
    image((net) => {
      const both = net.b.node('Concat', [net.conv('x', 'first'), net.conv('x', 'branch')], { axis: 1 });
      return net.conv(both, 'second', [5, 2 * CHANNELS, 1, 1]);
    }, 1),
};

/** Layers whose last channels repeat the first ones; all of them repeat in the same way, so that sums of two do, too. */
class RedundantLayers {
  readonly b: ModelBuilder = new ModelBuilder();
  readonly #random: Random = createRandom(3);
  /** Of a redundant convolution: nothing where zeros are read beyond a border, which no bias makes up for. */
  readonly #offset: WeightOptions;
  readonly #mix: readonly (readonly number[])[];

  constructor(offset: number) {
    this.#offset = { std: offset };
    const fresh = CHANNELS - REPEATED;
    this.#mix = Array.from({ length: REPEATED }, () =>
      Array.from({ length: fresh }, () => this.#random.normal() / Math.sqrt(fresh)),
    );
  }

  /** A 3x3 convolution: of 4 channels, and redundant, unless dims say otherwise. */
  conv(x: string, name: string, dims?: readonly number[]): string {
    const weight = dims === undefined ? this.#repeating(name, [CHANNELS, 4, 3, 3]) : this.b.weight(name, dims);
    const pad = dims?.[2] === 1 ? 0 : 1;
    const attributes = { pads: [pad, pad, pad, pad] };
    const bias = this.b.vector(`${name}.bias`, dims?.[0] ?? CHANNELS, dims === undefined ? this.#offset : {});
    return this.b.node('Conv', [x, weight, bias], attributes, { name });
  }

  /** A dense layer, redundant unless its width is said. */
  gemm(x: string, name: string, from: number, to?: number): string {
    const weight = to === undefined ? this.#repeating(name, [CHANNELS, from]) : this.b.weight(name, [to, from]);
    const inputs = [x, weight, this.b.vector(`${name}.bias`, to ?? CHANNELS, this.#offset)];
    return this.b.node('Gemm', inputs, { transB: 1 }, { name });
  }

  #repeating(name: string, dims: readonly number[]): string {
    const size = dims.slice(1).reduce((product, dim) => product * dim, 1);
    const values = Float64Array.from(
      { length: CHANNELS * size },
      () => Math.fround(this.#random.normal()) / Math.sqrt(size),
    );
    this.#mix.forEach((factors, i) => {
      for (let k = 0; k < size; k++)
        values[(CHANNELS - REPEATED + i) * size + k] = factors.reduce(
          (sum, factor, from) => sum + factor * (values[from * size + k] as number),
          0,
        );
    });
    return this.b.constant(name, 'float32', dims, values);
  }
}

function image(layers: (net: RedundantLayers) => string, offset = 0): ModelBuilder {
  const net = new RedundantLayers(offset);
  net.b.input('x', 'float32', ['N', 4, 6, 6]);
  net.b.output(net.b.node('Tanh', [layers(net)], {}, { outputs: ['y'] }));
  return net.b;
}

function flat(layers: (net: RedundantLayers) => string): ModelBuilder {
  const net = new RedundantLayers(1);
  net.b.input('x', 'float32', ['N', 20]);
  net.b.output(net.b.node('Tanh', [layers(net)], {}, { outputs: ['y'] }));
  return net.b;
}
