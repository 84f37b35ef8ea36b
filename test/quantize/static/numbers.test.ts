import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { messageOf, present } from '../../../src/errors.ts';
import { exportModel } from '../../../src/ir/model.ts';
import { encodeModel } from '../../../src/onnx/codec.ts';
import { type Feeds, type HostTensor, type Optimization, runAll } from '../../../src/runtime/index.ts';
import { numbersOf } from '../../recover/calibrated.ts';
import { floats } from '../../runtime/models.ts';
import { inputsOf } from '../../support/model-parts.ts';
import { NamedNet } from './nets.ts';
import { outputScale, type Quantized, Quantizer, type Wishes } from './quantized.ts';

const quantizer = new Quantizer();
const C = [8, 8, 3, 3];
const ONE = [8, 8, 1, 1];

async function outputsOf(bytes: Uint8Array, data: readonly Feeds[], optimization?: Optimization): Promise<number[]> {
  const batches = await runAll(quantizer.child, bytes, data, { optimization });
  return batches.flatMap((outputs) =>
    Object.values(outputs).flatMap(({ data }: HostTensor) => Array.from(data, Number)),
  );
}

interface Compared extends Quantized {
  /** Outputs of the float model, of the quantized one, and of that with real numbers between quantizers. */
  readonly whole: readonly number[];
  readonly found: readonly number[];
  readonly simulated: readonly number[];
}

async function compared(net: NamedNet, wishes: Wishes = {}): Promise<Compared> {
  const quantized = await quantizer.quantize(net, wishes);
  const { data, bytes, dense } = quantized;
  return {
    ...quantized,
    whole: await outputsOf(encodeModel(exportModel(dense)), data),
    found: await outputsOf(bytes, data),
    simulated: await outputsOf(bytes, data, 'disabled'),
  };
}

function largest(a: readonly number[], b: readonly number[]): number {
  return a.reduce((most, each, i) => Math.max(most, Math.abs(each - (b[i] as number))), 0);
}

/** Root of the mean square of differences, over that of deviations from the mean. */
function relativeError(found: readonly number[], wanted: readonly number[]): number {
  const mean = wanted.reduce((sum, each) => sum + each, 0) / wanted.length;
  let [error, energy] = [0, 0];
  wanted.forEach((each, i) => {
    error += ((found[i] as number) - each) ** 2;
    energy += (each - mean) ** 2;
  });
  return Math.sqrt(error / energy);
}

