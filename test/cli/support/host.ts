import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll } from 'vitest';
import type { Outcome } from './desk.ts';
import type { HostTask } from './host-process.ts';

let host: ChildProcess | undefined;

afterAll(async () => {
  if (host === undefined) return;
  const gone = once(host, 'exit');
  host.disconnect();
  await gone;
});

/**
 * Runs a command in a process that the runs of a test file share. Starting Node and loading the program takes longer than
 * refusing a wrong word; that the command ends as a process of its own does is for others to show.
 *
 * @throws Error when the process ends.
 */
export function runInHost(task: HostTask): Promise<Outcome> {
  host ??= start();
  const process = host;
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`The process of the commands ended with ${code}.`));
    process.once('exit', ended);
    process.once('message', (outcome: Outcome) => {
      process.off('exit', ended);
      resolve(outcome);
    });
    process.send(task);
  });
}

function start(): ChildProcess {
  const { FORCE_COLOR: _, ...env } = process.env;
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return fork(fileURLToPath(new URL('./host-process.ts', import.meta.url)), [], {
    env,
    execArgv: ['--import', tsx],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}
