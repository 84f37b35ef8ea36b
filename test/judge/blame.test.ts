import { describe, expect, test } from 'vitest';
import { OnnxPruneError } from '../../src/errors.ts';
import { blame } from '../../src/judge/judge.ts';
import { RuntimeCrash, RuntimeTimeout } from '../../src/runtime/index.ts';

const refusal = new OnnxPruneError('runtime-refused', 'cut.onnx', 'It refused.');
const crash = new RuntimeCrash('runtime-refused', 'cut.onnx', 'It crashed.');
const runs = async (): Promise<void> => undefined;

describe('a model of ours that does not run', () => {
  test('is a bug of ours where the original runs', async () => {
    await expect(blame(refusal, runs)).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringMatching(/^The pruned model does not run, .* bug of onnx-prune.* It refused\.$/),
    });
  });

  test('is a failed check where onnxruntime crashes over it, and not over the original', async () => {
    await expect(blame(crash, runs)).rejects.toMatchObject({
      code: 'check-failed',
      message: expect.stringMatching(
        /^onnxruntime crashes over the pruned model and not over the original, .* It crashed\.$/,
      ),
    });
  });

  test('is the fault of the original where that does not run either', async () => {
    const own = new RuntimeCrash('runtime-refused', 'm.onnx', 'It crashed, too.');
    for (const error of [refusal, crash]) await expect(blame(error, () => Promise.reject(own))).rejects.toBe(own);
  });

  test('for want of time says so, and so does all else', async () => {
    const errors = [new RuntimeTimeout('runtime-refused', 'cut.onnx', 'Late.'), new Error('enough')];
    for (const error of errors) await expect(blame(error, runs)).rejects.toBe(error);
  });
});
