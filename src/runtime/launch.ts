import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

/** What Node needs to run a module of this folder on its own. */
export interface Launch {
  readonly url: URL;
  readonly execArgv: readonly string[];
}

/**
 * How to start the module `worker` beside the module at `from` (its import.meta.url) as a process: the TypeScript source
 * through tsx while developing, the compiled file otherwise.
 */
export function workerLaunch(from: string): Launch {
  if (!from.endsWith('.ts')) return { url: new URL('./worker.js', from), execArgv: [] };
  // By address, because Node resolves a bare name after --import from the working directory.
  const tsx = pathToFileURL(createRequire(from).resolve('tsx')).href;
  return { url: new URL('./worker.ts', from), execArgv: ['--import', tsx] };
}