/** What may stand between layers: each makes 8 channels of 8. */
const PARTS: Readonly<Record<string, (n: NamedNet, x: string, name: string) => string>> = {
  conv: (n, x, name) => n.conv(name, x, C),
  pointwise: (n, x, name) => n.conv(name, x, ONE, {}, false),
  depthwise: (n, x, name) => n.conv(name, x, [8, 1, 3, 3], { group: 8 }),
  grouped: (n, x, name) => n.conv(name, x, [8, 4, 3, 3], { group: 2 }),
  relu: (n, x, name) => n.named('Relu', name, [x]),
  clip: (n, x, name) => n.named('Clip', name, [x, n.scalar(`${name}_least`, 0), n.scalar(`${name}_most`, 1.5)]),
  leaky: (n, x, name) => n.named('LeakyRelu', name, [x], { alpha: { float: 0.1 } }),
  silu: (n, x, name) => n.named('Mul', name, [x, n.named('Sigmoid', `${name}_s`, [x])]),
  tanh: (n, x, name) => n.named('Tanh', name, [x]),
  residual: (n, x, name) => n.named('Add', name, [x, n.conv(`${name}_c`, x, C)]),
  gate: (n, x, name) => {
    const gate = n.conv(`${name}_c`, n.named('GlobalAveragePool', `${name}_p`, [x]), ONE);
    return n.named('Mul', name, [x, n.named('Sigmoid', `${name}_s`, [gate])]);
  },
  concat: (n, x, name) => {
    const both = n.named('Concat', `${name}_both`, [x, n.conv(`${name}_c`, x, ONE)], { axis: 1 });
    return n.conv(name, both, [8, 16, 1, 1]);
  },
  maximum: (n, x, name) => n.named('MaxPool', name, [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  mean: (n, x, name) => n.named('AveragePool', name, [x], { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
  transposed: (n, x, name) => n.named('ConvTranspose', name, [x, n.weight(`${name}_w`, ONE), n.vector(`${name}_b`, 8)]),
  swapped: (n, x, name) => n.named('Transpose', name, [x], { perm: [0, 1, 3, 2] }),
};

function netOf(parts: readonly string[], seed: number): NamedNet {
  const n = new NamedNet({ seed });
  let x = n.conv('first', n.image(), C);
  parts.forEach((part, i) => {
    x = PARTS[part]?.(n, x, `${part}${i}`) ?? x;
  });
  return n.give(n.conv('last', x, ONE));
}

describe('a quantized model', { timeout: 120_000 }, () => {
  test.each(['minmax', 'mse', 'percentile', 'entropy'] as const)(
    'gives what the float model gives, within a few steps of its output: ranges by %s',
    async (ranges) => {
      const { model, whole, found, simulated } = await compared(netOf(['relu', 'residual', 'silu'], 3), { ranges });
      const step = outputScale(model);
      expect(relativeError(found, whole)).toBeLessThan(ranges === 'entropy' ? 0.1 : 0.03);
      // Integers round at a half what the simulation has just beside it.
      expect(largest(found, simulated)).toBeLessThan(2.5 * step);
    },
  );

  test('loses little in any net of layers, and what the runtime makes of it what is meant', async () => {
    const property = fc.asyncProperty(
      fc.array(fc.constantFrom(...Object.keys(PARTS)), { maxLength: 5 }),
      fc.nat({ max: 999 }),
      fc.constantFrom<('nearest' | 'gptq')[]>('nearest', 'gptq'),
      async (parts, seed, rounding) => {
        const { found, whole, simulated, model } = await compared(netOf(parts, seed + 1), { rounding });
        const errors = { float: relativeError(found, whole), steps: largest(found, simulated) / outputScale(model) };
        try {
          // Each part adds an error of its own, of a step of 256.
          expect(errors.float).toBeLessThan(0.015 * (parts.length + 2));
          expect(errors.steps).toBeLessThan(2.5 + parts.length);
        } catch (error) {
          throw new Error(`${messageOf(error)}: ${parts.join(' ')}, ${JSON.stringify(errors)}`, { cause: error });
        }
      },
    );
    await fc.assert(property, {
      numRuns: Number(process.env['ONNX_PRUNE_RUNS'] ?? 12),
      seed: Number(process.env['ONNX_PRUNE_SEED'] ?? 1),
    });
  });
});

describe('numbers at the edge', { timeout: 60_000 }, () => {
  test('a bias that is beyond 32 bits with the scale of its weight gets a scale that holds it', async () => {
    const n = new NamedNet();
    const tiny = n.constant(
      'w',
      'float32',
      ONE,
      Array.from({ length: 64 }, (_, at) => 1e-9 * Math.sin(at + 1)),
    );
    const huge = n.constant('b', 'float32', [8], [1000, -1000, 3, 0, 500, 250, -125, 1]);
    n.give(n.named('Conv', 'a', [n.image(), tiny, huge]));
    const { whole, found, model } = await compared(n);
    expect(largest(found, whole)).toBeLessThan(1.01 * outputScale(model));
  });

  test.each(['nearest', 'gptq'] as const)('rows of zeros give their bias: %s', async (rounding) => {
    const n = new NamedNet();
    const rows = Array.from({ length: 64 }, (_, at) => (at < 24 ? 0 : Math.sin(at)));
    const a = n.named('Conv', 'a', [n.image(), n.constant('w', 'float32', ONE, rows), n.vector('b', 8)]);
    n.give(n.conv('last', a, ONE));
    const { whole, found } = await compared(n, { rounding });
    expect(relativeError(found, whole)).toBeLessThan(0.03);
  });

  test('rows of zeros give their bias to the last digits where the output is no integer', async () => {
    const n = new NamedNet();
    const flat = n.named('Flatten', 'f', [n.named('GlobalAveragePool', 'g', [n.conv('a', n.image(), C)])]);
    const rows = n.constant('w', 'float32', [8, 3], new Array(24).fill(0));
    n.give(n.named('Gemm', 'last', [flat, rows, n.constant('c', 'float32', [3], [0.123, -4.56e-3, 78.9])]));
    const { whole, found } = await compared(n);
    expect(relativeError(found, whole)).toBeLessThan(1e-6);
  });

  test('a channel that is zero everywhere leaves the others as they are', async () => {
    const n = new NamedNet();
    const gain = n.constant('gain', 'float32', [8, 1, 1], [0, 1, 1, 1, 1, 1, 1, 1]);
    n.give(n.conv('last', n.conv('a', n.named('Mul', 'mul', [n.image(), gain]), C), ONE));
    const { whole, found } = await compared(n, { rounding: 'gptq', equalize: true });
    expect(relativeError(found, whole)).toBeLessThan(0.03);
  });

  test.each(['minmax', 'mse', 'percentile', 'entropy'] as const)(
    'data of zeros quantize to a model that runs: %s',
    async (ranges) => {
      const n = netOf(['relu', 'silu'], 1);
      const data = [{ x: floats([2, 8, 6, 6], new Array<number>(576).fill(0)) }];
      const { whole, found } = await compared(n, { ranges, data });
      expect(largest(found, whole)).toBeLessThan(0.05);
    },
  );

  test('values that are one number everywhere keep it', async () => {
    const n = new NamedNet();
    const a = n.named('Conv', 'a', [
      n.image(),
      n.constant('w', 'float32', ONE, new Array<number>(64).fill(0)),
      n.constant('b', 'float32', [8], new Array<number>(8).fill(-0.7)),
    ]);
    n.give(n.conv('last', a, ONE));
    const { whole, found, model } = await compared(n);
    expect(largest(found, whole)).toBeLessThan(1.01 * outputScale(model));
  });

  test('inputs beyond what was seen are cut off, like their data', async () => {
    const n = new NamedNet();
    n.give(n.conv('a', n.image(), ONE));
    const { bytes, dense } = await quantizer.quantize(n);
    const far = inputsOf(dense, 1);
    const x = present(far['x'], 'x');
    const wild = {
      x: floats(
        x?.dims ?? [],
        Array.from(numbersOf(x), (each) => 1e6 * each),
      ),
    };
    const numbers = await outputsOf(bytes, [wild]);
    expect(numbers.every((each) => Number.isFinite(each) && Math.abs(each) < 100)).toBe(true);
  });
});
