import { describe, expect, test } from 'vitest';
import { crashError } from '../../src/runtime/child-errors.ts';

describe('a process that ended', () => {
  test.each<[number | null, string | null, string]>([
    [null, 'SIGSEGV', 'was ended by SIGSEGV'],
    [134, null, 'exited with code 134'],
    [0xc0000005, null, 'exited with code 3221225477'],
  ])('in native code, with %j or %j, is a refusal', (code, signal, how) => {
    const error = crashError('m.onnx', code, signal, 'something\n');
    expect(error).toMatchObject({ code: 'runtime-refused', subject: 'm.onnx' });
    expect(error.message).toBe(
      `onnxruntime's process ${how} while it worked on m.onnx, a crash of onnxruntime over this model; try smaller inputs, or check that the model runs elsewhere.`,
    );
  });

  test('by an exception of ours is a bug', () => {
    const error = crashError('m.onnx', 1, null, 'Error: no\n    at x');
    expect(error.code).toBe('internal');
    expect(error.message).toMatch(
      /exited with code 1 .* which is a bug of onnx-prune; please report it with the model\.$/,
    );
    expect(error.cause).toBeInstanceOf(Error);
  });

  test.each([
    ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory', 'FATAL ERROR: Reached heap'],
    ["terminate called after throwing an instance of 'std::bad_alloc'\n  what():  std::bad_alloc", 'terminate called'],
  ])('is quoted where it said why: %s', (log, words) => {
    expect(crashError('m.onnx', null, 'SIGABRT', `noise\n${log}\n 1: 0xee node`).message).toContain(`(${words}`);
    expect(crashError('m.onnx', null, 'SIGABRT', `FATAL ERROR: ${'x'.repeat(9999)}`).message.length).toBeLessThan(400);
  });
});
