import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { HostTensor } from '../../src/runtime/index.ts';
import { ModelBuilder, type ModelOptions } from '../support/build.ts';
import type { ElementType } from '../support/build-tensor.ts';

/** A float32 tensor. */
export function floats(dims: readonly number[], values: readonly number[]): HostTensor {
  return { type: 'float32', dims, data: Float32Array.from(values) };
}

/** y = one operator of x, both of one type and shape [N, 3]. */
export function unary(opType: string, dtype: ElementType = 'float32', options: ModelOptions = {}): Uint8Array {
  const b = new ModelBuilder(options);
  b.output(b.node(opType, [b.input('x', dtype, ['N', 3])], {}, { outputs: ['y'] }), dtype, ['N', 3]);
  return b.bytes();
}

/** y = x + values, float32 [N, values]. */
export function addition(values: readonly number[]): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', values.length]);
  const c = b.constant('c', 'float32', [values.length], values);
  b.output(b.node('Add', [x, c], {}, { outputs: ['y'] }), 'float32', ['N', values.length]);
  return b.bytes();
}

/** A Loop whose condition always holds: running it never ends. */
export function endless(): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', [1]);
  const go = b.constant('go', 'bool', [], [1]);
  const body = b.subgraph('body');
  body.input('i', 'int64', []);
  body.input('going', 'bool', []);
  body.input('carried', 'float32', [1]);
  body.output(body.node('Identity', ['going'], {}, { outputs: ['still'] }), 'bool', []);
  body.output(body.node('Neg', ['carried'], {}, { outputs: ['next'] }), 'float32', [1]);
  b.output(b.node('Loop', ['', go, x], { body: { graph: body } }, { outputs: ['y'] }), 'float32', [1]);
  return b.bytes();
}

/** A function that writes bytes to a file of that name in a folder which is removed after the tests. */
export function scratch(): (name: string, bytes: Uint8Array | string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-runtime-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return (name, bytes) => {
    const path = join(folder, name);
    writeFileSync(path, bytes);
    return path;
  };
}
