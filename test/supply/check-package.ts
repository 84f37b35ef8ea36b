import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pack } from './archive.ts';
import { emptyProject, use } from './consumer.ts';
import { lockfile } from './project.ts';

/**
 * Packs the built project, installs the archive from the registry into an empty folder, without scripts, and uses it there:
 * `npm run check:package`. Versions of indirect dependencies are those of today, not those of the lockfile, as for any user.
 */
const root = mkdtempSync(join(realpathSync(tmpdir()), 'onnx-prune-package-'));
try {
  const folder = join(root, 'user');
  emptyProject(folder);
  const node = `@types/node@${lockfile.packages['node_modules/@types/node']?.version}`;
  const npm = (...words: readonly string[]): string =>
    execFileSync('npm', words, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  const begin = performance.now();
  npm('install', '--ignore-scripts', '--no-audit', '--no-fund', join(root, pack(root).filename), node);
  const seconds = (performance.now() - begin) / 1000;
  npm('ls', '--all');
  const { version, types, program } = use(folder);
  if (types !== '' || !program.passed) throw new Error(`The installed package does not work: ${types}`);
  process.stdout.write(`Version ${version} installed in ${seconds.toFixed(1)} s, and it works.\n`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
