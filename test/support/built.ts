import { execSync } from 'node:child_process';
import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** When a folder, or anything in it, changed last, in milliseconds; a folder does where a file comes or goes. */
function lastChange(folder: string): number {
  const times = readdirSync(folder, { withFileTypes: true }).map((entry: Dirent) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? lastChange(path) : statSync(path).mtimeMs;
  });
  return Math.max(statSync(folder).mtimeMs, ...times);
}

/** Builds what is older than its sources, before any test: commands and processes are run from there. */
export function setup(): void {
  const built = join(ROOT, 'dist/cli/main.js');
  const changed = Math.max(...['src', 'cli'].map((folder) => lastChange(join(ROOT, folder))));
  if (!existsSync(built) || statSync(built).mtimeMs < changed)
    execSync('npm run build', { cwd: ROOT, stdio: 'inherit' });
}
