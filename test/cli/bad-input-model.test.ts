import { chmodSync, mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { cyclic, definedTwice, missingValue, smallNet, smallNetThen, withoutOutputs } from './support/models.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const truncated = (): Uint8Array => smallNet().bytes().subarray(0, 1500);

const FILES: readonly (readonly [what: string, content: () => Uint8Array, sentence: RegExp])[] = [
  ['text', () => bytes('hello, world\n'), /is not an ONNX model: its bytes are of another format/],
  ['a PNG image', () => bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR'), /is not an ONNX model: it is a PNG image/],
  [
    'a zip archive',
    () => bytes('PK\x03\x04rest'),
    /is not an ONNX model: it is a zip archive, .*export the model to ONNX/,
  ],
  ['a web page', () => bytes('<!DOCTYPE html><html></html>'), /is not an ONNX model: it is a web page or XML/],
  [
    'random bytes',
    () => Uint8Array.from({ length: 999 }, (_, i) => (i * 7919 + 131) & 255),
    /is not an ONNX model|is damaged/,
  ],
  ['nothing', () => new Uint8Array(), /is empty, expected an ONNX model/],
  ['half a model', truncated, /is damaged or truncated .*; export or copy it again/],
  ['a cycle', cyclic, /Node "first" needs its own output: the graph has a cycle.*export the model again/],
  ['a value that nothing makes', () => missingValue(), /Value "nowhere" is read by node "first" but defined nowhere/],
  [
    'a value that two nodes make',
    definedTwice,
    /Value "y" is defined twice, the second time as an output of node "second"/,
  ],
  ['no outputs', withoutOutputs, /has no outputs.*export the model again/],
  [
    'an operator that nobody knows',
    () => smallNetThen('Magic', 'my.own'),
    /onnxruntime refuses the model: .*my\.own:Magic/,
  ],
  [
    'an operator that ONNX lacks',
    () => smallNetThen('Foo'),
    /onnxruntime refuses the model: .*No Op registered for Foo/,
  ],
  [
    'a Conv whose channels do not match',
    () => smallNet({ channels: 5 }).bytes(),
    /Input channels C is not equal to kernel channels/,
  ],
  ['an opset of the future', () => smallNet({ opset: 999 }).bytes(), /onnxruntime refuses the model: .*999/],
  ['an IR version of the future', () => smallNet({ irVersion: 999 }).bytes(), /onnxruntime refuses the model: .*999/],
];

describe('a model file with', { timeout: 30_000 }, () => {
  it.each(FILES)('%s gets one sentence that names the file', async (_, content, sentence) => {
    const desk = new Desk();
    desk.write('bad.onnx', content());
    const { code, stdout, stderr } = await desk.hosted('bad.onnx', '--structured', '50%', '--no-bench');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^onnx-prune: .*bad\.onnx.*\.\n$/);
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/\n\s+at /);
    expect(desk.files).toEqual(['bad.onnx']);
    expect(desk.leftovers).toEqual([]);
  });
});

describe('a name that would steer the terminal', { timeout: 30_000 }, () => {
  it('is written out in an error', async () => {
    const desk = new Desk();
    desk.write('bad.onnx', missingValue('\u001b[2Jgone\n'));
    const { code, stderr } = await desk.hosted('bad.onnx', '--structured', '50%');
    expect(code).toBe(2);
    expect(stderr).toMatch(/^onnx-prune: bad\.onnx: Value "\\u\{1b\}\[2Jgone\\u\{a\}" is read by .*\n$/);
  });
});

describe('an input that cannot be read', { timeout: 30_000 }, () => {
  it.each([
    ['is missing', 'gone.onnx', 'gone.onnx does not exist.'],
    ['lies in a folder that is missing', 'gone/m.onnx', 'gone/m.onnx does not exist.'],
    ['is a directory', 'folder', 'folder is a directory, expected an ONNX file.'],
  ])('because it %s is named', async (_, input, sentence) => {
    const desk = new Desk();
    mkdirSync(desk.path('folder'));
    const { code, stdout, stderr } = await desk.hosted(input, '--structured', '50%');
    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: `onnx-prune: ${sentence}\n` });
  });

  it.skipIf(process.getuid?.() === 0)('because it is not ours to read is named', async () => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    chmodSync(desk.path('m.onnx'), 0);
    const { code, stderr } = await desk.hosted('m.onnx', '--structured', '50%');
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'onnx-prune: m.onnx cannot be read: permission denied.\n' });
  });
});

describe('external data', { timeout: 30_000 }, () => {
  it.each([
    ['that is not there', 'gone.data', /'gone\.data', which is not beside the model file: copy it there/],
    ['with an absolute path', '/etc/hostname', /'\/etc\/hostname', outside the folder of the model file/],
    ['above the folder of the model', '../up.data', /'\.\.\/up\.data', outside the folder of the model file/],
    ['above it by a detour', 'a/../../up.data', /outside the folder of the model file/],
  ])('%s is refused', async (_, location, sentence) => {
    const desk = new Desk();
    const { model, data } = smallNet().externalBytes(location);
    mkdirSync(desk.path('sub'));
    mkdirSync(desk.path('sub/a'));
    desk.write('sub/m.onnx', model);
    desk.write('up.data', data);
    const { code, stdout, stderr } = await desk.hosted('sub/m.onnx', '--structured', '50%', '--no-bench');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^onnx-prune: Tensor 'stem\.weight' .*\.\n$/);
    expect(desk.files).toEqual(['sub', 'up.data']);
  });
});

describe('-v', { timeout: 30_000 }, () => {
  it('adds where an error came from', async () => {
    const desk = new Desk();
    desk.write('bad.onnx', cyclic());
    const { code, stderr } = await desk.hosted('bad.onnx', '--structured', '50%', '-v');
    expect(code).toBe(2);
    expect(stderr).toMatch(/onnx-prune: bad\.onnx: Node "first"/);
    expect(stderr).toMatch(/\n\s+at .*\.js:\d+/);
  });
});
