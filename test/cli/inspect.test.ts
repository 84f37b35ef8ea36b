import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { cyclic } from './support/models.ts';
import { hasEscapes, itemsAt, parse } from './support/read.ts';

describe('onnx-prune inspect', { timeout: 30_000 }, () => {
  it('lists layers, groups and what stays, and writes nothing', async () => {
    const desk = new Desk();
    const { code, stdout, stderr } = await desk.run('inspect', desk.fixture('mnist-cnn.onnx'));
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(hasEscapes(stdout)).toBe(false);
    expect(stdout).toContain('Groups of channels that can shrink: 3');
    expect(stdout).toMatch(/\/0\/Conv\s+Conv\s+\[N, 32, 26, 26\]/);
    expect(stdout).toContain('it is the graph output "logits": 11.weight');
    expect(stdout).toMatch(/4\.weight {2}64 channels · 428 k parameters \(99\.27%\)/);
    expect(stdout).toMatch(/hold >99\.99% of all parameters/);
    expect(stdout).not.toContain('─ cuts ');
    expect(desk.files).toEqual(['mnist-cnn.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('gives the same as JSON', async () => {
    const desk = new Desk();
    const { stdout } = await desk.run('inspect', desk.fixture('mnist-cnn.onnx'), '--json', '--report', 'r.json');
    const report = parse(stdout);
    expect(report).toMatchObject({
      schemaVersion: 1,
      input: { path: 'mnist-cnn.onnx', opset: 13, irVersion: 7, fileBytes: desk.read('mnist-cnn.onnx').length },
      inputs: [{ name: 'image', type: 'float32', dims: ['N', 1, 28, 28] }],
      outputs: [{ name: 'logits' }],
      operators: { Conv: 2, Gemm: 2 },
      unknownOperators: {},
      // 32·9 + 32 + 64·32·9 + 64 + 256·1600 + 256 + 10·256 + 10
      parameters: 431_242,
      // 26²·32·9 + 11²·64·32·9 + 256·1600 + 10·256
      macs: 2_837_120,
      macsUnknown: 0,
    });
    expect(itemsAt(report, 'groups')).toEqual([
      expect.objectContaining({
        name: '0.weight',
        producers: ['/0/Conv'],
        consumers: ['/4/Conv'],
        channels: 32,
        unit: 1,
      }),
      // 64·32·9 + 64, and 256·1600 of the layer that reads them.
      expect.objectContaining({ name: '4.weight', channels: 64, parameters: 428_096 }),
      expect.objectContaining({ name: '9.weight', channels: 256 }),
    ]);
    // All but the bias of the last layer.
    expect(report).toMatchObject({ prunableParameters: 431_232 });
    expect(String(desk.read('r.json'))).toBe(stdout);
  });

  it('needs no weights that lie in a file which is not there', async () => {
    const desk = new Desk();
    const { code, stdout } = await desk.run('inspect', desk.fixture('structural/external.onnx'));
    expect(code).toBe(0);
    expect(stdout).toContain('Groups of channels');
  });

  it('fails as prune does for a model that is none', async () => {
    const desk = new Desk();
    desk.write('bad.onnx', cyclic());
    const { code, stdout, stderr } = await desk.run('inspect', 'bad.onnx');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: bad\.onnx: Node "first" needs its own output: .*\n$/);
  });
});
