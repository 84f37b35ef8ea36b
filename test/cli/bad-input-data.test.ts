import { describe, expect, it } from 'vitest';
import { floatArray, integerArray, npz } from './support/arrays.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';

const x = floatArray(6, 3, 8, 8);

const DATA: readonly (readonly [what: string, content: () => Uint8Array, sentence: RegExp])[] = [
  ['no array file', () => Buffer.from('hello'), /is neither a \.npz nor a \.npy file/],
  ['half a .npz file', () => npz({ x }).subarray(0, 400), /is a damaged \.npz file .*; copy or write it again/],
  [
    'an array of another name',
    () => npz({ z: x, q: x }),
    /has no array for the model's input 'x': .*the data holds 'z', 'q'/,
  ],
  ['an array too many', () => npz({ x, q: x }), /has an array 'q' that no model input takes/],
  [
    'an array of another shape',
    () => npz({ x: floatArray(6, 3, 4, 8) }),
    /has shape \[6, 3, 4, 8\], but the model expects \[samples, 3, 8, 8\]/,
  ],
  [
    'an array of another type',
    () => npz({ x: integerArray([6, 3, 8, 8], 9) }),
    /is int64, but the model expects float32; .*astype\('float32'\)/,
  ],
  ['unequal counts', () => npz({ x, labels: integerArray([5], 4) }), /'x' has 6 samples but 'labels' has 5/],
  ['no samples', () => npz({ x: floatArray(0, 3, 8, 8) }), /holds no samples/],
];

describe('test data with', { timeout: 30_000 }, () => {
  it.each(DATA)('%s get one sentence', async (_, content, sentence) => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    desk.write('data.npz', content());
    const { code, stdout, stderr } = await desk.hosted('m.onnx', '--structured', '50%', '--test', 'data.npz');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: data\.npz.*\n$/);
    expect(stderr).toMatch(sentence);
    expect(desk.files).toEqual(['data.npz', 'm.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('labels beyond the classes are told the classes there are', async () => {
    const desk = new Desk();
    const model = desk.fixture('mnist-cnn.onnx');
    desk.write('data.npz', npz({ image: floatArray(20, 1, 28, 28), labels: integerArray([20], 12) }));
    const { code, stderr } = await desk.hosted(model, '--structured', '50%', '--test', 'data.npz', '--no-bench');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: Label 10 does not fit output "logits", which has 10 classes; .*\n$/);
    expect(desk.files).toEqual(['data.npz', 'mnist-cnn.onnx']);
  });

  it('nothing behind their name are missed before the model is cut', async () => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const { code, stderr } = await desk.hosted('m.onnx', '--structured', '50%', '--test', 'gone.npz');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: gone\.npz does not exist; give a \.npz file, .*\n$/);
  });
});
