import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root: string = fileURLToPath(new URL('../..', import.meta.url));

/** A temporary folder with the project compiled into it, so that what is measured is what the sources say now. */
export interface Workshop {
  /** The built command. */
  readonly command: string;
  /** Path of a compiled step of this benchmark, e.g. `prune`. */
  step(name: string): string;
  /** The module that notes a process's peak memory when it ends. */
  readonly peakHook: string;
  /** A place for a file. */
  path(name: string): string;
  /** Path of a fixture. */
  fixture(name: string): string;
}

/** Compiles the project and the benchmark's steps into a temporary folder, which is gone after `work`. */
export async function inWorkshop(work: (workshop: Workshop) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'onnx-prune-bench-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const stop = (): void => process.exit(130);
  process.once('exit', remove);
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    compile(folder);
    await work({
      command: join(folder, 'dist/cli/main.js'),
      step: (name) => join(folder, `dist/test/bench/steps/${name}.js`),
      peakHook: join(folder, 'dist/test/bench/peak-hook.js'),
      path: (name) => join(folder, name),
      fixture: (name) => join(root, 'fixtures', name),
    });
  } finally {
    remove();
    for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, stop);
    process.off('exit', remove);
  }
}

function compile(folder: string): void {
  const typescript = createRequire(import.meta.url).resolve('typescript/package.json');
  const tsc = join(dirname(typescript), 'bin/tsc');
  const config = fileURLToPath(new URL('tsconfig.json', import.meta.url));
  try {
    execFileSync(process.execPath, [tsc, '-p', config, '--outDir', join(folder, 'dist')], { encoding: 'utf8' });
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout) : String(error);
    // Type errors do not keep the compiler from writing; without files there is nothing to measure.
    if (!existsSync(join(folder, 'dist/cli/main.js'))) throw new Error(`Compiling failed:\n${said}`);
    process.stderr.write(`The sources have type errors; measuring them nevertheless.\n${said}`);
  }
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
}
