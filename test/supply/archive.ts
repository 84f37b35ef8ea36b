import { execFileSync } from 'node:child_process';
import { ROOT } from './project.ts';

/** One file of a package as `npm pack --json` tells it; the mode in octal is 644 or 755. */
export interface PackedFile {
  readonly path: string;
  readonly size: number;
  readonly mode: number;
}

/** What `npm pack --json` tells: sizes in bytes, and the name of the archive. */
export interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly PackedFile[];
}

/**
 * Packs the project as it is built, into a folder or, without one, nowhere. Its scripts do not run, for one of them would
 * build it anew while others use it.
 */
export function pack(folder?: string): Packed {
  const where = folder === undefined ? ['--dry-run'] : ['--pack-destination', folder];
  const told = execFileSync('npm', ['pack', '--ignore-scripts', '--json', ...where], {
    cwd: ROOT,
    encoding: 'utf8',
    stdio: 'pipe',
  });
  const packs: readonly Packed[] = JSON.parse(told);
  const [packed] = packs;
  if (packed === undefined) throw new Error(`npm pack told of no package: ${told}`);
  return packed;
}
