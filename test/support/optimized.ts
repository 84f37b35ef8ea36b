import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ort from 'onnxruntime-node';
import { decodeModel } from '../../src/onnx/codec.ts';

/** The operators, sorted, that onnxruntime runs in a model's own graph once it has optimized it. */
export async function optimizedOperators(bytes: Uint8Array): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-optimized-'));
  try {
    const [plain, path] = [join(folder, 'plain.onnx'), join(folder, 'optimized.onnx')];
    writeFileSync(plain, bytes);
    const session = await ort.InferenceSession.create(plain, { optimizedModelFilePath: path, logSeverityLevel: 4 });
    await session.release();
    return (decodeModel(readFileSync(path)).graph?.node ?? []).map(({ opType }) => opType ?? '').sort();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
