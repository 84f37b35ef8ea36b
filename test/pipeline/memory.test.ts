import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { prune } from '../../src/index.ts';
import { fixture, freshFolder } from './folder.ts';

it.each(['mnist-cnn.onnx', 'mnist-mlp.onnx', 'cifar-resnet20.onnx', 'structural/external.onnx'])(
  'writes the same %s where the memory of the weights is reused as where they stay for the proof',
  async (name) => {
    const folder = freshFolder();
    const [kept, reused] = [folder.path('kept.onnx'), folder.path('reused.onnx')];
    const options = { structured: 0.4, bench: false, align: 'none' } as const;
    await prune(fixture(name), { ...options, output: kept });
    await prune(fixture(name), { ...options, output: reused, verify: false });
    const filesOf = (path: string): Buffer[] =>
      name.includes('external') ? [readFileSync(`${path}.data`)] : [readFileSync(path)];
    expect(filesOf(reused)).toEqual(filesOf(kept));
  },
);
