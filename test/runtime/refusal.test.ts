import { expect, test } from 'vitest';
import { blockOf, kernelBlock } from '../../src/runtime/cpu.ts';
import { oneLine, refusal } from '../../src/runtime/refusal.ts';

test.each([
  ['Error: a\n  b.', 'a b'],
  [
    "Non-zero status code returned while running Reshape node. Name:'r' Status Message: /onnxruntime_src/onnxruntime/core/providers/cpu/tensor/reshape_helper.h:47 onnxruntime::ReshapeHelper::ReshapeHelper(const onnxruntime::TensorShape&, onnxruntime::TensorShapeVector&, bool) input_shape_size == size was false. Input shape:{1,4}",
    "Non-zero status code returned while running Reshape node. Name:'r' Status Message: input_shape_size == size was false. Input shape:{1,4}",
  ],
  ['failed: tensorprotoutils.cc:461 ValidateExternalDataPathFromDir it escapes', 'failed: it escapes'],
])('%j on one line', (message, line) => {
  expect(oneLine(message)).toBe(line);
});

test('long messages are cut', () => {
  expect(oneLine('x'.repeat(1000), 10)).toBe('xxxxxxxxx…');
});

test('a type that JavaScript does not have is called by its name', () => {
  expect(refusal('m.onnx', 'refuses', new Error('Unsupported data type: 16')).message).toMatch(
    /bfloat16.*cast it to float32/,
  );
});

test('kernel blocks', () => {
  expect(blockOf('x64', 'flags : sse4_2 avx2 avx512f avx512vl')).toBe(16);
  expect(blockOf('x64', 'flags : sse4_2 avx2')).toBe(8);
  expect(blockOf('x64', '')).toBe(8);
  expect(blockOf('arm64', '')).toBe(8);
  expect(kernelBlock()).toBe(kernelBlock());
});
