import { realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, sep } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Desk } from '../cli/support/desk.ts';
import { ROOT } from './project.ts';
import { canTrace, type Trace, trace } from './system-calls.ts';

/** Where the system, Node and the program itself are read from. */
const SYSTEM: readonly string[] = [
  ...['/usr', '/lib', '/lib64', '/etc', '/proc', '/sys', '/dev', '/opt', '/nix'],
  dirname(dirname(realpathSync(process.execPath))),
  join(ROOT, 'dist'),
  join(ROOT, 'node_modules'),
  realpathSync(join(ROOT, 'node_modules')),
];

function isIn(path: string, folders: readonly string[]): boolean {
  return folders.some((folder) => path === folder || path.startsWith(folder + sep));
}

/** Traces the command in the folder of a desk, with a folder for temporary files that is inside of one for the test. */
async function traced(desk: Desk, ...words: readonly string[]): Promise<Trace & { readonly temporary: string }> {
  const root = await mkdtemp(join(realpathSync(tmpdir()), 'touches-'));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const [temporary, logs] = [join(root, 'temporary'), join(root, 'logs')];
  await mkdir(temporary);
  await mkdir(logs);
  const command = [process.execPath, Desk.command, ...words];
  return { ...trace(command, logs, desk.folder, { ...process.env, TMPDIR: temporary }), temporary };
}

/** strace sees files that native code opens, too; it is there on most Linux systems, and nowhere else. */
describe.skipIf(!canTrace())('A run, as the system sees it', () => {
  it.each([
    [
      'prune external.onnx --structured 50% --no-bench -o out.onnx --report r.html',
      ['out.onnx', 'out.onnx.data', 'r.html'],
    ],
    ['inspect external.onnx --report r.json', ['r.json']],
  ] as const)('of %s reads what it was given, and writes what it was asked for', async (words, results) => {
    const desk = new Desk();
    desk.fixture('structural/external.onnx', 'structural/external.data');
    desk.write('bystander.data', 'nothing to see');
    const { read, changed, programs, sockets, temporary } = await traced(desk, ...words.split(' '));
    // So the process that runs models was seen, too.
    expect(read.some((path) => basename(path).startsWith('libonnxruntime.'))).toBe(true);

    // The folder itself is listed, for what killed runs left, and synchronised.
    const own = read.filter((path) => isIn(path, [desk.folder]) && path !== desk.folder).map((path) => basename(path));
    expect(own).toEqual(expect.arrayContaining(['external.data', 'external.onnx']));
    const mayRead = ['external.data', 'external.onnx', 'package.json', '.out.onnx.lock', ...results];
    expect(own.filter((file) => !mayRead.includes(file))).toEqual([]);
    // Node looks for a package.json in all folders above a module.
    const outside = read.filter((path) => !isIn(path, [desk.folder, temporary, ...SYSTEM]));
    expect(outside.filter((path) => basename(path) !== 'package.json')).toEqual([]);

    // A lock stands beside a pair while it is put in its place.
    const passing = join(desk.folder, '.out.onnx.lock');
    const written = changed.filter((path) => !isIn(path, [temporary, '/dev', '/proc']) && path !== passing);
    const names = new Set(written.map((path) => basename(path).replace(/^\.(.+)\.[0-9a-f-]+\.tmp$/, '$1')));
    expect(written.filter((path) => dirname(path) !== desk.folder)).toEqual([]);
    expect([...names].sort()).toEqual([...results].sort());
    expect(desk.files).toEqual(['bystander.data', 'external.data', 'external.onnx', ...results].sort());

    expect(programs).toEqual([process.execPath]);
    expect(sockets.filter((kind) => kind !== 'AF_UNIX')).toEqual([]);
  });
});
