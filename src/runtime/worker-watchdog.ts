import { Worker } from 'node:worker_threads';

/**
 * Ends this process soon after its parent is gone, even while native code blocks the main thread (an endless Loop):
 * then
 * no event reaches us, so a thread looks every second. The code is a string because a thread's file would need
 * its own way to be found and compiled.
 */
export function dieWithParent(): void {
  const code = `
    const parent = process.ppid;
    setInterval(() => {
      if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
    }, 1000);`;
  new Worker(code, { eval: true, execArgv: [] }).unref();
}
