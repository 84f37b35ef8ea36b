import { chmodSync, mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Desk } from './support/desk.ts';
import { smallNet } from './support/models.ts';

describe('an output that cannot be written', { timeout: 30_000 }, () => {
  it.each([
    ['its folder does not exist', 'nowhere/out.onnx', /the folder ".*nowhere" does not exist; make it first/],
    ['its folder is a file', 'm.onnx/out.onnx', /the folder ".*m\.onnx" does not exist; make it first/],
    ['it is a directory', 'folder', /-o "folder" is a directory; name a file in it/],
  ])('because %s is refused before any work', async (_, output, sentence) => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    mkdirSync(desk.path('folder'));
    const { code, stdout, stderr } = await desk.run('m.onnx', '--structured', '50%', '-v', '--force', '-o', output);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toContain('read\n');
    expect(desk.files).toEqual(['folder', 'm.onnx']);
  });

  it.skipIf(process.getuid?.() === 0)('because the folder is protected is refused before any work', async () => {
    const desk = new Desk();
    mkdirSync(desk.path('sub'));
    desk.write('sub/m.onnx', smallNet().bytes());
    chmodSync(desk.path('sub'), 0o555);
    const { code, stderr } = await desk.run('sub/m.onnx', '--structured', '50%');
    expect(code).toBe(2);
    expect(stderr).toMatch(/nothing can be written into the folder ".*sub"; name another with -o\.\n$/);
  });
});

describe('a folder for temporary files that is not there', { timeout: 30_000 }, () => {
  it.skipIf(process.platform === 'win32')('is named, with the way to name another', async () => {
    const desk = new Desk();
    desk.write('m.onnx', smallNet().bytes());
    const gone = desk.path('gone');
    const { code, stderr } = await desk.start(['m.onnx', '--structured', '50%'], { TMPDIR: gone }).ended;
    expect(code).toBe(2);
    expect(stderr).toContain(`No temporary folder could be made in ${gone}`);
    expect(stderr).toMatch(/set TMPDIR to a folder that can be written to\.\n$/);
  });
});
