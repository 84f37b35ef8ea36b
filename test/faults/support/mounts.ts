import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { freshFolder } from './pairs.ts';

/** Whether this user may mount file systems, which tests of full and of read-only disks need. */
export const mayMount: boolean = process.platform === 'linux' && process.getuid?.() === 0 && canMountHere();

/** A disk of its own, in memory, that is gone after the test. */
export class SmallDisk {
  readonly folder: string;

  /** @param kilobytes that it holds */
  constructor(kilobytes: number) {
    this.folder = join(freshFolder(), 'disk');
    mkdirSync(this.folder);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', this.folder]);
    // Before the folder around it goes, since what is set up last is taken down first.
    onTestFinished(() => void execFileSync('umount', ['-l', this.folder]));
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** From here on nothing can be written. */
  protect(): void {
    execFileSync('mount', ['-o', 'remount,ro', this.folder]);
  }
}

function canMountHere(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
