import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { replaceFiles } from '../../src/onnx/replace-files.ts';
import { smallNet } from '../cli/support/models.ts';
import { command } from './support/command.ts';
import { mayMount, SmallDisk } from './support/mounts.ts';
import { freshFolder } from './support/pairs.ts';

const isRoot = process.getuid?.() === 0;
/** Whoever runs the command where permissions are to hold: not root, for whom they do not. */
const uid = isRoot ? 65_534 : process.getuid?.();
const FAST = ['--structured', '50%', '--no-bench', '--no-verify'];

/** A folder with a small model, of the user who runs the command. */
function ownFolder(): string {
  const root = freshFolder();
  chmodSync(root, 0o755);
  const folder = join(root, 'work');
  mkdirSync(folder);
  writeFileSync(join(folder, 'm.onnx'), smallNet().bytes());
  if (isRoot) for (const each of [folder, join(folder, 'm.onnx')]) chownSync(each, uid ?? 0, uid ?? 0);
  return folder;
}

// Permissions of another kind on Windows.
describe.skipIf(uid === undefined)('what the user may not write', { timeout: 30_000 }, () => {
  const run = (folder: string, ...words: readonly string[]) =>
    command(words, { folder, ...(uid !== undefined && { uid }), env: { TMPDIR: '/tmp' } });

  it('as a folder is refused before any work', async () => {
    const folder = ownFolder();
    chmodSync(folder, 0o555);
    // So that it can be removed.
    onTestFinished(() => chmodSync(folder, 0o755));
    const { code, stdout, stderr } = await run(folder, 'm.onnx', ...FAST, '-v');
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/nothing can be written into the folder ".*work"; name another with -o\.\n/);
    expect(stderr).not.toContain('read\n');
    expect(readdirSync(folder)).toEqual(['m.onnx']);
  });

  it('as a file that is there already is refused before any work, and stays', async () => {
    const folder = ownFolder();
    writeFileSync(join(folder, 'out.onnx'), 'precious', { mode: 0o444 });
    const { code, stderr } = await run(folder, 'm.onnx', ...FAST, '--force', '-o', 'out.onnx', '-v');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /-o "out\.onnx" is protected: permission to write it is missing; name another file with -o\.\n/,
    );
    expect(stderr).not.toContain('read\n');
    expect(readFileSync(join(folder, 'out.onnx'), 'utf8')).toBe('precious');
    expect(readdirSync(folder)).toEqual(['m.onnx', 'out.onnx']);
  });

  it('as a report is told', async () => {
    const folder = ownFolder();
    writeFileSync(join(folder, 'out.json'), 'precious', { mode: 0o444 });
    const { code, stderr } = await run(folder, 'm.onnx', ...FAST, '--report', 'out.json');
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^onnx-prune: --report "out\.json" cannot be written: permission to write the file is missing; name another file\.\n$/,
    );
    expect(readFileSync(join(folder, 'out.json'), 'utf8')).toBe('precious');
  });
});

describe.skipIf(!mayMount)('a disk that is read-only (made where the user may mount one)', { timeout: 30_000 }, () => {
  it('is refused before any work', async () => {
    const disk = new SmallDisk(64);
    writeFileSync(disk.path('m.onnx'), smallNet().bytes());
    disk.protect();
    const { code, stderr } = await command(['m.onnx', ...FAST], { folder: disk.folder });
    expect(code).toBe(2);
    expect(stderr).toMatch(/nothing can be written into the folder ".*disk"; name another with -o\.\n$/);
  });

  it('that became so meanwhile is told', async () => {
    const disk = new SmallDisk(64);
    writeFileSync(disk.path('a'), 'old');
    disk.protect();
    await expect(replaceFiles([{ path: disk.path('a'), parts: [new Uint8Array(9)] }])).rejects.toThrow(
      /a cannot be written: the file system is read-only\.$/,
    );
    expect(readFileSync(disk.path('a'), 'utf8')).toBe('old');
  });
});

describe('a folder that goes while a file is written into it', () => {
  it('is told, and is not made again', async () => {
    const folder = join(freshFolder(), 'gone');
    mkdirSync(folder);
    const parts = async function* (): AsyncGenerator<Uint8Array, void, undefined> {
      yield new Uint8Array(10);
      rmSync(folder, { recursive: true });
      yield new Uint8Array(10);
    };
    await expect(replaceFiles([{ path: join(folder, 'a'), parts: parts() }])).rejects.toThrow(
      /gone.a cannot be written: its folder does not exist; create it first\.$/,
    );
    expect(readdirSync(dirname(folder))).toEqual([]);
  });
});
