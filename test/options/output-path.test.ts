import { describe, expect, it } from 'vitest';
import { defaultOutput } from '../../src/options/output-path.ts';

describe('the name of the output', () => {
  it.each([
    ['m.onnx', 'm.pruned.onnx'],
    ['some/folder/m.onnx', 'some/folder/m.pruned.onnx'],
    ['m.v2.onnx', 'm.v2.pruned.onnx'],
    ['model', 'model.pruned.onnx'],
    ['M.ONNX', 'M.pruned.ONNX'],
    ['../m.ort', '../m.pruned.ort'],
    ['.onnx', '.onnx.pruned.onnx'],
  ])('of %s is %s', (input, output) => {
    expect(defaultOutput(input).replaceAll('\\', '/')).toBe(output);
  });
});
