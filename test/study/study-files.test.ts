import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sweep } from '../../src/index.ts';
import { readModelFile } from '../../src/onnx/read.ts';
import { writeModelFile } from '../../src/onnx/write.ts';
import { digits } from '../support/digits.ts';
import { prune } from '../support/shared-runtime.ts';

const MODEL = fileURLToPath(new URL('../../fixtures/mnist-mlp.onnx', import.meta.url));
const data = { testData: async () => digits(0, 100, 100) };
const wanted = { structured: '50', bench: false, workers: 1 } as const;

function place(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'study-files-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, name);
}

describe('A study', { timeout: 120_000 }, () => {
  it('reads compressed models as it reads others', async () => {
    const path = place('m.onnx.gz');
    await prune(MODEL, { gzip: true, output: path, bench: false, verify: false });
    // Times need a file that onnxruntime reads.
    const { series } = await sweep(path, { ...wanted, bench: true }, data);
    const figures = series[0]?.points[0]?.figures;
    expect(figures?.latency?.median).toBeGreaterThan(0);
    const plain = await prune(MODEL, { structured: 0.5, bench: false, dryRun: true }, data);
    expect(figures?.quality.cosine).toBe(plain.fidelity?.outputs[0]?.cosine);
  });

  it('knows a model by the weights in other files, too', async () => {
    const path = place('m.onnx');
    const { model } = await readModelFile(MODEL);
    await writeModelFile(path, model, { externalData: true });
    const first = await sweep(path, wanted, data);
    expect(first.series[0]?.points[0]?.problem).toBeNull();
    expect((await sweep(path, wanted, data)).resumed).toBe(1);
    const weights = `${path}.data`;
    const bytes = readFileSync(weights);
    bytes.writeFloatLE(0.5, 0);
    writeFileSync(weights, bytes);
    const changed = await sweep(path, wanted, data);
    expect(changed.resumed).toBe(0);
    expect(changed.notes.join()).toContain('was put aside');
    expect(existsSync(`${path}.sweep.jsonl.old`)).toBe(true);
  });

  it('learns from calibration data, in every process', async () => {
    const path = place('m.onnx');
    copyFileSync(MODEL, path);
    const hooks = { ...data, calibration: async () => digits(50, 100, 100) };
    const options = { ...wanted, journal: false, recover: 'none,least-squares' } as const;
    const { series } = await sweep(path, options, hooks);
    const [without, with_] = series.map(({ points }) => points[0]?.figures?.quality.cosine ?? 0);
    expect(series.map(({ name }) => name)).toEqual(['channels, none', 'channels, least-squares']);
    expect(with_).toBeGreaterThan(without ?? 1);
    const single = await prune(path, { structured: 0.5, bench: false, output: `${path}.out.onnx` }, hooks);
    expect(with_).toBe(single.fidelity?.outputs[0]?.cosine);
  });
});
