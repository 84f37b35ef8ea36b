import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { externalLocation } from '../../../src/onnx/external-data.ts';
import { readModelFile } from '../../../src/onnx/read.ts';
import { atHand } from '../../../src/onnx/stored-bytes.ts';
import { ModelBuilder } from '../../support/build.ts';

/** A folder that is gone after the test. */
export function freshFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'faults-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** One matrix product of `x` [N, 16] with weights [16, columns] that the seed decides. */
export function productNet(seed: number, columns: number): ModelBuilder {
  const b = new ModelBuilder({ seed });
  const x = b.input('x', 'float32', ['N', 16]);
  b.output(b.node('MatMul', [x, b.weight('w', [16, columns])], {}, { outputs: ['y'] }), 'float32', ['N', columns]);
  return b;
}

/** The weights of a `productNet` as whoever loads the file gets them: through the data file that it names, whatever that is called. */
export async function weightsIn(path: string): Promise<Uint8Array> {
  const { model } = await readModelFile(path);
  const tensor = model.graph?.initializer?.[0] ?? {};
  const external = externalLocation(tensor);
  if (external === undefined) return atHand(tensor.rawData ?? new Uint8Array(0));
  const { location, offset, length = 0 } = external;
  return readFileSync(join(dirname(path), location)).subarray(offset, offset + length);
}
