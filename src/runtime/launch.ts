import { createRequire } from 'node:module';
import { relative, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What Node needs to run a module of this folder on its own. */
export interface Launch {
  readonly url: URL;
  readonly execArgv: readonly string[];
}

/** The folder that src lies in. */
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/**
 * How to start the module `worker` beside the module at `from` (its import.meta.url) as a process: the compiled file beside a
 * compiled one. While developing, the TypeScript source through tsx, or what was compiled from it into the folder that
 * ONNX_PRUNE_COMPILED names, which starts sooner.
 */
export function workerLaunch(from: string): Launch {
  if (!from.endsWith('.ts')) return { url: new URL('./worker.js', from), execArgv: [] };
  const compiled = process.env['ONNX_PRUNE_COMPILED'];
  if (compiled !== undefined) {
    const inside = relative(ROOT, fileURLToPath(new URL('./worker.js', from)));
    return { url: new URL(inside.replaceAll(sep, '/'), pathToFileURL(`${compiled}/`)), execArgv: [] };
  }
  // By address, because Node resolves a bare name after --import from the working directory.
  const tsx = pathToFileURL(createRequire(from).resolve('tsx')).href;
  return { url: new URL('./worker.ts', from), execArgv: ['--import', tsx] };
}
