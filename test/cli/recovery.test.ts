import { describe, expect, it } from 'vitest';
import { ModelBuilder } from '../support/build.ts';
import { rawBytes } from '../support/build-tensor.ts';
import { npyBytes } from '../support/npy-bytes.ts';
import { languageModel } from '../support/transformer.ts';
import { integerArray } from './support/arrays.ts';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';
import { at, itemsAt, numberAt, parse } from './support/read.ts';

const DATA = ['--calibration', 'x.npy'];
const QUICK = ['--no-bench', '--no-verify'];

/** Inputs of `smallNet`. */
function images(count: number): Uint8Array {
  const values = Float32Array.from({ length: count * 192 }, (_, i) => Math.sin(i * i));
  return npyBytes('<f4', [count, 3, 8, 8], rawBytes('float32', values));
}

/** x [N, 4] → as many turns of a Loop as x is large → two dense layers. */
function patientNet(): Uint8Array {
  const b = new ModelBuilder();
  const x = b.input('x', 'float32', ['N', 4]);
  const turns = b.node('Cast', [b.node('ReduceMax', [x], { keepdims: 0 })], { to: 7 });
  const body = b.subgraph('body');
  body.input('turn', 'int64', []);
  body.input('going', 'bool', []);
  const carried = body.input('carried', 'float32', ['N', 4]);
  body.output(body.node('Identity', ['going']), 'bool', []);
  body.output(body.node('Tanh', [carried]), 'float32', ['N', 4]);
  const turned = b.node('Loop', [turns, '', x], { body: { graph: body } });
  const hidden = b.node('Relu', [b.node('MatMul', [turned, b.weight('first', [4, 16])])]);
  b.output(b.node('MatMul', [hidden, b.weight('second', [16, 3])], {}, { outputs: ['y'] }), 'float32', ['N', 3]);
  return b.bytes();
}

function deskWithModel(count = 64): Desk {
  const desk = new Desk();
  desk.write('m.onnx', smallNet().bytes());
  desk.write('x.npy', images(count));
  return desk;
}

describe('what recovery is asked for with', { timeout: 60_000 }, () => {
  const HALF = ['--structured', '50%'];
  it.each<[string, readonly string[], RegExp]>([
    [
      '--recover without data',
      [...HALF, '--recover', 'bias'],
      /--recover bias learns from data .* none were given; add --calibration/,
    ],
    [
      '--recover nonsense',
      [...HALF, ...DATA, '--recover', 'everything'],
      /--recover must be .*none.*bias.*least-squares.*"everything"/,
    ],
    [
      '--criterion reconstruction without data',
      [...HALF, '--criterion', 'reconstruction'],
      /--criterion reconstruction ranks channels by what is lost on calibration data, and none were given; add --calibration/,
    ],
    ['--steps without a schedule or data', [...HALF, '--steps', '3'], /--steps belongs to a schedule; .*--calibration/],
    [
      '--steps without recovery',
      [...HALF, ...DATA, '--recover', 'none', '--steps', '3'],
      /--steps belongs to a schedule/,
    ],
    [
      '--steps nonsense',
      [...HALF, ...DATA, '--steps', '0'],
      /--steps must be a whole number from 1 to 100, but is "0"/,
    ],
    [
      '--one-shot without an amount',
      [...HALF, ...DATA, '--one-shot'],
      /--one-shot .* none is given; add --unstructured/,
    ],
    ['--one-shot with a threshold', ['--threshold', '0.1', ...DATA, '--one-shot'], /--one-shot .* add --unstructured/],
    [
      '--one-shot without data',
      ['--unstructured', '50%', '--one-shot'],
      /--one-shot learns from data .*; add --calibration/,
    ],
    [
      '--one-shot nonsense',
      ['--unstructured', '50%', ...DATA, '--one-shot', 'obs'],
      /--one-shot must be .*wanda.*"obs"/,
    ],
  ])('is refused in one sentence: %s', async (_, args, sentence) => {
    const desk = deskWithModel();
    const { code, stdout, stderr } = await desk.hosted('m.onnx', ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: [^\n]*\.\n$/);
    expect(stderr).toMatch(sentence);
    expect(desk.files).toEqual(['m.onnx', 'x.npy']);
    expect(desk.leftovers).toEqual([]);
  });

  it('is in the help', async () => {
    const { code, stdout } = await new Desk().run('prune', '--help');
    expect(code).toBe(0);
    const text = stdout.replace(/\s+/g, ' ');
    expect(text).toMatch(
      /--recover <how> what layers make up for .*: none, bias, or least-squares \(default with --calibration\)/,
    );
    expect(text).toMatch(
      /--one-shot \[method\] choose zeros on calibration data .*wanda, sparsegpt, alps or magnitude/,
    );
    expect(text).toContain('reconstruction (default with --calibration)');
    expect(text).toContain('rounds in which channels leave, with recovery after each');
  });
});

