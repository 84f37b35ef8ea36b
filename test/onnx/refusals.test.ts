import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { OnnxPruneError } from '../../src/errors.ts';
import { decodeModel, encodeModel } from '../../src/onnx/codec.ts';
import { foreignModel, refusal } from './foreign-model.ts';

describe('refusals', () => {
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);

  test.each([
    ['an empty file', new Uint8Array(), /is empty/],
    ['a zip', Uint8Array.of(0x50, 0x4b, 3, 4, 20, 0, 0, 0, 8, 0), /not an ONNX model: it is a zip/],
    ['a PNG', Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0), /not an ONNX model: it is a PNG/],
    ['gzip', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0), /compressed with gzip/],
    ['HTML', text('<!DOCTYPE html><html><body>404</body></html>'), /not an ONNX model: it is a web page/],
    ['a Git LFS pointer', text('version https://git-lfs.github.com/spec/v1\noid sha256:0'), /Git LFS pointer/],
    ['onnxruntime format', text('\x20\0\0\0ORTM\0\0'), /\.ort format/],
    ['text', text('Hello, this is not a model.\n'), /not an ONNX model: its bytes are of another format/],
    ['text that starts with a tag', text('Be careful: models are binary.'), /not an ONNX model/],
    ['JSON', text('{"irVersion":"8"}'), /it is JSON/],
    ['the text form', text('ir_version: 8\ngraph {}'), /text form/],
    ['zeros', new Uint8Array(100), /not an ONNX model/],
    ['a single byte', Uint8Array.of(8), /not an ONNX model/],
    ['a model without a graph', Uint8Array.of(8, 8), /has no graph: it is truncated/],
    ['a model without operator sets', Uint8Array.of(8, 8, 0x3a, 0), /has no opset_import: it is truncated/],
    [
      'a graph stored as a number',
      Uint8Array.of(8, 8, 0x38, 5),
      /damaged: ModelProto.graph is stored with a wrong wire/,
    ],
    ['a node stored as a number', Uint8Array.of(8, 8, 0x3a, 2, 8, 1, 0x42, 0), /damaged: GraphProto.node is stored/],
  ])('%s', (_, bytes, message) => {
    const error = refusal(bytes);
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^some\.onnx .*[^.]\.$/s);
    expect(error).toMatchObject({ code: 'bad-model', subject: 'some.onnx' });
  });

  test('a model cut off anywhere', () => {
    const bytes = foreignModel();
    for (let end = 2; end < bytes.length; end += end < 300 || end > bytes.length - 300 ? 1 : 97) {
      expect(refusal(bytes.subarray(0, end)).message).toMatch(/truncated/);
    }
  });

  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(refusal(bytes).message).toMatch(/not an ONNX model|truncated|damaged/);
      }),
      { numRuns: 2000 },
    );
  });

  test('changed bytes give a model or a refusal, and nothing else', () => {
    const original = foreignModel().filter((_, index, all) => index < 500 || index > all.length - 300);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(original.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        (edits) => {
          const bytes = new Uint8Array(original);
          for (const [at, value] of edits) bytes[at] = value;
          try {
            encodeModel(decodeModel(bytes));
          } catch (error) {
            expect(error).toBeInstanceOf(OnnxPruneError);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('models of the first two IR versions need no operator sets', () => {
    expect(Number(decodeModel(Uint8Array.of(8, 2, 0x3a, 0)).irVersion)).toBe(2);
  });
});
