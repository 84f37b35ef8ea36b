import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { loadModel } from '../../src/load.ts';
import { prune } from '../../src/pipeline.ts';
import { createEngine, RuntimeChild } from '../../src/runtime/index.ts';
import { freshFolder } from '../pipeline/folder.ts';
import { type BentGraph, bend, importBytes, laterRefusal, nodeOf, refusalOf, tensorOf } from '../support/bent-model.ts';

const child = new RuntimeChild({ deadlineMs: 60_000 });
afterAll(() => child.close());

/** What the weight `w1` [16, 8] holds. */
const DATA = new Uint8Array(new Float32Array(128).fill(0.5).buffer);

/** A folder with a model in it and its weights beside it, in a folder with what is nobody's business. */
function places(): { readonly model: string; readonly inside: string; path(name: string): string } {
  const { path, write } = freshFolder();
  mkdirSync(path('in'));
  write('secret.bin', DATA);
  write('in/w.bin', DATA);
  return { model: path('in/m.onnx'), inside: path('in'), path: (name) => path(join('in', name)) };
}

const entriesOf = (entries: readonly (readonly [string, string])[]): { key: string; value: string }[] =>
  entries.map(([key, value]) => ({ key, value }));

/** The net whose weight `w1` is said to be elsewhere. */
function elsewhere(...entries: readonly (readonly [string, string])[]): Uint8Array {
  return bend((graph) => {
    Object.assign(tensorOf(graph, 'w1'), {
      rawData: new Uint8Array(),
      dataLocation: 1,
      externalData: entriesOf(entries),
    });
  });
}

/** Reads the weight of such a net. */
function readWeight(bytes: Uint8Array, folder: string): Uint8Array | undefined {
  const { graph } = importBytes(bytes, folder);
  return [...graph.initializers].find(({ name }) => name === 'w1')?.tensor?.raw();
}

const OUTSIDE = /^Tensor 'w1' has its data in '.*', outside the folder of the model file: put the data file itself/s;

describe('The place of a weight', () => {
  it.each([
    '/etc/passwd',
    '../secret.bin',
    'a/../../secret.bin',
    './../secret.bin',
    '..\\secret.bin',
    'a\\..\\..\\secret.bin',
    'C:\\secret.bin',
    '\\\\host\\share\\secret.bin',
    'w.bin\0.png',
    '.',
    '/dev/zero',
  ])('%j is outside', (location) => {
    const { inside } = places();
    expect(refusalOf(() => readWeight(elsewhere(['location', location]), inside))).toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(OUTSIDE),
    });
  });

  it.each(['http://localhost/w.bin', '..%2fsecret.bin', '\u2025/secret.bin', 'C:secret.bin', 'n'.repeat(5000)])(
    '%.40j is a name like any other, of a file that is not there',
    (location) => {
      const { inside } = places();
      expect(refusalOf(() => readWeight(elsewhere(['location', location]), inside))).toMatchObject({
        code: 'bad-file',
      });
    },
  );

  it.each([
    ['a link to a file', 'link', '../secret.bin', OUTSIDE],
    ['a link to a folder', 'link/secret.bin', '..', OUTSIDE],
    ['a link to a device', 'link', '/dev/zero', OUTSIDE],
    ['a link to itself', 'link', 'link', /which cannot be read \(ELOOP/],
  ])('that is %s outside is not read', (_, location, target, sentence) => {
    const { inside, path } = places();
    symlinkSync(target, path('link'));
    expect(refusalOf(() => readWeight(elsewhere(['location', location]), inside)).message).toMatch(sentence);
  });

  it('that is a folder or a pipe is no file, and nobody waits for a writer', () => {
    const { inside, path } = places();
    mkdirSync(path('folder'));
    const kinds = ['folder'];
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [path('pipe')]);
      kinds.push('pipe');
    }
    for (const kind of kinds) {
      expect(refusalOf(() => readWeight(elsewhere(['location', kind]), inside)).message).toMatch(
        /is not a regular file/,
      );
    }
  });

  it('that is the model itself gives bytes of the model, and no more than there are', () => {
    const { inside, model } = places();
    const bytes = elsewhere(['location', 'm.onnx']);
    writeFileSync(model, bytes);
    expect(readWeight(bytes, inside)).toEqual(new Uint8Array(bytes.subarray(0, 512)));
  });

  it.each([
    [[['offset', '1000']], /needs bytes 1000 to 1512 of 'w.bin', which has 512/],
    [[['offset', '9007199254740990']], /which has 512/],
    [[['offset', '9007199254740993']], /has the external offset '9007199254740993', expected a number of bytes/],
    [[['offset', '-1']], /expected a number of bytes/],
    [[['offset', 'abc']], /expected a number of bytes/],
    [[['offset', '1.5']], /expected a number of bytes/],
    [[['offset', '0x10']], /expected a number of bytes/],
    [[['offset', '1e0']], /expected a number of bytes/],
    [[['offset', ' 0']], /expected a number of bytes/],
    [[['offset', '']], /expected a number of bytes/],
    [[['length', '5000']], /has 5000 bytes in 'w.bin', but its shape and type need 512/],
    [[['length', '100']], /has 100 bytes in 'w.bin', but its shape and type need 512/],
    [[['length', '-512']], /expected a number of bytes/],
    [[['location', '../secret.bin']], OUTSIDE],
  ] as const)('with %j is refused', (more, sentence) => {
    const { inside } = places();
    const error = refusalOf(() => readWeight(elsewhere(['location', 'w.bin'], ...more), inside));
    expect(error.code).toBe('bad-model');
    expect(error.message).toMatch(sentence);
  });

  it('is read from what is said last, whatever else is said', () => {
    const { inside } = places();
    const bytes = elsewhere(
      ['__proto__', '1'],
      ['location', '../secret.bin'],
      ['constructor', '2'],
      ['location', 'w.bin'],
    );
    expect(readWeight(bytes, inside)).toEqual(DATA);
  });

  it('that is none is said', () => {
    const { inside } = places();
    expect(refusalOf(() => readWeight(elsewhere(), inside)).message).toMatch(/names no file/);
  });
});

