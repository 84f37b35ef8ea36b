import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { pack } from './archive.ts';
import { emptyProject, use } from './consumer.ts';
import { manifest, nameOf, production, ROOT } from './project.ts';

/**
 * Lays out node_modules as an installation does: the unpacked archive, its command, what a user gets besides, and Node's
 * types, which are the user's own. What is for developing alone is not there. `npm run check:package` installs in earnest.
 */
function layOut(folder: string, archive: string): void {
  const place = (name: string): string => join(folder, 'node_modules', name);
  mkdirSync(place('.bin'), { recursive: true });
  execFileSync('tar', ['-xzf', archive, '-C', place('')]);
  renameSync(place('package'), place(manifest.name));
  symlinkSync(`../${manifest.name}/dist/cli/main.js`, place(`.bin/${manifest.name}`));
  const names = production.map(([path]) => path).filter((path) => path.indexOf('node_modules/', 1) < 0);
  for (const name of [...names.map(nameOf), '@types/node']) {
    mkdirSync(dirname(place(name)), { recursive: true });
    symlinkSync(realpathSync(join(ROOT, 'node_modules', name)), place(name));
  }
}

it('The packed package works without the project: its command, its library, and its types', () => {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'package-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const folder = join(root, 'user');
  emptyProject(folder);
  layOut(folder, join(root, pack(root).filename));
  const { version, pruned, types, program } = use(folder);
  expect(version).toBe(manifest.version);
  expect(pruned).toContain('cut equals masked');
  expect(types).toBe('');
  expect(program).toEqual({ parameters: expect.any(Number), text: program.parameters, passed: true });
  const sizeOf = (name: string): number => statSync(join(folder, name)).size;
  expect(sizeOf('by-command.onnx')).toBeLessThan(sizeOf('model.onnx'));
  expect(readdirSync(folder)).toContain('by-library.onnx');
}, 60_000);
