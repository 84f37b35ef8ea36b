import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import onnxProto from 'onnx-proto';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { type ConstantForm, ModelBuilder } from './build.ts';
import { type ElementType, fromFloat16, rawBytes, type Storage, toBfloat16, toFloat16 } from './build-tensor.ts';
import { createRandom } from './random.ts';

function values(tensor: Tensor | undefined): unknown[] {
  const data: Iterable<unknown> = tensor?.data ?? [];
  return [...data];
}

describe('createRandom', () => {
  it('repeats itself for a seed and differs between seeds', () => {
    const draw = (seed: number) => Array.from({ length: 5 }, createRandom(seed).uniform);
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  it('has mean 0 and variance 1', () => {
    const random = createRandom(7);
    const numbers = Array.from({ length: 20_000 }, () => random.normal());
    const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
    const variance = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0) / numbers.length;
    expect(Math.abs(mean)).toBeLessThan(0.03);
    expect(Math.abs(variance - 1)).toBeLessThan(0.03);
  });
});

describe('float16', () => {
  it('survives the way there and back for all 65,536 bit patterns', () => {
    for (let bits = 0; bits < 0x1_0000; bits += 1) {
      const value = fromFloat16(bits);
      if (!Number.isNaN(value)) expect(toFloat16(value)).toBe(bits);
    }
  });

  it('rounds to nearest, ties to even', () => {
    expect(toFloat16(1 + 2 ** -11)).toBe(0x3c00);
    expect(toFloat16(1 + 3 * 2 ** -11)).toBe(0x3c02);
    expect(toFloat16(65519.99)).toBe(0x7bff);
    expect(toFloat16(65520)).toBe(0x7c00);
    expect(toFloat16(2 ** -25)).toBe(0);
    expect(toFloat16(Number.NaN)).toBe(0x7e00);
    expect(toBfloat16(1)).toBe(0x3f80);
  });
});

function convNet(): ModelBuilder {
  const b = new ModelBuilder({ opset: 17, seed: 1, metadata: { author: 'test' }, docString: 'a net' });
  const x = b.input('x', 'float32', ['N', 3, 8, 8]);
  const pads = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
  b.output(b.node('Conv', [x, b.weight('w', [16, 3, 3, 3]), b.vector('bias', 16)], pads), 'float32', ['N', 16, 8, 8]);
  return b;
}

describe('ModelBuilder', () => {
  it('builds a net that onnxruntime runs', async () => {
    const session = await InferenceSession.create(convNet().bytes());
    const outputs = await session.run({ x: new Tensor('float32', new Float32Array(2 * 3 * 64).fill(1), [2, 3, 8, 8]) });
    expect(Object.values(outputs)[0]?.dims).toEqual([2, 16, 8, 8]);
  });

  it('gives the same bytes for the same seed', () => {
    expect(convNet().bytes()).toEqual(convNet().bytes());
  });

  it('writes metadata, doc string, names and value infos', () => {
    const b = convNet();
    b.valueInfo('x', 'float32', ['N', undefined]);
    const model = onnxProto.onnx.ModelProto.decode(b.bytes());
    expect(model.docString).toBe('a net');
    expect(model.metadataProps[0]).toMatchObject({ key: 'author', value: 'test' });
    expect(model.graph?.node?.[0]).toMatchObject({ name: 'Conv_0', output: ['Conv_0_out_0'] });
    const dims = model.graph?.valueInfo?.[0]?.type?.tensorType?.shape?.dim;
    expect(dims?.[0]).toMatchObject({ dimParam: 'N' });
    expect(dims?.[1]).not.toHaveProperty('dimValue', expect.anything());
  });

  it('declares a type without a shape when dims are left out', () => {
    const b = new ModelBuilder();
    b.output(b.node('Relu', [b.input('x')]));
    const model = onnxProto.onnx.ModelProto.decode(b.bytes());
    expect(model.graph?.output?.[0]?.type?.tensorType).toMatchObject({ elemType: 1 });
    expect(model.graph?.output?.[0]?.type?.tensorType?.shape ?? undefined).toBeUndefined();
  });

  const dtypes: readonly ElementType[] = [
    ...(['float32', 'float64', 'float16', 'int64', 'int32', 'int16', 'int8'] as const),
    ...(['uint64', 'uint32', 'uint16', 'uint8', 'bool'] as const),
  ];
  const storages: readonly Storage[] = ['raw', 'typed'];
  it.each(dtypes.flatMap((dtype) => storages.map((storage) => [dtype, storage] as const)))(
    'stores %s in the %s field so that onnxruntime reads the numbers back',
    async (dtype, storage) => {
      const b = new ModelBuilder();
      b.output(b.node('Identity', [b.constant('c', dtype, [3], [0, 1, 1], storage)]), dtype, [3]);
      const session = await InferenceSession.create(b.bytes());
      const [output] = Object.values(await session.run({}));
      const one = dtype === 'float16' ? 0x3c00 : 1;
      expect(Array.from(output?.data ?? [], Number)).toEqual([0, one, one]);
    },
  );

  const forms: readonly (readonly [ConstantForm, readonly (number | string)[], ElementType])[] = [
    [{ value: { dtype: 'float32', dims: [2], values: [1, 2] } }, [1, 2], 'float32'],
    [{ value_float: 2 }, [2], 'float32'],
    [{ value_floats: [1, 2] }, [1, 2], 'float32'],
    [{ value_int: 3 }, [3], 'int64'],
    [{ value_ints: [3, 4] }, [3, 4], 'int64'],
    [{ value_string: 'a' }, ['a'], 'string'],
    [{ value_strings: ['a', 'b'] }, ['a', 'b'], 'string'],
    [
      { sparse_value: { dims: [3], indices: [1], values: { dtype: 'float32', dims: [1], values: [5] } } },
      [0, 5, 0],
      'float32',
    ],
  ];
  it.each(forms)('writes the Constant form %j', async (form, expected, dtype) => {
    const b = new ModelBuilder();
    b.output(b.node('Identity', [b.constantNode(form)]), dtype);
    const session = await InferenceSession.create(b.bytes());
    const [output] = Object.values(await session.run({}));
    expect(values(output).map((v) => (typeof v === 'string' ? v : Number(v)))).toEqual(expected);
  });

  it('runs a subgraph that reads an outer weight', async () => {
    const b = new ModelBuilder();
    const x = b.input('x', 'float32', [2]);
    const w = b.constant('w', 'float32', [2], [10, 20]);
    const flag = b.input('flag', 'bool', []);
    const [yes, no] = [b.subgraph('yes'), b.subgraph('no')];
    yes.output(yes.node('Add', [x, w]), 'float32', [2]);
    no.output(no.node('Identity', [x]), 'float32', [2]);
    b.output(b.node('If', [flag], { then_branch: { graph: yes }, else_branch: { graph: no } }), 'float32', [2]);
    const session = await InferenceSession.create(b.bytes());
    const feeds = { x: new Tensor('float32', [1, 2], [2]), flag: new Tensor('bool', [true], []) };
    expect(values(Object.values(await session.run(feeds))[0])).toEqual([11, 22]);
  });

  it('writes external data that onnxruntime finds', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'build-'));
    try {
      convNet().write(join(folder, 'net.onnx'), { location: 'net.data' });
      const session = await InferenceSession.create(join(folder, 'net.onnx'));
      expect(session.inputNames).toEqual(['x']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('refuses what would be ambiguous or wrong', () => {
    const b = new ModelBuilder();
    expect(() => b.node('Elu', ['x'], { alpha: 1.5 })).toThrow('{ float: 1.5 }');
    expect(() => b.node('Sum', ['x'], { axes: [] })).toThrow('{ ints: [] }');
    expect(() => b.constant('c', 'float32', [3], [1])).toThrow('wants 3 values, but 1');
    expect(() => rawBytes('float32', ['a'])).toThrow('holds numbers');
  });
});
