import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** The path of a fixture. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../fixtures/${name}`, import.meta.url));
}

/** A fresh folder that is gone after the test. */
export function freshFolder(): { path(name: string): string; write(name: string, bytes: Uint8Array): string } {
  const root = mkdtempSync(join(tmpdir(), 'pipeline-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'elsewhere'));
  const path = (name: string): string => join(root, name);
  return {
    path,
    write: (name, bytes) => {
      writeFileSync(path(name), bytes);
      return path(name);
    },
  };
}
