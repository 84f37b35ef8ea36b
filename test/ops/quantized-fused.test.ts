import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { decodeModel } from '../../src/onnx/codec.ts';
import type { ModelBuilder } from '../support/build.ts';
import { useCutEqualsMasked } from '../support/cut-equals-masked.ts';
import { QuantizedBuilder } from './quantized-nets.ts';

const cutEqualsMasked = useCutEqualsMasked();

/** The model that onnxruntime makes of another one, with its own quantized operators. */
async function fuse(net: ModelBuilder): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-fused-'));
  try {
    const [plain, fused] = [join(folder, 'plain.onnx'), join(folder, 'fused.onnx')];
    writeFileSync(plain, net.bytes());
    const options = { graphOptimizationLevel: 'extended', optimizedModelFilePath: fused, logSeverityLevel: 3 } as const;
    const session = await ort.InferenceSession.create(plain, options);
    await session.release();
    return readFileSync(fused);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function operatorsOf(bytes: Uint8Array): Set<string> {
  return new Set(decodeModel(bytes).graph?.node?.map(({ opType }) => opType ?? ''));
}

/** A float net with QuantizeLinear and DequantizeLinear around everything: residual, depthwise, pools, Concat, Gemm. */
function qdq(): ModelBuilder {
  const b = new QuantizedBuilder({ seed: 11 });
  const around = (x: string): string => {
    const grid = b.grid(0.02, 128);
    return b.dequantize(b.quantize(x, grid), grid);
  };
  const weight = (name: string, dims: readonly number[]): string =>
    b.node('DequantizeLinear', b.quantized(name, dims), { axis: 0 });
  const padded = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  const halved = { kernel_shape: [2, 2], strides: [2, 2] };
  const x = around(b.input('image', 'float32', ['N', 3, 8, 8]));
  const first = around(b.node('Conv', [x, weight('first', [16, 3, 3, 3]), b.vector('bias', 16)], padded));
  const second = around(b.node('Conv', [first, weight('second', [16, 16, 3, 3])], padded));
  const sum = around(b.node('Add', [first, second]));
  const deep = around(b.node('Conv', [sum, weight('deep', [16, 1, 3, 3])], { ...padded, group: 16 }));
  const both = [around(b.node('MaxPool', [deep], halved)), around(b.node('AveragePool', [deep], halved))];
  const pooled = around(b.node('GlobalAveragePool', [around(b.node('Concat', both, { axis: 1 }))]));
  const made = b.node('Gemm', [around(b.node('Flatten', [pooled])), weight('last', [10, 32])], { transB: 1 });
  b.output(around(made), 'float32');
  return b;
}

/** Two dense layers as the dynamic quantizer writes them. */
function dynamic(): ModelBuilder {
  const b = new QuantizedBuilder();
  const layer = (x: string, name: string, dims: readonly number[]): string => {
    const [quantized = '', scale = '', zero = ''] = b.nodes('DynamicQuantizeLinear', [x], 3);
    const [weight, weightScale, weightZero] = b.quantized(name, dims, 1);
    const sums = b.node('MatMulInteger', [quantized, weight, zero, weightZero]);
    const real = b.node('Mul', [b.node('Cast', [sums], { to: 1 }), b.node('Mul', [scale, weightScale])]);
    return b.node('Add', [real, b.vector(`${name}_bias`, dims[1] ?? 1)]);
  };
  const x = b.input('rows', 'float32', ['N', 6, 5]);
  b.output(layer(b.node('Relu', [layer(x, 'first', [5, 8])]), 'last', [8, 4]), 'float32');
  return b;
}

test('a net of QuantizeLinear and DequantizeLinear, fused', async () => {
  const bytes = await fuse(qdq());
  const operators = operatorsOf(bytes);
  for (const opType of ['QLinearConv', 'QLinearAdd', 'QLinearConcat', 'QLinearGlobalAveragePool', 'QGemm'])
    expect(operators).toContain(opType);
  expect((await cutEqualsMasked(bytes)).groups).toEqual(['first 16']);
});

test('dynamically quantized layers, fused', async () => {
  const bytes = await fuse(dynamic());
  expect(operatorsOf(bytes)).toContain('DynamicQuantizeMatMul');
  const { groups, removed } = await cutEqualsMasked(bytes);
  expect(groups).toEqual(['first 8']);
  expect(removed).toBeGreaterThan(0);
});