/** A tensor [16] at a place. */
const tensorAt = (location: string): object => ({
  name: 'k',
  dims: [16],
  dataType: 1,
  dataLocation: 1,
  externalData: entriesOf([['location', location]]),
});

/** Gives the net a constant of a node that is at a place, and adds it to what "r" reads. */
function withConstant(location: string): (graph: BentGraph) => void {
  return (graph) => {
    const attribute = [{ name: 'value', type: 4, t: tensorAt(location) }];
    graph.node.unshift({ opType: 'Constant', name: 'c', output: ['k'], attribute });
    Object.assign(nodeOf(graph, 'r'), { opType: 'Add', input: ['h0', 'k'] });
  };
}

describe('A constant in an attribute', () => {
  it('is read from beside the model, and its file is known as one of the model', async () => {
    const { model, path } = places();
    writeFileSync(path('k.bin'), DATA.subarray(0, 64));
    writeFileSync(model, bend(withConstant('k.bin')));
    const loaded = await loadModel(model, createEngine(child));
    const constant = [...loaded.model.graph.initializers].find(({ name }) => name === 'k');
    expect(constant?.tensor?.raw()).toEqual(DATA.subarray(0, 64));
    expect(loaded.dataFiles).toEqual([path('k.bin')]);
  });

  it('is not read from elsewhere', async () => {
    const { model } = places();
    writeFileSync(model, bend(withConstant('../secret.bin')));
    const error = await laterRefusal(prune(model, { structured: 0.5, dryRun: true, bench: false }));
    expect(error).toMatchObject({
      code: 'bad-model',
      message: expect.stringMatching(/outside the folder of the model/),
    });
  });

  it('of a body is not read from elsewhere', async () => {
    const { model } = places();
    const bytes = bend((graph) => {
      const branch = (name: string): object => ({
        name,
        node: [{ opType: 'Add', input: ['h0', 'k'], output: [`${name}_out`] }],
        initializer: [tensorAt('../secret.bin')],
        output: [{ name: `${name}_out`, type: { tensorType: { elemType: 1 } } }],
      });
      graph.input.push({ name: 'cond', type: { tensorType: { elemType: 9, shape: { dim: [] } } } });
      const attribute = ['then_branch', 'else_branch'].map((name) => ({ name, type: 5, g: branch(name) }));
      Object.assign(nodeOf(graph, 'r'), { opType: 'If', input: ['cond'], attribute });
    });
    writeFileSync(model, bytes);
    const error = await laterRefusal(loadModel(model, createEngine(child)));
    expect(error.message).toMatch(/'..\/secret.bin' points outside the directory/);
  });
});

describe('What is written', () => {
  it.each([false, true])('never goes where the weights of the input are (force: %s)', async (force) => {
    const { model, path } = places();
    writeFileSync(path('out.onnx.data'), DATA);
    writeFileSync(model, elsewhere(['location', 'out.onnx.data']));
    const error = await laterRefusal(prune(model, { structured: 0.5, output: path('out.onnx'), force, bench: false }));
    expect(error.message).toMatch(/holds those of the input and is never touched; name another output with -o/);
    expect(new Uint8Array(readFileSync(path('out.onnx.data')))).toEqual(DATA);
  });
});
