import { zipSync } from 'fflate';
import { describe, expect, it } from 'vitest';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';
import { Desk, type Outcome } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { at, parse } from './support/read.ts';

const FORMULA = ['--unstructured', '50%', '--criterion', 'abs(w) * sqrt(mean_square_in)'];
const QUICK = ['--no-bench', '--no-verify', '--force', '-o', 'small.onnx'];

/** Inputs of `smallNet`, of which later samples are larger, and differ from channel to channel. */
function images(count: number): Float32Array {
  return Float32Array.from(
    { length: count * 192 },
    (_, i) => Math.sin(i) * (1 + ((i >> 6) % 3)) * (1 + Math.floor(i / 192)),
  );
}

function arrayOf(count: number, values: Float32Array = images(count)): Uint8Array {
  return npyBytes('<f4', [count, 3, 8, 8], rawBytes('float32', values));
}

function calibrate(desk: Desk, file: string, ...args: readonly string[]): Promise<Outcome> {
  return desk.run('m.onnx', ...FORMULA, '--calibration', file, ...args, ...QUICK);
}

function deskWithModel(): Desk {
  const desk = new Desk();
  desk.write('m.onnx', smallNet().bytes());
  return desk;
}

describe('--calibration', { timeout: 60_000 }, () => {
  it('gives the same result in every form and batch, and leaves nothing behind', async () => {
    const desk = deskWithModel();
    const array = arrayOf(70);
    desk.write('x.npy', array);
    desk.write('stored.npz', zipSync({ 'x.npy': array }, { level: 0 }));
    desk.write('deflated.npz', zipSync({ 'x.npy': array }));
    const results: Buffer[] = [];
    for (const args of [['x.npy'], ['stored.npz'], ['deflated.npz'], ['deflated.npz', '--batch', '70']] as const) {
      const [file, ...more] = args;
      expect(await calibrate(desk, file, ...more)).toMatchObject({ code: 0 });
      results.push(desk.read('small.onnx'));
      expect(desk.leftovers).toEqual([]);
    }
    for (const result of results.slice(1)) expect(result.equals(results[0] ?? Buffer.alloc(0))).toBe(true);
  });

  it('tells on the way how many samples are done', async () => {
    const desk = deskWithModel();
    desk.write('x.npy', arrayOf(70));
    const { code, stderr } = await calibrate(desk, 'x.npy', '-v');
    expect(code).toBe(0);
    expect(stderr).toContain('open calibration data');
    expect(stderr).toContain('calibrate');
  });

  it('reads as many samples as --samples says, in batches as --batch says, and reports both', async () => {
    const desk = deskWithModel();
    // The last sample alone is infinite, so that only a run over all of them is refused.
    const values = images(200);
    values[values.length - 1] = Number.POSITIVE_INFINITY;
    desk.write('x.npy', arrayOf(200, values));
    expect(await calibrate(desk, 'x.npy')).toMatchObject({ code: 2 });
    const { code, stdout } = await calibrate(desk, 'x.npy', '--samples', '3', '--batch', '2', '--json');
    expect(code).toBe(0);
    expect(at(parse(stdout), 'options')).toMatchObject({ samples: 3, batch: 2 });
  });

  it.each<[string, () => Uint8Array, readonly string[], RegExp]>([
    [
      'half a file',
      () => zipSync({ 'x.npy': arrayOf(6) }).subarray(0, 400),
      [],
      /^onnx-prune: data is a damaged \.npz file .*\n$/,
    ],
    [
      'other arrays',
      () => zipSync({ 'x.npy': arrayOf(6), 'q.npy': arrayOf(6) }),
      [],
      /has an array 'q' that no model input takes/,
    ],
    [
      'numbers that do not fit',
      () => npyBytes('<f8', [1, 3, 8, 8], rawBytes('float64', Array<number>(192).fill(1e39))),
      [],
      /^onnx-prune: data: the array for input 'x' is float64 and holds 1e\+39, .*\n$/,
    ],
  ])('with %s gets one sentence, and leaves nothing behind', async (_, content, args, sentence) => {
    const desk = deskWithModel();
    desk.write('data', content());
    const { code, stdout, stderr } = await calibrate(desk, 'data', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(desk.files).toEqual(['data', 'm.onnx']);
    expect(desk.leftovers).toEqual([]);
  });

  it('that is stopped while its data are copied leaves nothing behind', async () => {
    const desk = deskWithModel();
    // Zeros deflate to little, and take a while to inflate.
    const file = Buffer.concat([arrayOf(0), Buffer.alloc(300_000 * 768)]);
    const text = Buffer.from(
      file
        .subarray(0, 128)
        .toString('latin1')
        .replace('(0, 3,', '(300000, 3,')
        .replace(/ {5}\n$/, '\n'),
      'latin1',
    );
    expect(text.length).toBe(128);
    text.copy(file);
    desk.write('data.npz', zipSync({ 'x.npy': [file, { level: 1 }] }));
    const run = desk.start(['m.onnx', ...FORMULA, '--calibration', 'data.npz', '-v', ...QUICK]);
    await run.said('open calibration data');
    run.stop('SIGINT');
    const { code, stdout } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(desk.files).toEqual(['data.npz', 'm.onnx']);
    expect(desk.leftovers).toEqual([]);
  });
});