describe('a run that learns from data', { timeout: 60_000 }, () => {
  it('tells its steps, and what was made up for', async () => {
    const desk = deskWithModel();
    const args = ['--structured', '50%', '--unstructured', '50%', '--one-shot', 'wanda', '--steps', '2'];
    const { code, stdout, stderr } = await desk.run('m.onnx', ...args, ...DATA, '-v', '--no-bench');
    expect(code).toBe(0);
    for (const step of ['read calibration data', 'measure channels', 'recover', 'choose zeros'])
      expect(stderr).toContain(step);
    expect(stdout).toMatch(/\nRecovered\n.*off before +after/);
    expect(stdout).toMatch(/in each of 2 rounds/);
    expect(stdout).toMatch(/output off +chosen by/);
    expect(stdout).toMatch(/head\.weight .* Wanda\n/);
    expect(stdout).toMatch(/on 64 calibration samples/);
    expect(desk.leftovers).toEqual([]);
  });

  it('writes what it learnt into the report', async () => {
    const desk = deskWithModel();
    const { code, stdout } = await desk.run('m.onnx', '--structured', '50%', ...DATA, ...QUICK, '--json');
    expect(code).toBe(0);
    const report = parse(stdout);
    expect(at(report, 'recovery')).toMatchObject({ kind: 'least-squares', samples: 64, rounds: 1 });
    const [layer] = itemsAt(report, 'recovery', 'layers');
    expect(at(layer, 'initializer')).toBe('head.weight');
    expect(numberAt(layer, 'after')).toBeLessThan(numberAt(layer, 'before'));
    expect(at(report, 'options')).toMatchObject({ recover: 'least-squares', criterion: 'reconstruction' });
  });

  it.each([
    ['channels', ['--structured', '50%', '--steps', '100'], 'recover'],
    [
      'weights',
      ['--unstructured', '50%', '--one-shot', 'alps', '--schedule', 'constant', '--steps', '100'],
      'choose zeros',
    ],
  ])('stops when it is told to, leaving nothing behind: %s', async (_, args, step) => {
    const desk = new Desk();
    desk.write('lm.onnx', languageModel({ blocks: 4 }).bytes());
    desk.write('x.npy', integerArray([2000, 6], 11));
    const run = desk.start(['lm.onnx', ...args, ...DATA, '-v', ...QUICK]);
    await run.said(step);
    run.stop('SIGINT');
    const { code, stdout, stderr } = await run.ended;
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toMatch(/onnx-prune: Stopped; nothing was written\.\n$/);
    expect(desk.files).toEqual(['lm.onnx', 'x.npy']);
    expect(desk.leftovers).toEqual([]);
  });

  it('is told about --timeout', async () => {
    const desk = new Desk();
    desk.write('m.onnx', patientNet());
    desk.write('x.npy', npyBytes('<f4', [2, 4], rawBytes('float32', Array<number>(8).fill(1e12))));
    const { code, stdout, stderr } = await desk.run(
      'm.onnx',
      '--structured',
      '50%',
      ...DATA,
      ...QUICK,
      '--timeout',
      '2',
    );
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: .* took longer than 2 s over .*raise --timeout\.\n$/);
    expect(desk.files).toEqual(['m.onnx', 'x.npy']);
    expect(desk.leftovers).toEqual([]);
  });
});
